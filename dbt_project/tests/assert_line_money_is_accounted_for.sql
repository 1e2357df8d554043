-- money in = money kept + dropped with duplicates + quarantined, less what was imputed
with

raw_money as (

    select coalesce(sum({{ read_money('line_item_amount', 'line_item_amount_text') }}), 0) as money_in
    from {{ source('retail', 'store_sales_line_items') }}

),

checked_money as (

    select
        coalesce(sum(money), 0)
        + coalesce(sum(duplicate_money), 0)
        - coalesce(sum(money) filter (where is_amount_imputed), 0) as money_out
    from {{ ref('int_lines_checked') }}

)

select *
from raw_money
cross join checked_money
where money_in <> money_out
