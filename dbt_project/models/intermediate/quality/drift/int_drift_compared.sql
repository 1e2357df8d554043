with

summed as (

    select * from {{ ref('int_drift_windows_summed') }}
    where kind <> 'money'

),

-- on scales on which chance and season are as large for all sizes: logs, and for shares the angle
-- (Anscombe 1948). Three rows more keep small counts finite
scaled as (

    select
        *,
        {%- for side in ['then', 'now'] %}
        case kind
            when 'count' then ln(part_{{ side }} + 3)
            when 'share' then 2 * asin(sqrt(part_{{ side }} / nullif(whole_{{ side }}, 0)))
            when 'mean log' then part_{{ side }} / nullif(whole_{{ side }}, 0)
        end as scaled_{{ side }},
        {%- endfor %}
    from summed

),

-- stores and categories are held against what most of them do: the shop has rows of its own
usual as (

    select
        *,
        if(
            kind = 'count' and dimension <> 'shop',
            median(scaled_now - scaled_then) over (
                partition by dimension, measure, weeks_back
            ),
            0
        ) as common_shift,
        scaled_now - scaled_then - common_shift as shift
    from scaled
    where scaled_now is not null and scaled_then is not null

),

reached as (

    select max(weeks_back) as most_weeks_back
    from usual

),

-- beside the shift of the same weeks a year before; what was not there then did not move
compared as (

    select
        usual.*,
        reached.most_weeks_back >= usual.weeks_back + 52 as is_year_known,
        if(is_year_known, coalesce(year_before.shift, 0), null) as shift_year_before,
        -- what chance alone does; prices and quantities of lines differ by three tenths and more
        case usual.kind
            when 'count' then sqrt(
                1 / (usual.part_then + 3)
                + 1 / exp(usual.scaled_then + usual.common_shift)
            )
            when 'share' then sqrt(1 / usual.whole_then + 1 / usual.whole_now)
            else greatest(0.02, 0.3 * sqrt(1 / usual.whole_then + 1 / usual.whole_now))
        end as chance
    from usual
    cross join reached
    left join usual as year_before
        on usual.dimension = year_before.dimension
        and usual.member = year_before.member
        and usual.measure = year_before.measure
        and usual.weeks_back + 52 = year_before.weeks_back

)

select * from compared
