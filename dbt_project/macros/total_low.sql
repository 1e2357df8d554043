{% macro total_low(total, doubt) -%}
    {#- a few customers may well spend nothing, which no factor reaches -#}
    {{ total }} * greatest(1 - {{ doubt }}, 0)
{%- endmacro %}
