with

-- any table with a customer and a date per row: the mart's own dates, or a user's spine, whose ids may
-- be numbers or spelt in another way
spine as (

    select distinct
        {{ canonical_id('customer_id') }} as customer_id,
        cast(as_of_date as date) as as_of_date
    from {{ spine() }}

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

-- a row counts for a date if it happened before and was known before; void later, it counts until
-- then. A row of the spine stands for itself too, where there is nothing to count
matched as (

    select * from spine

    union all by name

    select
        days.* exclude (known_date, known_until, is_restated_mark),
        spine.as_of_date,
        spine.as_of_date - days.event_date as days_before
    from spine
    inner join days
        on spine.customer_id = days.customer_id
        and spine.as_of_date > days.event_date
        and spine.as_of_date > days.known_date
        and spine.as_of_date <= days.known_until

)

select * from matched
