with

windows as (

    select * from {{ ref('int_newcomers_windowed') }}

),

levelled as (

    select
        as_of_date,
        -- returns may be more than what few newcomers spent
        greatest(coalesce(
            cast(sum(spend) filter (windows_back <= 12) as double)
            / nullif(sum(newcomers) filter (windows_back <= 12), 0),
            0
        ), 0) as spend_each,
        -- in a shop's first months its old customers look new when they come again, and ever fewer do
        case
            when count(*) >= 9 then avg(newcomers) filter (windows_back <= 3)
            else any_value(newcomers) filter (windows_back = 1) * least(
                (any_value(newcomers) filter (windows_back = 1) + 1)
                / coalesce(any_value(newcomers) filter (windows_back = 2) + 1, 1),
                1
            )
        end as newcomers
    from windows
    where years_back = 0
    group by as_of_date

),

-- how many more came in the same days of a year than in the three windows before them; one more
-- newcomer on both sides, as none may have come
compared as (

    select
        as_of_date,
        years_back,
        ln(
            (any_value(newcomers) filter (windows_back = 0) + 1)
            / (avg(newcomers) filter (windows_back > 0) + 1)
        ) as log_ratio
    from windows
    where years_back > 0
    group by
        as_of_date,
        years_back
    having count(*) = 4

),

-- a year is believed by half, two by two thirds
seasoned as (

    select
        as_of_date,
        sum(log_ratio order by years_back) / (count(*) + 1) as log_season
    from compared
    group by as_of_date

),

expected as (

    select
        levelled.as_of_date,
        levelled.spend_each,
        levelled.newcomers * exp(coalesce(seasoned.log_season, 0)) as newcomers,
        levelled.newcomers * exp(coalesce(seasoned.log_season, 0)) * levelled.spend_each
            as expected_spend
    from levelled
    left join seasoned
        on levelled.as_of_date = seasoned.as_of_date

)

select * from expected
