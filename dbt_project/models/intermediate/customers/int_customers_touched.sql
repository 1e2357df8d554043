with

loads as (

    select * from builds.loads_to_read

),

orders as (

    select * from {{ ref('int_orders_touched') }}

),

headers as (

    select * from {{ ref('stg_retail__store_sales_header') }}

),

lines as (

    select * from {{ ref('int_lines_capped') }}

),

caps as (

    select * from {{ ref('int_caps_changed') }}

),

customers as (

    select * from {{ ref('int_customers_changed') }}

),

-- everybody to whom a touched order belongs or once belonged
touched as (

    select customer_id
    from headers
    where transaction_id in (select transaction_id from orders)

    union

    -- by the month and the customer of each version of the order
    select lines.customer_id
    from lines
    inner join caps
        on date_trunc('month', lines.event_date) = caps.event_month
        and (
            abs(lines.amount_before_cap) > caps.amount_from
            or abs(lines.quantity_before_cap) > caps.quantity_from
        )

    union

    select customer_id
    from customers

    {%- for facts in var('facts_of_customers') %}

    union

    select customer_id
    from {{ ref(facts) }}
    where loaded_at in (select loaded_at from loads)
    {%- endfor %}

),

named as (

    select *
    from touched
    where customer_id is not null

)

select * from named
