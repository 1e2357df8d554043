with

runs as (

    select * from {{ ref('stg_scoring__scoring_runs') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

periods as (

    select unnest([30, 90, 365]) as days_before

),

newest as (

    select max(runs.as_of_date) as as_of_date
    from runs
    inner join snapshots
        on runs.as_of_date <= snapshots.as_of_date

),

-- a night may have been missed, and what is scored by hand lies on the grid: half of its 30 days
nearest as (

    select
        periods.days_before,
        newest.as_of_date,
        runs.as_of_date as compared_with
    from periods
    cross join newest
    inner join runs
        on abs(newest.as_of_date - periods.days_before - runs.as_of_date) <= 15
    qualify row_number() over (
        partition by periods.days_before
        order by abs(newest.as_of_date - periods.days_before - runs.as_of_date), runs.as_of_date
    ) = 1

)

select * from nearest
