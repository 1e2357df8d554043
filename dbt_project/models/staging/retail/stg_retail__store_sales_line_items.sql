with

source as (

    select * from {{ source('retail', 'store_sales_line_items') }}

),

typed as (

    select
        {{ canonical_id('line_item_id') }} as line_item_id,
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('product_id') }} as product_id,
        coalesce(upper(nullif(trim(promotion_id), '')), 'NONE') as promotion_id,
        nullif(trim(promotion_id), '') is null as is_promotion_imputed,
        try_cast(quantity as decimal(18, 3)) as quantity,
        try_cast(line_item_amount as decimal(18, 2)) as line_item_amount,
        try_cast(recorded_at as date) as recorded_date,
        cast(_loaded_at as date) as loaded_date
    from source

),

-- a line without a recorded day is known with its header, before any later version of it
{{ keep_first_known(
    id='line_item_id',
    key='line_item_key',
    first_by='recorded_date nulls first',
    money='line_item_amount'
) }}

select * from deduplicated
