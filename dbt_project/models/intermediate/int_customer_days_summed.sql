with

orders as (

    select * from {{ ref('int_orders_totalled') }}

),

restated as (

    select * from {{ ref('int_active_days_restated') }}

),

summed as (

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        sum(spend) as spend,
        sum(orders) as orders,
        sum(returned) as returned,
        sum(promoted) as promoted,
        sum(items) as items,
        sum(lines) as lines,
        sum(points) as points,
        max(spend) as largest_order,
        max(case when orders > 0 then store_id end) as store_id
    from orders
    group by all

),

-- of a restated day the stretches in which it is active are rows of their own
stacked as (

    select
        summed.*,
        summed.orders > 0 and restated.customer_id is null as is_active,
        false as is_restated_mark
    from summed
    left join (select distinct customer_id, event_date from restated) as restated
        on summed.customer_id = restated.customer_id
        and summed.event_date = restated.event_date

    union all by name

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        true as is_active,
        true as is_restated_mark
    from restated
    where known_date is not null

),

-- the gap to the last active day known by then: a late row never splits a gap already counted
spaced as (

    select
        *,
        event_date - max(case when is_active then event_date end) over (
            partition by customer_id
            order by known_date, event_date
            rows between unbounded preceding and 1 preceding
        ) as days_since_active
    from stacked

),

gapped as (

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        coalesce(spend, 0) as spend,
        coalesce(orders, 0) as orders,
        coalesce(returned, 0) as returned,
        coalesce(promoted, 0) as promoted,
        coalesce(items, 0) as items,
        coalesce(lines, 0) as lines,
        coalesce(points, 0) as points,
        coalesce(largest_order, 0) as largest_order,
        store_id,
        is_restated_mark,
        cast(is_active as integer) as active_days,
        case when is_active and days_since_active > 0 then days_since_active end as gap_days
    from spaced

)

select * from gapped
