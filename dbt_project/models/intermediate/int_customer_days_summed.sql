{%- set measures = {
    'spend': 'decimal(18, 2)',
    'orders': 'integer',
    'returned': 'decimal(18, 2)',
    'promoted': 'decimal(18, 2)',
    'items': 'decimal(18, 3)',
    'lines': 'integer',
    'points': 'bigint',
    'largest_order': 'decimal(18, 2)',
} -%}
with

orders as (

    select * from {{ ref('int_orders_totalled') }}

),

restated as (

    select * from {{ ref('int_active_days_restated') }}

),

summed as (

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        {%- for measure, type in measures.items() %}
        cast({{ 'max(spend)' if measure == 'largest_order' else 'sum(' ~ measure ~ ')' }} as {{ type }})
            as {{ measure }},
        {%- endfor %}
        max(case when orders > 0 then store_id end) as store_id
    from orders
    group by all

),

-- of a restated day the stretches in which it is active are rows of their own
stacked as (

    select
        summed.*,
        summed.orders > 0 and restated.customer_id is null as is_active,
        false as is_restated_mark
    from summed
    left join restated
        on summed.customer_id = restated.customer_id
        and summed.event_date = restated.event_date
        and restated.is_first

    union all by name

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        true as is_active,
        true as is_restated_mark
    from restated
    where is_first

),

-- the gap to the last active day known by then: a late row never splits a gap already counted
spaced as (

    select
        *,
        event_date - max(case when is_active then event_date end) over (
            partition by customer_id
            order by known_date, event_date
            rows between unbounded preceding and 1 preceding
        ) as days_since_active
    from stacked

),

gapped as (

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        {%- for measure, type in measures.items() %}
        cast(coalesce({{ measure }}, 0) as {{ type }}) as {{ measure }},
        {%- endfor %}
        store_id,
        is_restated_mark,
        cast(is_active as integer) as active_days,
        cast(case when is_active and days_since_active > 0 then days_since_active end as integer)
            as gap_days
    from spaced

),

-- a day that was void for a while and stands again keeps its gap
resumed as (

    select gapped.* replace (
        restated.known_date as known_date, restated.known_until as known_until
    )
    from gapped
    inner join restated
        on gapped.customer_id = restated.customer_id
        and gapped.event_date = restated.event_date
    where gapped.is_restated_mark and not restated.is_first

),

completed as (

    select * from gapped
    union all
    select * from resumed

)

select * from completed
