with

-- rows are read once; the widest table there is
lines as not materialized (

    select * from {{ ref('int_lines_checked') }}
    where is_latest

),

dated as not materialized (

    select
        *,
        {{ day_of_row('event_date') }} as day,
        not is_amount_imputed
        and not is_quantity_imputed
        and line_item_amount / nullif(quantity, 0) > 0 as is_priced
    from lines

),

summed as (

    select
        day,
        product_id,
        loaded_at,
        count(*) as lines,
        sum(money) as money,
        count(*) filter (where is_amount_imputed or rejected_by = 'missing_amount')
            as without_amount,
        count(*) filter (where is_quantity_imputed) as without_quantity,
        count(*) filter (where line_item_amount < 0) as negative,
        count(*) filter (where line_item_amount = 0) as zero,
        count(*) filter (where product_category is null or product_category = 'Unknown')
            as without_category,
        count(*) filter (where rejected_by = 'unknown_header') as without_header,
        count(*) filter (where promotion_id <> 'NONE') as promoted,
        count(*) filter (where is_priced) as priced,
        avg(ln(line_item_amount / quantity)) filter (where is_priced) as log_price,
        avg(ln(abs(quantity))) filter (where is_priced) as log_quantity
    from dated
    where day is not null
    group by all

)

select * from summed
