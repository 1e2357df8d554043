with

-- when: a table function puts a user's spine in the place of the mart's own dates
dates as (

    select as_of_date from {{ ref('int_snapshots_scheduled') }}

),

promotions as (

    select * from {{ ref('stg_retail__planned_promotions') }}

),

days as (

    select
        as_of_date,
        as_of_date + cast(unnest(range(-30, {{ var('horizon_days') }})) as integer) as day
    from dates

),

-- what is planned is known in advance, from the day after it was announced
matched as (

    select
        days.as_of_date,
        days.day,
        count(promotions.start_date) > 0 as is_promoted,
        coalesce(sum(promotions.expected_lift), 0) as expected_lift
    from days
    left join promotions
        on days.day between promotions.start_date and promotions.end_date
        and coalesce(days.as_of_date > promotions.announced_date, true)
    group by all

),

counted as (

    select
        as_of_date,
        count(*) filter (where is_promoted and day >= as_of_date) as ahead_promotion_days,
        cast(sum(expected_lift) filter (where day >= as_of_date) as double)
        / {{ var('horizon_days') }} as ahead_promotion_lift,
        count(*) filter (where is_promoted and day < as_of_date) as shop_promotion_days_30d
    from matched
    group by as_of_date

)

select * from counted
