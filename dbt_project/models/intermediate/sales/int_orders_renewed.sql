with

loads as (

    select * from builds.loads_to_read

),

-- read where it is needed: DuckDB would copy all rows of what is named twice
headers as not materialized (

    select * from {{ ref('stg_retail__store_sales_header') }}

),

lines as (

    select * from {{ ref('stg_retail__store_sales_line_items') }}

),

customers as (

    select * from {{ ref('int_customers_changed') }}

),

-- of which something new is said: by a row of their own or of their lines, or of their customer
renewed as (

    select transaction_id
    from headers
    where loaded_at in (select loaded_at from loads)

    union

    select transaction_id
    from headers
    where customer_id in (select customer_id from customers)

    union

    select transaction_id
    from lines
    where loaded_at in (select loaded_at from loads)

),

named as (

    select *
    from renewed
    where transaction_id is not null

)

select * from named
