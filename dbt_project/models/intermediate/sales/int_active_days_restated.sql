{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

orders as (

    select * from {{ ref('int_orders_totalled') }}
    where {{ touched('customer_id') }}

),

-- nearly all days have orders that became known together and still stand
restated as (

    select
        customer_id,
        event_date
    from orders
    group by all
    having min(known_date) < max(known_date) or min(known_until) < {{ end_of_time() }}

),

marked as (

    select
        orders.customer_id,
        orders.event_date,
        orders.known_date,
        orders.known_until,
        orders.orders,
        orders.known_date > max(orders.known_until) filter (where orders.orders > 0) over (
            partition by orders.customer_id, orders.event_date
            order by orders.known_date, orders.known_until, orders.transaction_id
            rows between unbounded preceding and 1 preceding
        ) as is_after_a_break
    from orders
    inner join restated
        on orders.customer_id = restated.customer_id
        and orders.event_date = restated.event_date

),

numbered as (

    select
        *,
        count(*) filter (where orders > 0 and is_after_a_break) over (
            partition by customer_id, event_date
            order by known_date, known_until
        ) as stretch
    from marked

),

-- a day is active once, however many orders it has, for as long as one of them stands
stretched as (

    select
        customer_id,
        event_date,
        stretch,
        min(known_date) filter (where orders > 0) as known_date,
        max(known_until) filter (where orders > 0) as known_until
    from numbered
    group by all
    having max(orders) > 0

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id, event_date order by stretch) = 1 as is_first
    from stretched

)

select * from ranked
