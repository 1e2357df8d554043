with

changes as (

    select * from {{ ref('stg_scoring__forecast_changes') }}

),

days as (

    select * from {{ ref('int_load_days_listed') }}

),

compared as (

    select
        max(as_of_date) as as_of_date,
        max_by(compared_with, as_of_date) as compared_with
    from changes
    having count(*) > 0

),

known as (

    select min(first_day) as first_day
    from days

),

-- both dates, and both so many weeks earlier, as far back as the shop is known
stepped as (

    select
        compared.as_of_date,
        compared.compared_with,
        cast(unnest(generate_series(
            0, least(cast((compared.compared_with - known.first_day - 28) // 7 as integer), 208)
        )) as integer) as weeks_back
    from compared
    cross join known

),

-- four whole weeks before each: as many Saturdays as Mondays
listed as (

    select
        weeks_back,
        'then' as side,
        compared_with - 7 * weeks_back - 28 as first_day,
        compared_with - 7 * weeks_back - 1 as last_day
    from stepped

    union all

    select
        weeks_back,
        'now' as side,
        as_of_date - 7 * weeks_back - 28 as first_day,
        as_of_date - 7 * weeks_back - 1 as last_day
    from stepped

)

select * from listed
