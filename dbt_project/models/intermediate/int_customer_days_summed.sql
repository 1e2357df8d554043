with

orders as (

    select * from {{ ref('int_orders_totalled') }}

),

summed as (

    select
        customer_id,
        event_date,
        known_date,
        sum(spend) as spend,
        sum(orders) as orders,
        sum(returned) as returned,
        sum(promoted) as promoted,
        sum(items) as items,
        sum(lines) as lines,
        sum(points) as points,
        max(order_value) as largest_order,
        max(store_id) filter (where spend > 0) as store_id
    from orders
    group by all

),

-- a day is active once, from the first row that makes it so
marked as (

    select
        *,
        case
            when orders > 0 and orders = sum(orders) over (
                partition by customer_id, event_date
                order by known_date
            ) then 1
            else 0
        end as active_days
    from summed

),

-- the gap to the last active day known by then: a late row never rewrites a gap already counted
spaced as (

    select
        *,
        event_date - max(event_date) filter (where active_days = 1) over (
            partition by customer_id
            order by known_date, event_date
            rows between unbounded preceding and 1 preceding
        ) as days_since_active
    from marked

),

gapped as (

    select
        * exclude (days_since_active),
        case when active_days = 1 and days_since_active > 0 then days_since_active end as gap_days
    from spaced

)

select * from gapped
