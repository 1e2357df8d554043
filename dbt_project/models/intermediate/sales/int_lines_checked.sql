{{ config(materialized='incremental', unique_key='line_item_id') }}

with

typed as not materialized (

    select * from {{ ref('stg_retail__store_sales_line_items') }}
    where {{ touched('line_item_id') }}

),

headers as (

    select * from {{ ref('int_headers_checked') }}
    where is_first

),

products as (

    select * from {{ ref('int_products_versioned') }}

),

-- a line without a recorded day is known with its header, before any later version of it
{{ version_rows(
    id='line_item_id', day='recorded_date', first_day='first', moment='recorded_at',
    content='transaction_id, product_id, promotion_id, quantity, line_item_amount',
    money='line_item_amount'
) }},

-- rows are read more than once, and too wide to keep in memory
imputed as not materialized (

    select
        kept.* exclude (quantity, line_item_amount),
        headers.customer_id,
        headers.store_id,
        headers.event_date,
        -- a line counts once both it and its header are known
        greatest(headers.known_date, kept.recorded_date, products.first_known_on)
            as known_date,
        headers.versions as header_versions,
        coalesce(
            greatest(kept.recorded_date, products.first_known_on) > headers.known_date, false
        ) as is_after_header,
        headers.transaction_id as found_transaction_id,
        headers.rejected_by as header_rejected_by,
        products.product_id as found_product_id,
        products.product_category,
        coalesce(
            kept.quantity,
            round(kept.line_item_amount / nullif(products.unit_price, 0), 0),
            sign(kept.line_item_amount)
        ) as quantity,
        -- what is too large for an amount is none
        try_cast(coalesce(
            kept.line_item_amount, round(kept.quantity * products.unit_price, 2)
        ) as decimal(18, 4)) as line_item_amount,
        kept.quantity is null and kept.line_item_amount is not null as is_quantity_imputed,
        kept.line_item_amount is null and kept.quantity * products.unit_price is not null
            as is_amount_imputed
    from kept
    left join headers
        on kept.transaction_id = headers.transaction_id
    left join products
        on kept.product_id = products.product_id
        -- a product that has changed since is read as it was when the line became known
        and products.valid_from <= coalesce(
            greatest(headers.known_date, kept.recorded_date), {{ end_of_time() }} - 1
        )
        and products.valid_until > coalesce(
            greatest(headers.known_date, kept.recorded_date), {{ end_of_time() }} - 1
        )

),

-- the first rule that fails rejects the row, so that rules add up to the quarantine
checked as not materialized (

    select
        * exclude (found_transaction_id, header_rejected_by, found_product_id),
        coalesce(line_item_amount, 0) as money,
        case
            when is_id_missing then 'missing_line_item_id'
            when found_transaction_id is null then 'unknown_header'
            when header_rejected_by is not null then 'header_' || header_rejected_by
            when found_product_id is null then 'unknown_product'
            when line_item_amount is null then 'missing_amount'
            when greatest(abs(line_item_amount), abs(quantity)) >= 1e11 then 'amount_out_of_range'
            when known_date > loaded_date + 1 then 'future_date'
            when quantity * line_item_amount < 0 then 'sign_conflict'
        end as rejected_by
    from imputed

),

{{ close_versions('checked', 'line_item_id') }}

select * from ended
