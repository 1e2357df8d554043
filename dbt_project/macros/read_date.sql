{% macro read_date(column) -%}
    coalesce(
        try_cast({{ column }} as date),
        cast(
            try_strptime(trim(cast({{ column }} as varchar)), {{ var('date_formats') | list | tojson | replace('"', "'") }})
            as date
        )
    )
{%- endmacro %}
