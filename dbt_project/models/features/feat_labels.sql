with

customers as (

    select
        as_of_date,
        customer_id
    from {{ ref('feat_customers') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

-- as if the current as-of date were today: what became known later does not exist yet
known as (

    select days.*
    from days
    inner join snapshots
        on days.known_date < snapshots.as_of_date
        and days.known_until >= snapshots.as_of_date
    where snapshots.is_current

),

ahead as (

    select
        as_of_date,
        as_of_date + cast(unnest(range(0, horizon_days)) as integer) as event_date
    from snapshots
    -- the maturity gate: the whole window has passed
    where is_matured

),

summed as (

    select
        ahead.as_of_date,
        known.customer_id,
        sum(known.spend - known.returned) as net_spend
    from ahead
    inner join known
        on ahead.event_date = known.event_date
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
    where snapshots.is_matured

)

select * from labelled
