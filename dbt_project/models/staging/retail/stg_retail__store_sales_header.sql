with

source as (

    select * from {{ source('retail', 'store_sales_header') }}

),

typed as (

    select
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('customer_id') }} as customer_id,
        coalesce({{ canonical_id('store_id') }}, 'UNKNOWN') as store_id,
        {{ read_date('transaction_date') }} as event_date,
        {{ read_date('recorded_at') }} as recorded_date,
        greatest({{ read_date('recorded_at') }}, {{ read_date('transaction_date') }}) as known_date,
        {{ read_money('total_amount') }} as stated_amount,
        cast(_loaded_at as date) as loaded_date,
        {{ is_id_respelt(['transaction_id', 'customer_id', 'store_id']) }} as is_id_respelt,
        {{ is_date_respelt('transaction_date') }} as is_date_respelt
    from source

),

{{ keep_first_known(
    id='transaction_id', key='transaction_key', first_by='known_date nulls last', money='stated_amount'
) }}

select * from deduplicated
