{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

customers as (

    select * from {{ ref('int_customers_versioned') }}
    where {{ touched('customer_id') }}

),

orders as (

    select * from {{ ref('int_orders_totalled') }}
    where {{ touched('customer_id') }}

),

first_known as (

    select
        customer_id,
        min(known_date) as first_known_date
    from orders
    group by all

),

-- in the population of every as-of date after the day; what is said of them holds for a while
known as (

    select
        customers.customer_id,
        customers.region,
        customers.segment_id,
        greatest(
            coalesce(customers.registered_date, first_known.first_known_date),
            customers.first_known_on
        ) as known_from_date,
        customers.valid_from,
        customers.valid_until
    from customers
    left join first_known
        on customers.customer_id = first_known.customer_id
    where coalesce(customers.registered_date, first_known.first_known_date) is not null

)

select * from known
