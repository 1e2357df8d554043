with

loads as (

    select * from builds.loads_to_read

),

-- read where it is needed: DuckDB would copy all rows of what is named twice
lines as not materialized (

    select * from {{ ref('stg_retail__store_sales_line_items') }}

),

orders as (

    select * from {{ ref('int_orders_renewed') }}

),

products as (

    select * from {{ ref('int_products_changed') }}

),

-- a line that moves from one order to another is one line of both
touched as (

    select line_item_id
    from lines
    where loaded_at in (select loaded_at from loads)

    union

    select line_item_id
    from lines
    where transaction_id in (select transaction_id from orders)

    union

    select line_item_id
    from lines
    where product_id in (select product_id from products)

)

select * from touched
