with

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

customers as (

    select * from {{ ref('int_customers_known') }}

),

-- the population of a date: registered, or with a purchase, before it
populated as (

    select
        customers.customer_id,
        snapshots.as_of_date
    from snapshots
    inner join customers
        on snapshots.as_of_date > customers.known_from_date
        and snapshots.as_of_date > customers.valid_from
        and snapshots.as_of_date <= customers.valid_until

)

select * from populated
