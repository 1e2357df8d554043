{% macro windowed(measure, window) -%}
    {%- set sum = measure.aggregate | default('sum') -%}
    {%- if window == 'lifetime' -%}
        coalesce({{ sum }}({{ measure.name }}), 0)
    {%- else -%}
        {%- set days = window_days(window) -%}
        coalesce({{ sum }}(
            case when days_before between {{ days[0] }} and {{ days[1] }} then {{ measure.name }} end
        ), 0)
    {%- endif -%}
{%- endmacro %}
