with

histories as (

    select * from {{ ref('int_histories_windowed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

-- every customer known before a date is in its population, so their sum is the shop's
shop as (

    select
        as_of_date,
        min(first_order_date_lifetime) as first_order_date,
        cast(sum(spend_30d) as decimal(18, 2)) as shop_spend_30d,
        cast(sum(spend_31_60d) as decimal(18, 2)) as shop_spend_31_60d,
        sum(spend_331_360d) as spend_331_360d,
        sum(spend_361_390d) as spend_361_390d
    from histories
    group by all

),

-- the calendar of the days ahead is known in advance
ahead as (

    select
        as_of_date,
        as_of_date + cast(unnest(range(0, horizon_days)) as integer) as day_ahead
    from snapshots

),

counted as (

    select
        as_of_date,
        count(*) filter (where isodow(day_ahead) >= 6) as ahead_weekend_days,
        count(*) filter (
            where month(day_ahead) = 11 or (month(day_ahead) = 12 and day(day_ahead) <= 24)
        ) as ahead_christmas_days,
        month(as_of_date + 15) as ahead_month
    from ahead
    group by all

),

computed as (

    select
        counted.*,
        shop.shop_spend_30d,
        shop.shop_spend_31_60d,
        {{ momentum('shop_spend_30d', 'shop_spend_31_60d') }} as shop_momentum_30d,
        case
            when counted.as_of_date - shop.first_order_date >= 390
                then cast(shop.spend_331_360d as double) / nullif(shop.spend_361_390d, 0)
        end as shop_season_ratio
    from counted
    inner join shop
        on counted.as_of_date = shop.as_of_date

)

select * from computed
