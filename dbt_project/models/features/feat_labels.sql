with

customers as (

    select * from {{ ref('int_customers_snapshotted') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    -- the maturity gate: the whole window has passed
    where is_matured

),

days as (

    select * from {{ ref('int_customer_days_summed') }}

),

ahead as (

    select
        as_of_date,
        as_of_date + cast(unnest(range(0, horizon_days)) as integer) as event_date
    from snapshots

),

summed as (

    select
        ahead.as_of_date,
        days.customer_id,
        sum(days.spend - days.returned) as net_spend
    from ahead
    inner join days
        on ahead.event_date = days.event_date
    group by all

),

labelled as (

    select
        customers.as_of_date,
        customers.customer_id,
        cast(greatest(coalesce(summed.net_spend, 0), 0) as decimal(18, 2)) as target_30d_spend
    from customers
    inner join snapshots
        on customers.as_of_date = snapshots.as_of_date
    left join summed
        on customers.as_of_date = summed.as_of_date
        and customers.customer_id = summed.customer_id

)

select * from labelled
