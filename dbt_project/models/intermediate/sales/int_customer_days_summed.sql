{%- set measures = {
    'spend': 'decimal(18, 4)',
    'orders': 'integer',
    'returned': 'decimal(18, 4)',
    'promoted': 'decimal(18, 4)',
    'items': 'decimal(18, 3)',
    'lines': 'integer',
    'points': 'bigint',
    'largest_order': 'decimal(18, 4)',
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
        0 as store_order,
        cast(summed.orders > 0 as integer) as active_days,
        false as is_restated_mark
    from summed
    anti join restated
        on summed.customer_id = restated.customer_id
        and summed.event_date = restated.event_date

    union all

    select
        summed.*,
        -- of several stores of a day the last by name counts
        rank() over (
            partition by summed.customer_id, summed.event_date
            order by summed.store_id nulls first
        ) as store_order,
        0 as active_days,
        false as is_restated_mark
    from summed
    semi join restated
        on summed.customer_id = restated.customer_id
        and summed.event_date = restated.event_date

    union all

    select
        customer_id,
        event_date,
        known_date,
        known_until,
        {%- for measure, type in measures.items() %}
        cast(0 as {{ type }}) as {{ measure }},
        {%- endfor %}
        null as store_id,
        0 as store_order,
        1 as active_days,
        true as is_restated_mark
    from restated
    where is_first

)

select * from stacked
