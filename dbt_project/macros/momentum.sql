{% macro momentum(newer, older) -%}
    {{ ratio(newer ~ ' - ' ~ older, newer ~ ' + ' ~ older) }}
{%- endmacro %}
