with

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

quiet_days as (

    select * from {{ ref('int_quiet_days_listed') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

weeks as (

    select
        day,
        sum(sum(orders)) over (
            order by day
            range between current row and interval 6 days following
        ) as orders_of_week
    from order_days
    group by day

),

usual as (

    select median(orders_of_week) as orders
    from weeks

),

-- rows dated too early by mistake do not open the shop
reached as (

    select
        min(weeks.day) filter (where weeks.orders_of_week >= 0.5 * usual.orders) as first_day,
        max(weeks.day) as last_day
    from weeks
    cross join usual

),

-- the newest load, where it adds to others, should reach the day before it became known; a gap of
-- more than a month is a past that is loaded later
awaited as (

    select
        reached.first_day,
        reached.last_day,
        max_by(loads.known_on, loads.loaded_at) - 1 as awaited_day
    from reached
    left join loads
        on true
    group by all

),

ranged as (

    select
        first_day,
        last_day,
        unnest(generate_series(
            first_day,
            if(awaited_day between last_day and last_day + 31, awaited_day, last_day),
            interval 1 day
        )) as day
    from awaited

),

listed as (

    select
        cast(ranged.day as date) as day,
        ranged.first_day,
        ranged.last_day,
        quiet_days.day is not null as is_quiet
    from ranged
    left join quiet_days
        on ranged.day = quiet_days.day

)

select * from listed
