with

-- any table with a customer and a date per row: the mart's own dates, or a user's spine
spine as (

    select distinct
        customer_id,
        cast(as_of_date as date) as as_of_date
    from {{ spine() }}

),

days as (

    select * from {{ ref('int_customer_days_summed') }}

),

categories as (

    select * from {{ ref('int_category_states_tracked') }}

),

customers as (

    select * from {{ ref('int_customers_known') }}

),

population as (

    select
        spine.customer_id,
        spine.as_of_date,
        customers.region,
        customers.segment_id,
        customers.known_from_date
    from spine
    inner join customers
        on spine.customer_id = customers.customer_id
        and spine.as_of_date > customers.known_from_date
        and spine.as_of_date > customers.valid_from
        and spine.as_of_date <= customers.valid_until

),

-- a row counts for a date if it happened before and was known before; void later, it counts until then
matched as (

    select * from population

    union all by name

    select
        days.*,
        spine.as_of_date,
        spine.as_of_date - days.event_date as days_before
    from spine
    inner join days
        on spine.customer_id = days.customer_id
        and spine.as_of_date > days.event_date
        and spine.as_of_date > days.known_date
        and spine.as_of_date <= days.known_until

    union all by name

    select
        categories.* exclude (known_date, known_until),
        spine.as_of_date
    from spine
    inner join categories
        on spine.customer_id = categories.customer_id
        and spine.as_of_date > categories.known_date
        and spine.as_of_date <= categories.known_until

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
