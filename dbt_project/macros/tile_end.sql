{% macro tile_end(day) -%}
    cast(
        anchor_date + grid_days * cast(
            floor(({{ day }} - anchor_date) / grid_days) + 1 as integer
        ) as date
    )
{%- endmacro %}
