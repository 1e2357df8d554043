with

headers as (

    select * from {{ ref('stg_retail__store_sales_header') }}

),

customers as (

    select * from {{ ref('int_customers_versioned') }}
    where valid_until = {{ far_date() }}

),

lines as (

    select * from {{ ref('stg_retail__store_sales_line_items') }}

),

summed as (

    select
        transaction_id,
        sum(line_item_amount) as lines_amount
    from lines
    where transaction_id is not null
    group by all

),

-- the first rule that fails rejects the row, so that rules add up to the quarantine
checked as (

    select
        headers.* replace (greatest(headers.known_date, customers.first_known_on) as known_date),
        coalesce(headers.stated_amount, summed.lines_amount, 0) as money,
        case
            when headers.is_id_missing then 'missing_transaction_id'
            when headers.event_date is null then 'unreadable_date'
            when headers.event_date < date '{{ var("earliest_date") }}' then 'implausible_date'
            -- clocks differ: a till east of the one that records or loads may be a day ahead
            when headers.event_date > headers.recorded_date + 1 then 'future_date'
            when headers.known_date > headers.loaded_date + 1 then 'future_date'
            when headers.customer_id is null then 'missing_customer'
            when customers.customer_id is null then 'unknown_customer'
            when headers.event_date < customers.registered_date then 'before_registration'
            when summed.transaction_id is null then 'without_lines'
        end as rejected_by
    from headers
    left join customers
        on headers.customer_id = customers.customer_id
    left join summed
        on headers.transaction_id = summed.transaction_id

),

{{ end_versions('checked', 'transaction_id') }}

select * from ended
