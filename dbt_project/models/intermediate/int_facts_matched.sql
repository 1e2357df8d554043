with

-- any table with a customer and a date per row: the mart's own dates, or a user's spine
spine as (

    select distinct
        customer_id,
        cast(as_of_date as date) as as_of_date
    from {{ spine() }}

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

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

)

select * from matched
