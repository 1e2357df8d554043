with

runs as (

    select * from {{ ref('stg_scoring__runs') }}

),

-- a run that never said how it ended, and after which another began, was killed
ended as (

    select
        *,
        if(
            outcome = 'running' and started_at < max(started_at) over (), 'killed', outcome
        ) as ended_how,
        max(started_at) filter (where outcome in ('published', 'published with warnings')) over ()
            as last_published_at
    from runs

),

-- only what no published night has followed
unmended as (

    select
        case ended_how
            when 'stopped by a gate' then 'night_stopped'
            when 'failed' then 'night_failed'
            else 'night_killed'
        end as cause,
        count(distinct night) as nights,
        min(night) as since,
        max_by(message, started_at) as last_message
    from ended
    where ended_how in ('stopped by a gate', 'failed', 'killed')
        and coalesce(started_at > last_published_at, true)
    group by all

),

raised as (

    select
        'run' as alarm_kind,
        cause,
        -- one night may be bad luck; forecasts that are three nights old are not
        if(nights >= 3, 'error', 'warn') as severity,
        since,
        'main.runs' as about,
        cast(null as double) as money,
        concat_ws(': ', format(
            '{} {} not published since {}', nights, if(nights = 1, 'night', 'nights'), since
        ), last_message) as message
    from unmended

)

select * from raised
