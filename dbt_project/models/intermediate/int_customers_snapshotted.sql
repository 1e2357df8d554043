with

customers as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

orders as (

    select * from {{ ref('int_orders_totalled') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

first_known as (

    select
        customer_id,
        min(known_date) as first_known_date
    from orders
    group by all

),

dated as (

    select
        customers.customer_id,
        customers.region,
        customers.segment_id,
        coalesce(customers.registered_date, first_known.first_known_date) as known_from_date
    from customers
    left join first_known
        on customers.customer_id = first_known.customer_id

),

snapshotted as (

    select
        snapshots.as_of_date,
        dated.customer_id,
        snapshots.lattice,
        snapshots.is_current,
        dated.region,
        dated.segment_id,
        dated.known_from_date
    from dated
    inner join snapshots
        on dated.known_from_date < snapshots.as_of_date

)

select * from snapshotted
