with

customers as (

    select * from {{ ref('int_customers_quarantined') }}

),

products as (

    select * from {{ ref('int_products_quarantined') }}

),

headers as (

    select * from {{ ref('int_headers_quarantined') }}

),

lines as (

    select * from {{ ref('int_lines_quarantined') }}

),

stacked as (

    select
        'customer_details' as table_name,
        customer_key as row_key,
        rejected_by as rule,
        0 as money,
        cast(to_json(customers) as varchar) as row_as_staged
    from customers

    union all

    select
        'products' as table_name,
        product_key as row_key,
        rejected_by as rule,
        0 as money,
        cast(to_json(products) as varchar) as row_as_staged
    from products

    union all

    select
        'store_sales_header' as table_name,
        transaction_key as row_key,
        rejected_by as rule,
        money,
        cast(to_json(headers) as varchar) as row_as_staged
    from headers

    union all

    select
        'store_sales_line_items' as table_name,
        line_item_key as row_key,
        rejected_by as rule,
        money,
        cast(to_json(lines) as varchar) as row_as_staged
    from lines

),

typed as (

    select
        table_name,
        row_key,
        rule,
        cast(money as decimal(18, 2)) as money,
        row_as_staged
    from stacked

)

select * from typed
