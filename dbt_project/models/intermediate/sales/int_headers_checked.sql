{{ config(materialized='incremental', unique_key='transaction_id') }}

with

typed as not materialized (

    select * from {{ ref('stg_retail__store_sales_header') }}
    where {{ touched('transaction_id') }}

),

customers as (

    select * from {{ ref('int_customers_versioned') }}
    where valid_until = {{ end_of_time() }}

),

lines as not materialized (

    select * from {{ ref('stg_retail__store_sales_line_items') }}
    where {{ touched('transaction_id') }}

),

with_lines as (

    select distinct transaction_id
    from lines

),

-- where no total is stated, the lines say what is at stake; copies of them do not count twice
summed as (

    select
        transaction_id,
        sum(line_item_amount) as lines_amount
    from (
        select distinct transaction_id, line_item_id, product_id, quantity, line_item_amount
        from lines
        where transaction_id in (select transaction_id from typed where stated_amount is null)
    )
    group by all

),

{{ version_rows(
    id='transaction_id', day='known_date', first_day='last', moment='recorded_at',
    content='customer_id, store_id, event_date, stated_amount',
    money='stated_amount'
) }},

-- the first rule that fails rejects the row, so that rules add up to the quarantine
checked as (

    select
        kept.* replace (greatest(kept.known_date, customers.first_known_on) as known_date),
        coalesce(kept.stated_amount, summed.lines_amount, 0) as money,
        case
            when kept.is_id_missing then 'missing_transaction_id'
            when kept.event_date is null then 'unreadable_date'
            when kept.event_date < date '{{ var("earliest_date") }}' then 'implausible_date'
            -- clocks differ: a till east of the one that records or loads may be a day ahead
            when kept.event_date > kept.recorded_date + 1 then 'future_date'
            when kept.known_date > kept.loaded_date + 1 then 'future_date'
            when kept.customer_id is null then 'missing_customer'
            when customers.customer_id is null then 'unknown_customer'
            when kept.event_date < customers.registered_date then 'before_registration'
            when with_lines.transaction_id is null then 'without_lines'
        end as rejected_by
    from kept
    left join customers
        on kept.customer_id = customers.customer_id
    left join with_lines
        on kept.transaction_id = with_lines.transaction_id
    left join summed
        on kept.transaction_id = summed.transaction_id

),

{{ close_versions('checked', 'transaction_id') }}

select * from ended
