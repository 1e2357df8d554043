{% macro window_days(window) -%}
    {%- set bounds = window.replace('d', '').split('_') -%}
    {%- if bounds | length == 2 -%}
        {{ return([bounds[0] | int, bounds[1] | int]) }}
    {%- endif -%}
    {{ return([1, bounds[0] | int]) }}
{%- endmacro %}
