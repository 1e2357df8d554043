with

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

windowed as (

    select
        days.customer_id,
        -- 1: the days just before the as-of date
        cast(
            (snapshots.as_of_date - days.event_date - 1) // snapshots.horizon_days + 1 as integer
        ) as windows_ago,
        snapshots.as_of_date,
        snapshots.horizon_days,
        days.spend - days.returned as revenue,
        days.orders
    from days
    inner join snapshots
        on days.event_date >= snapshots.as_of_date - 24 * snapshots.horizon_days
        and days.event_date < snapshots.as_of_date
        and days.known_date < snapshots.as_of_date
        and days.known_until >= snapshots.as_of_date

),

-- a customer's rows lie together: a page reads those of one
summed as (

    select
        customer_id,
        windows_ago,
        as_of_date - windows_ago * horizon_days as first_day,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(orders) as bigint) as orders
    from windowed
    group by customer_id, windows_ago, as_of_date, horizon_days
    having sum(orders) > 0 or sum(revenue) <> 0
    order by customer_id, windows_ago

)

select * from summed
