with

matched as (

    select * from {{ ref('int_events_asof_joined') }}

),

customers as (

    select * from {{ ref('int_customers_known') }}

),

categories as (

    select * from {{ ref('int_category_states_tracked') }}

),

measured as (

    select
        *,
        case when isodow(event_date) >= 6 then orders end as weekend_orders,
        cast(gap_days is not null as integer) as gaps,
        cast(gap_days as bigint) * gap_days as gap_days_squared,
        case when active_days = 1 and days_before <= 360 then 1 << ((days_before - 1) // 30) end
            as active_month,
        -- whole millionths of the smallest amounts, so that a sum is the same in any order
        cast(round(1000000 * power(0.5, days_before / 90)) as bigint) as weight,
        cast(cast(spend as decimal(38, 4)) * 10000 as hugeint) * weight as weighted_spend,
        orders * weight as weighted_orders
    from matched

),

windowed as (

    select
        customer_id,
        as_of_date,
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        cast({{ windowed(measure, window) }} as {{ measure.type | default('bigint') }})
            as {{ measure.name }}_{{ window }},
        {%- endfor %}
        {%- endfor %}
        min(case when active_days = 1 then event_date end) as first_order_date,
        max(case when active_days = 1 then event_date end) as last_order_date,
        max(case when returned > 0 then event_date end) as last_return_date,
        arg_max(store_id, store_order - 1000 * days_before) as last_store_id
    from measured
    group by customer_id, as_of_date

),

-- the population: registered, or with a purchase, before the date
described as (

    select
        windowed.*,
        customers.region,
        customers.segment_id,
        customers.known_from_date,
        coalesce(categories.categories, 0) as categories,
        coalesce(categories.category_squares, 0) as category_squares,
        categories.leading_category
    from windowed
    inner join customers
        on windowed.customer_id = customers.customer_id
        and windowed.as_of_date > customers.known_from_date
        and windowed.as_of_date > customers.valid_from
        and windowed.as_of_date <= customers.valid_until
    left join categories
        on windowed.customer_id = categories.customer_id
        and windowed.as_of_date > categories.known_date
        and windowed.as_of_date <= categories.known_until

)

select * from described
