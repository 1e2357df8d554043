-- rows in = rows kept + duplicates dropped + rows quarantined, for each raw table
{% set tables = {
    'customer_details': 'int_customers_checked',
    'products': 'int_products_checked',
    'store_sales_header': 'int_headers_checked',
    'store_sales_line_items': 'int_lines_checked',
} %}

with

counted as (

    {% for raw, checked in tables.items() %}
    select
        '{{ raw }}' as table_name,
        (select count(*) from {{ source('retail', raw) }}) as rows_in,
        count(*) filter (where rejected_by is null) as rows_kept,
        coalesce(sum(duplicate_rows), 0) as rows_duplicate,
        count(*) filter (where rejected_by is not null) as rows_quarantined
    from {{ ref(checked) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select *
from counted
where rows_in <> rows_kept + rows_duplicate + rows_quarantined
