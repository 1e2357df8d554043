{% macro read_date(column, text) -%}
    coalesce(
        try_cast({{ column }} as date),
        try_cast({{ text }} as date),
        cast(
            try_strptime(
                trim({{ text }}), {{ var('date_formats') | list | tojson | replace('"', "'") }}
            ) as date
        )
    )
{%- endmacro %}
