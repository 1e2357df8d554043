with

source as (

    select * from {{ source('retail', 'store_sales_header') }}

),

typed as (

    select
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('customer_id') }} as customer_id,
        coalesce({{ canonical_id('store_id') }}, 'UNKNOWN') as store_id,
        {{ read_date('transaction_date', 'transaction_date_text') }} as event_date,
        try_cast(recorded_at as timestamp) as recorded_at,
        try_cast(recorded_at as date) as recorded_date,
        greatest(
            try_cast(recorded_at as date),
            {{ read_date('transaction_date', 'transaction_date_text') }}
        ) as known_date,
        try_cast(total_amount as decimal(18, 2)) as stated_amount,
        _loaded_at as loaded_at,
        cast(_loaded_at as date) as loaded_date,
        {{ is_id_respelt(['transaction_id', 'customer_id', 'store_id']) }} as is_id_respelt,
        transaction_date is null
        and {{ read_date('transaction_date', 'transaction_date_text') }} is not null
            as is_date_respelt
    from source

),

{{ keep_versions(
    id='transaction_id',
    content='customer_id, store_id, event_date, stated_amount',
    day='known_date',
    first_day='last',
    moment='recorded_at',
    money='stated_amount'
) }}

select * from kept
