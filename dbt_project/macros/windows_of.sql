{% macro windows_of(names) -%}
    {%- for measure in windowed_measures() if measure.name in names -%}
        {%- for window in measure.windows %}
        {{ measure.name }}_{{ window }},
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
