{% macro spend_decile(spend, relation) -%}
    cast(ntile(10) over (
        partition by {{ relation }}.as_of_date
        order by {{ spend }} desc, {{ relation }}.customer_id
    ) as integer)
{%- endmacro %}
