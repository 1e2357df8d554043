{{ config(materialized='incremental', incremental_strategy='append') }}

with

source as (

    select * from {{ source('retail', 'store_sales_header') }}
    {% if is_incremental() %}
    where _loaded_at not in (select loaded_at from {{ this }} where loaded_at is not null)
    {% endif %}

),

-- a raw row is read once, and stays as it was read; copies and versions are told apart behind it
typed as (

    select
        {{ id_or_missing(
            canonical_id('transaction_id'),
            ['customer_id', 'store_id', 'transaction_date', 'total_amount', 'recorded_at']
        ) }} as transaction_id,
        {{ canonical_id('transaction_id') }} is null as is_id_missing,
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

)

select * from typed
