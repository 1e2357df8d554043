{% macro is_money_respelt(column) -%}
    coalesce(
        typeof({{ column }}) = 'VARCHAR'
        and try_cast({{ column }} as decimal(18, 2)) is null
        and {{ read_money(column) }} is not null,
        false
    )
{%- endmacro %}
