with

days as (

    select * from {{ ref('int_drift_days_measured') }}

),

windows as (

    select * from {{ ref('int_drift_windows_listed') }}

),

summed as (

    select
        days.* exclude (day, known_date, part, whole),
        windows.weeks_back,
        {%- for side in ['then', 'now'] %}
        {%- for amount in ['part', 'whole'] %}
        coalesce(sum(days.{{ amount }}) filter (where windows.side = '{{ side }}'), 0)
            as {{ amount }}_{{ side }},
        {%- endfor %}
        {%- endfor %}
    from days
    -- of each window what had arrived when it ended: the newest has no more
    inner join windows
        on days.day between windows.first_day and windows.last_day
        and days.known_date <= windows.last_day
    group by all

),

-- a load is new by nature: it is held against all that came before it
against as (

    select * replace (
        if(dimension = 'load', sum(part_then) over of_all, part_then) as part_then,
        if(dimension = 'load', sum(whole_then) over of_all, whole_then) as whole_then
    )
    from summed
    window of_all as (partition by dimension, measure, weeks_back)

)

select * from against
