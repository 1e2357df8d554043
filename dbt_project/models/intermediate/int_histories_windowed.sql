with

matched as (

    select * from {{ ref('int_facts_matched') }}

),

measured as (

    select
        *,
        case when isodow(event_date) >= 6 then orders end as weekend_orders,
        case
            when store_id is not null then {'event_date': event_date, 'store_id': store_id}  -- noqa: LT01
        end as last_order,
        cast(gap_days is not null as integer) as gaps,
        cast(gap_days as bigint) * gap_days as gap_days_squared,
        case when active_days = 1 and days_before <= 360 then 1 << ((days_before - 1) // 30) end
            as active_month,
        -- whole millionths of whole cents, so that a sum is the same in any order
        cast(round(1000000 * power(0.5, days_before / 90)) as bigint) as weight,
        cast(spend * 100 as bigint) * weight as weighted_cents,
        orders * weight as weighted_orders
    from matched

),

windowed as (

    select
        customer_id,
        as_of_date,
        any_value(region) as region,
        any_value(segment_id) as segment_id,
        any_value(known_from_date) as known_from_date,
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        cast({{ windowed(measure, window) }} as {{ measure.type | default('bigint') }})
            as {{ measure.name }}_{{ window }},
        {%- endfor %}
        {%- endfor %}
        min(case when active_days = 1 then event_date end) as first_order_date,
        max(case when active_days = 1 then event_date end) as last_order_date,
        max(case when returned > 0 then event_date end) as last_return_date,
        max(last_order).store_id as last_store_id,
        coalesce(max(categories), 0) as categories,
        coalesce(max(category_squares), 0) as category_squares,
        max(leading_category) as leading_category
    from measured
    group by customer_id, as_of_date
    -- not in the population: not registered, nor with a purchase, before the date
    having any_value(known_from_date) is not null

)

select * from windowed
