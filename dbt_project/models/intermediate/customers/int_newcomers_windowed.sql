with

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

days as (

    select * from {{ shop_facts('int_newcomers_counted') }}

),

-- what was forecast a month ago, two, ... says how sure a forecast is: before the current date too
dates as (

    select as_of_date from snapshots

    union

    select as_of_date - 30 * cast(unnest(range(1, 25)) as integer)
    from snapshots
    where is_current

    -- and what was scored on nights that are no date of the mart any more
    union

    select as_of_date from {{ ref('stg_scoring__scoring_runs') }}

),

-- the 24 windows before a date, and of each of three years before it the same days and three windows
-- before them
placed as (

    select
        0 as years_back,
        cast(unnest(range(1, 25)) as integer) as windows_back

    union all

    select
        cast(years.years_back as integer) as years_back,
        cast(unnest(range(0, 4)) as integer) as windows_back
    from (select unnest(range(1, 4)) as years_back) as years

),

begun as (

    select
        dates.as_of_date,
        placed.years_back,
        placed.windows_back,
        dates.as_of_date - cast(round(365.25 * placed.years_back) as integer)
        - 30 * placed.windows_back as start_date
    from dates
    cross join placed

),

ahead as (

    select
        *,
        start_date + cast(unnest(range(0, 30)) as integer) as event_date
    from begun
    where start_date >= (select min(known_date) from days)

),

-- of what was known at the date: who was not known when a window began
summed as (

    select
        ahead.as_of_date,
        ahead.years_back,
        ahead.windows_back,
        coalesce(sum(days.newcomers), 0) as newcomers,
        cast(coalesce(sum(days.spend), 0) as decimal(18, 4)) as spend
    from ahead
    left join days
        on ahead.event_date = days.event_date
        and ahead.start_date <= days.known_from_date
        and ahead.as_of_date > days.known_date
        and ahead.as_of_date <= days.known_until
    group by all

)

select * from summed
