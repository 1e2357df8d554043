with

scorecard as (

    select * from {{ ref('forecast_scorecard') }}
    where horizon_days = {{ var('horizon_days') }}

),

registry as (

    select * from {{ ref('stg_scoring__model_registry') }}
    where status = 'champion'

),

dates as (

    select * from {{ ref('int_today_found') }}

),

old as (

    select
        'forecast' as alarm_kind,
        'model_stale' as cause,
        'warn' as severity,
        registry.as_of_date + {{ var('model_stale_days') }} as since,
        registry.version as about,
        cast(null as double) as money,
        format(
            'the champion was fitted as of {} and is {} days old, at most {{ var("model_stale_days") }} are usual',
            registry.as_of_date, dates.today - registry.as_of_date
        ) as message
    from registry
    cross join dates
    where dates.today - registry.as_of_date > {{ var('model_stale_days') }}

),

-- twice as far off, in logs, as four months of five: chance alone does it in one month of a hundred
off as (

    select
        'forecast' as alarm_kind,
        'forecast_off' as cause,
        'warn' as severity,
        as_of_date as since,
        string_agg(metric, ', ' order by metric) as about,
        max(abs(realised - expected)) filter (where metric = 'total') as money,
        string_agg(format(
            '{} of the {} days from {}: {:.4g}, expected {:.4g}, mostly {:.4g} to {:.4g}',
            metric, horizon_days, as_of_date, realised, expected, low, high
        ), '; ' order by metric) as message
    from (
        select *
        from scorecard
        qualify run_id = max_by(run_id, (as_of_date, run_id)) over ()
    )
    where (realised < low ** 2 / expected and metric in ('total', 'buyers', 'coverage'))
        or (realised > high ** 2 / expected and metric <> 'coverage')
    group by all

),

raised as (

    select * from off
    union all by name
    select * from old

)

select * from raised
