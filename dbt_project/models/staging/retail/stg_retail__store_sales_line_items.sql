with

source as (

    select * from {{ source('retail', 'store_sales_line_items') }}

),

typed as (

    select
        {{ canonical_id('line_item_id') }} as line_item_id,
        {{ canonical_id('transaction_id') }} as transaction_id,
        {{ canonical_id('product_id') }} as product_id,
        case
            when upper(trim(promotion_id)) in ('', 'N/A', 'NA', 'NONE', 'NULL', '-') then 'NONE'
            else coalesce(upper(trim(promotion_id)), 'NONE')
        end as promotion_id,
        promotion_id is null as is_promotion_imputed,
        coalesce(
            upper(trim(promotion_id)) in ('', 'N/A', 'NA', 'NONE', 'NULL', '-'), false
        ) as is_promotion_respelt,
        try_cast(quantity as decimal(18, 3)) as quantity,
        {{ read_money('line_item_amount', 'line_item_amount_text') }} as line_item_amount,
        try_cast(recorded_at as date) as recorded_date,
        cast(_loaded_at as date) as loaded_date,
        {{ is_id_respelt(['line_item_id', 'transaction_id', 'product_id']) }} as is_id_respelt,
        line_item_amount is null
        and {{ read_money('line_item_amount', 'line_item_amount_text') }} is not null
            as is_amount_respelt
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
