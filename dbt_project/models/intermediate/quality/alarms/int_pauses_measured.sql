with

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

quiet_days as (

    select * from {{ ref('int_quiet_days_listed') }}

),

dates as (

    select * from {{ ref('int_today_found') }}

),

sold as (

    select
        day,
        sum(orders) as orders,
        sum(money) as money
    from order_days
    group by day

),

-- the days on which the shop should sell, from a year before the newest order on
listed as (

    select
        dates.today,
        dates.newest_order_date,
        unnest(generate_series(
            greatest(dates.first_order_date, dates.newest_order_date - 365),
            dates.today - 1,
            interval 1 day
        )) as day
    from dates

),

counted as (

    select
        listed.today,
        listed.newest_order_date,
        cast(listed.day as date) as day,
        coalesce(sold.orders, 0) as orders,
        coalesce(sold.money, 0) as money,
        sum(if(sold.orders > 0, 1, 0)) over (order by listed.day) as days_sold
    from listed
    anti join quiet_days
        on listed.day = quiet_days.day
    left join sold
        on listed.day = sold.day

),

paused as (

    select
        *,
        count(*) filter (where orders = 0) over (partition by days_sold) as pause_days
    from counted

),

measured as (

    select
        today,
        newest_order_date,
        count(*) filter (where day <= newest_order_date) as days_before,
        count(*) filter (where day > newest_order_date) as silent_days,
        coalesce(max(pause_days) filter (where day < newest_order_date and orders = 0), 0)
            as longest_pause,
        avg(orders) filter (where day between newest_order_date - 55 and newest_order_date)
            as daily_orders,
        avg(money) filter (where day between newest_order_date - 55 and newest_order_date)
            as daily_money
    from paused
    group by all

)

select * from measured
