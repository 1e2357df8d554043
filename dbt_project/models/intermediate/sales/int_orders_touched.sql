with

orders as (

    select * from {{ ref('int_orders_renewed') }}

),

lines_touched as (

    select * from {{ ref('int_lines_touched') }}

),

lines as (

    select * from {{ ref('stg_retail__store_sales_line_items') }}

),

-- where a touched line was once, or is now, another order may end with it
touched as (

    select transaction_id
    from orders

    union

    select transaction_id
    from lines
    where line_item_id in (select line_item_id from lines_touched)

),

named as (

    select *
    from touched
    where transaction_id is not null

)

select * from named
