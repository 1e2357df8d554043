with

compared as (

    select * from {{ ref('int_drift_compared') }}

),

-- how far windows before these moved, and how far from what the year before made likely: a standard
-- deviation, by the median, which an incident does not move, or where it is more by the outer fifth,
-- which knows campaigns. Loads have no past of their own
past as (

    select
        dimension,
        measure,
        if(dimension = 'load', 'all', member) as past_of,
        {%- for moved in ['abs(shift)', 'abs(shift - shift_year_before)'] %}
        greatest(
            quantile_cont({{ moved }}, 0.5) / 0.6745, quantile_cont({{ moved }}, 0.8) / 1.2816
        ) as spread_{{ loop.index }},
        {%- endfor %}
        least(spread_1, spread_2) as spread
    from compared
    where weeks_back >= 4
    group by all
    having count(distinct weeks_back) >= 12

),

-- last year's shift is a season where it was more than chance
seasonal as (

    select
        compared.*,
        past.spread,
        greatest(past.spread, compared.chance) as deviation,
        if(abs(shift_year_before) > 2 * deviation, shift_year_before, 0) as season
    from compared
    left join past
        on compared.dimension = past.dimension
        and compared.measure = past.measure
        and if(compared.dimension = 'load', 'all', compared.member) = past.past_of
    where compared.weeks_back = 0

),

-- a season may come again or not; before a year is known, limits are twice as wide
limited as (

    select
        *,
        {{ var('drift_limit') }} * deviation * if(is_year_known, 1, 2) as width,
        scaled_then + common_shift + least(season, 0) as expected_low,
        scaled_then + common_shift + greatest(season, 0) as expected_high,
        if(spread is null, null, expected_low - width) as scaled_low,
        if(spread is null, null, expected_high + width) as scaled_high,
        greatest(expected_low - scaled_now, scaled_now - expected_high, 0) / deviation as surprise
    from seasonal

)

select * from limited
