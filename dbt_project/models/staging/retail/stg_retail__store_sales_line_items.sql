{{ config(materialized='incremental', incremental_strategy='append') }}

with

source as (

    select * from {{ source('retail', 'store_sales_line_items') }}
    {% if is_incremental() %}
    where _loaded_at not in (select loaded_at from {{ this }} where loaded_at is not null)
    {% endif %}

),

spelt as (

    select
        *,
        upper(trim(promotion_id)) as promotion_label,
        coalesce(
            promotion_label in ('', 'N/A', 'NA', 'NONE', 'NULL', '-'), false
        ) as is_promotion_respelt
    from source

),

-- a raw row is read once, and stays as it was read; copies and versions are told apart behind it
typed as (

    select
        {{ id_or_missing(
            canonical_id('line_item_id'),
            ['transaction_id', 'product_id', 'quantity', 'line_item_amount', 'recorded_at']
        ) }} as line_item_id,
        {{ canonical_id('line_item_id') }} is null as is_id_missing,
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('product_id') }} as product_id,
        case
            when is_promotion_respelt or promotion_label is null then 'NONE'
            else promotion_label
        end as promotion_id,
        promotion_label is null as is_promotion_imputed,
        is_promotion_respelt,
        try_cast(quantity as decimal(18, 3)) as quantity,
        {{ read_money('line_item_amount', 'line_item_amount_text') }} as line_item_amount,
        try_cast(recorded_at as timestamp) as recorded_at,
        try_cast(recorded_at as date) as recorded_date,
        _loaded_at as loaded_at,
        cast(_loaded_at as date) as loaded_date,
        {{ is_id_respelt(['line_item_id', 'transaction_id', 'product_id']) }} as is_id_respelt,
        line_item_amount is null
        and {{ read_money('line_item_amount', 'line_item_amount_text') }} is not null
            as is_amount_respelt
    from spelt

)

select * from typed
