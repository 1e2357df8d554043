{% macro ratio(numerator, denominator) -%}
    coalesce(
        cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0), 0
    )
{%- endmacro %}
