{% macro frame_bounds(window) -%}
    {%- if window == 'lifetime' -%}
        unbounded preceding and current row
    {%- else -%}
        {%- set days = window_days(window) -%}
        {{ days[1] - 1 }} preceding and {{ days[0] - 1 }} preceding
    {%- endif -%}
{%- endmacro %}
