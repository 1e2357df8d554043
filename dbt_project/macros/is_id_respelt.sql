{% macro is_id_respelt(columns) -%}
    {%- for column in columns -%}
        {%- if not loop.first %} or {% endif -%}
        coalesce(cast({{ column }} as varchar) <> {{ canonical_id(column) }}, false)
    {%- endfor -%}
{%- endmacro %}
