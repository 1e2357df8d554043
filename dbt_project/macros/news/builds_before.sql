{% macro builds_before(name, relation) %}
    {#- what the last complete build had of a table; where all is built anew, no difference matters -#}
    {{ return(relation if should_full_refresh() else 'builds.' ~ name) }}
{% endmacro %}
