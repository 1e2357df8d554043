with

published as (

    select * from {{ ref('stg_scoring__published_forecasts') }}
    where horizon_days = {{ var('horizon_days') }}

),

grid as (

    select * from {{ ref('int_snapshot_grid') }}

),

totals as (

    select
        run_id,
        as_of_date,
        sum(predicted_spend) as total
    from published
    group by run_id, as_of_date
    qualify run_id = max(run_id) over (partition by as_of_date)

),

beside as (

    select
        *,
        lag(total) over by_date as total_before,
        as_of_date - lag(as_of_date) over by_date as days_between
    from totals
    window by_date as (order by as_of_date)
    qualify as_of_date = max(as_of_date) over ()

),

-- 30 days of which 29 are the same: a fifth from one night to the next is no season
jumped as (

    select
        'forecast' as alarm_kind,
        'forecast_jumped' as cause,
        if(abs(ln(total / total_before)) > ln(1.5), 'error', 'warn') as severity,
        as_of_date as since,
        'predictions' as about,
        abs(total - total_before) as money,
        format(
            'expected revenue {:,.0f}, {} {} ago {:,.0f}',
            total, days_between, if(days_between = 1, 'night', 'nights'), total_before
        ) as message
    from beside
    where days_between <= 7
        and total > 0
        and total_before > 0
        and abs(ln(total / total_before)) > 0.2 + 0.03 * (days_between - 1)

),

old as (

    select
        'forecast' as alarm_kind,
        'forecasts_old' as cause,
        'warn' as severity,
        beside.as_of_date as since,
        'predictions' as about,
        beside.total as money,
        format(
            'the newest forecasts are of {}, the data have reached {}',
            beside.as_of_date, grid.current_as_of_date
        ) as message
    from beside
    cross join grid
    where beside.as_of_date < grid.current_as_of_date

),

raised as (

    select * from jumped
    union all by name
    select * from old

)

select * from raised
