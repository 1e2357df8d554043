{% macro is_date_respelt(column) -%}
    {#- a column of dates is not asked row by row: typeof is known before a row is read -#}
    coalesce(
        typeof({{ column }}) = 'VARCHAR'
        and cast({{ column }} as varchar) not like '____-__-__%'
        and {{ read_date(column) }} is not null,
        false
    )
{%- endmacro %}
