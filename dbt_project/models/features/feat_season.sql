with

-- when: a table function puts a user's spine in the place of the mart's own dates
dates as (

    select as_of_date from {{ ref('int_snapshots_scheduled') }}

),

days as (

    select * from {{ shop_facts('int_shop_days_summed') }}

),

-- the calendar of the days ahead is known in advance
ahead as (

    select
        as_of_date,
        as_of_date + cast(unnest(range(0, {{ var('horizon_days') }})) as integer) as day_ahead
    from dates

),

counted as (

    select
        as_of_date,
        as_of_date - date '2000-01-01' as ahead_day_number,
        count(*) filter (where isodow(day_ahead) >= 6) as ahead_weekend_days,
        count(*) filter (
            where month(day_ahead) = 11 or (month(day_ahead) = 12 and day(day_ahead) <= 24)
        ) as ahead_christmas_days,
        month(as_of_date + 15) as ahead_month
    from ahead
    group by all

),

matched as (

    select
        dates.as_of_date,
        dates.as_of_date - days.event_date as days_before,
        days.*
    from dates
    left join days
        on dates.as_of_date > days.event_date
        and dates.as_of_date > days.known_date
        and dates.as_of_date <= days.known_until

),

shop as (

    select
        as_of_date,
        {%- for measure, window, type in [
            ('spend', '30d', 'decimal(18, 4)'), ('spend', '31_60d', 'decimal(18, 4)'),
            ('spend', '336_365d', 'decimal(18, 4)'), ('spend', '365d', 'decimal(18, 4)'),
            ('orders', '30d', 'bigint'),
        ] %}
        cast({{ windowed({'name': measure}, window) }} as {{ type }}) as shop_{{ measure }}_{{ window }},
        {%- endfor %}
        as_of_date - min(case when orders > 0 then event_date end) as days_since_first_order
    from matched
    group by as_of_date

),

computed as (

    select
        counted.*,
        shop.* exclude (as_of_date, shop_spend_365d, days_since_first_order) replace (
            cast(shop.shop_spend_30d as decimal(18, 2)) as shop_spend_30d,
            cast(shop.shop_spend_31_60d as decimal(18, 2)) as shop_spend_31_60d,
            cast(shop.shop_spend_336_365d as decimal(18, 2)) as shop_spend_336_365d
        ),
        {{ momentum('shop.shop_spend_30d', 'shop.shop_spend_31_60d') }} as shop_momentum_30d,
        -- per day, what the days ahead were a year ago against the whole year
        case
            when shop.days_since_first_order >= 365
                then cast(shop.shop_spend_336_365d as double) / 30
                    / nullif(cast(shop.shop_spend_365d as double) / 365, 0)
        end as shop_season_ratio
    from counted
    inner join shop
        on counted.as_of_date = shop.as_of_date

)

select * from computed
