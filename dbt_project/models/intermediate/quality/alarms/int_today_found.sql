with

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

reach as (

    select * from {{ ref('int_reach_found') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

runs as (

    select * from {{ ref('stg_scoring__runs') }}

),

-- rows dated far ahead are no sign of life
sold as (

    select
        min(order_days.day) as first_order_date,
        max(order_days.day) as newest_order_date,
        any_value(reach.recorded_through) as recorded_through
    from order_days
    inner join reach
        on order_days.day <= reach.reach_date

),

-- a load appended more than a year after the newest order is a past that is loaded; it says nothing
-- of today
stated as (

    select
        max(loads.known_on) filter (where loads.known_on <= sold.newest_order_date + 366) as known_on,
        max(loads.data_through) filter (where loads.data_through is distinct from loads.known_on)
            as data_through
    from loads
    cross join sold

),

ran as (

    select max(night) as night
    from runs

),

-- the clock is never asked: what has arrived, was loaded or ran says what day it is
found as (

    select
        sold.first_order_date,
        sold.newest_order_date,
        greatest(
            sold.newest_order_date + 1,
            -- the day on which something became known is not over
            sold.recorded_through,
            stated.known_on,
            stated.data_through + 1,
            ran.night
        ) as today
    from sold
    cross join stated
    cross join ran

)

select * from found
