with

headers as (

    select * from {{ ref('int_headers_checked') }}
    where is_latest

),

dated as (

    select
        *,
        {{ day_of_row('event_date') }} as day
    from headers

),

-- rejected rows count too: what the gate turns away has arrived
compared as (

    select
        *,
        lag(day) over (
            partition by customer_id
            order by day, transaction_id
        ) as day_before,
        min(day) over (partition by customer_id) as first_day,
        lag(day) over (
            partition by customer_id, store_id, money
            order by day, transaction_id
        ) as same_before
    from dated
    where day is not null

),

summed as (

    select
        day,
        store_id,
        loaded_at,
        count(*) as orders,
        sum(money) as money,
        count(*) filter (where customer_id is null) as without_customer,
        count(*) filter (where customer_id is not null and first_day = day) as of_new_customers,
        count(*) filter (where rejected_by = 'unknown_customer') as of_unknown_customers,
        -- new, or not seen for a season
        count(*) filter (
            where customer_id is not null and coalesce(day - day_before > 120, true)
        ) as of_strangers,
        count(*) filter (where day is distinct from event_date) as undated,
        count(*) filter (where event_date > recorded_date) as ahead,
        count(*) filter (where hour(recorded_at) < 6) as at_night,
        count(*) filter (where rejected_by = 'without_lines') as without_lines,
        count(*) filter (where money <> 0 and same_before >= day - 1) as repeated,
        count(*) filter (where exact_duplicate_rows > 0) as sent_twice
    from compared
    group by all

)

select * from summed
