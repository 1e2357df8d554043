{{ config(materialized='incremental', unique_key='transaction_id') }}

with

-- everybody who has a touched order, or once had
customers as (

    select customer_id
    from {{ ref('stg_retail__store_sales_header') }}
    where {{ touched('transaction_id') }}

),

-- rejected rows count too: what the gate turns away has arrived. Orders without a customer are
-- compared with each other, and are few
headers as (

    select
        *,
        {{ day_of_row('event_date') }} as day
    from {{ ref('int_headers_checked') }}
    where
        is_latest
        and (
            customer_id is null
            or customer_id in (select customer_id from customers)
            or {{ touched('transaction_id') }}
        )

),

compared as (

    select
        *,
        lag(day) over (
            partition by customer_id, day is null
            order by day, transaction_id
        ) as day_before,
        min(day) over (partition by customer_id) as first_day,
        lag(day) over (
            partition by customer_id, store_id, money, day is null
            order by day, transaction_id
        ) as same_before
    from headers

),

named as (

    select
        transaction_id,
        day,
        store_id,
        loaded_at,
        money,
        customer_id is null as is_without_customer,
        customer_id is not null and first_day = day as is_of_new_customer,
        coalesce(rejected_by = 'unknown_customer', false) as is_of_unknown_customer,
        -- new, or not seen for a season
        customer_id is not null and coalesce(day - day_before > 120, true) as is_of_stranger,
        (day is distinct from event_date) as is_undated,
        coalesce(event_date > recorded_date, false) as is_ahead,
        coalesce(hour(recorded_at) < 6, false) as is_at_night,
        coalesce(rejected_by = 'without_lines', false) as is_without_lines,
        coalesce(money <> 0 and same_before >= day - 1, false) as is_repeated,
        coalesce(exact_duplicate_rows > 0, false) as is_sent_twice
    from compared

)

select * from named
