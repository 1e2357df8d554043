{% macro tile_windows() %}
    {%- set windows = [] -%}
    {%- for measure in windowed_measures() -%}
        {%- for window in measure.windows if window not in windows -%}
            {%- do windows.append(window) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(windows) }}
{% endmacro %}
