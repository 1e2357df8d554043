with

-- whom and when: a table function puts a user's spine in the place of this view
spine as (

    select * from {{ ref('int_customer_dates') }}

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
