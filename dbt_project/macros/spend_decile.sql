{% macro spend_decile(spend) -%}
    cast(ntile(10) over (
        partition by as_of_date
        order by {{ spend }} desc, customer_id
    ) as integer)
{%- endmacro %}
