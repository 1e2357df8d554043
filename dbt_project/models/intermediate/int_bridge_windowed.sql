with

days as (

    select * from {{ ref('int_days_bridged') }}

),

windowed as (

    select
        customer_id,
        as_of_date,
        {%- for measure in ['spend', 'orders'] %}
        {%- for window in [7, 14] %}
        sum({{ measure }}) filter (where path = 'recent' and days_before <= {{ window }})
            as {{ measure }}_{{ window }}d,
        {%- endfor %}
        {%- endfor %}
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        {{ measure.aggregate | default('sum') }}({{ measure.name }}) filter (
            where path = 'late'
            {%- if window != 'lifetime' %}
            {%- set days = window_days(window) %}
            and days_before between {{ days[0] }} and {{ days[1] }}
            {%- endif %}
        ) as {{ measure.name }}_{{ window }},
        {%- endfor %}
        {%- endfor %}
    from days
    group by all

)

select * from windowed
