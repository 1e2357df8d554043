{% macro find_odd_tail() -%}
-- days that are stated to be covered are no pause
spaced as (

    select
        counted.*,
        counted.known_date > stated.stated_through as is_after_the_stated,
        counted.known_date - greatest(
            lag(counted.known_date) over (order by counted.known_date),
            case when stated.stated_through < counted.known_date then stated.stated_through end
        ) as pause_days,
        sum(counted.customer_days) over (order by counted.known_date desc) as days_from_here,
        sum(counted.customer_days) over () as days_in_all
    from counted
    cross join stated

),

-- so few may be slips of the pen, where an unusual pause lies before them
limited as (

    select
        *,
        least(
            greatest(2, {{ var('odd_tail_share') }} * days_in_all), 0.05 * days_in_all
        ) as few_days
    from spaced

),

-- a pause with more than a few on either side is the way of the shop, as between two seasons
usual as (

    select
        greatest(
            {{ var('odd_tail_gap_days') }},
            2 * max(pause_days) filter (
                where days_from_here > few_days and days_in_all - days_from_here > few_days
            )
        ) as usual_pause_days
    from limited

),

odd as (

    select min(limited.known_date) as first_odd_date
    from limited
    cross join usual
    where limited.pause_days > usual.usual_pause_days
        and limited.days_from_here <= limited.few_days
        and coalesce(limited.is_after_the_stated, true)

)
{%- endmacro %}
