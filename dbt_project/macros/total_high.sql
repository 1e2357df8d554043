{% macro total_high(total, doubt) -%}
    {{ total }} * exp({{ doubt }})
{%- endmacro %}
