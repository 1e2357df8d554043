-- the gate: with more than this share of the money in quarantine, the tables of yesterday are better
with

lines as (

    select * from {{ ref('int_lines_checked') }}

),

totalled as (

    select sum(abs(money)) as money_in
    from lines

)

select
    'store_sales_line_items' as table_name,
    lines.rejected_by as rule,
    count(*) as rows,
    sum(abs(lines.money)) as money,
    sum(abs(lines.money)) / any_value(totalled.money_in) as money_share,
    min(lines.line_item_key) as example
from lines
cross join totalled
where lines.rejected_by is not null
group by all
having sum(abs(lines.money)) > {{ var('max_quarantined_share') }} * any_value(totalled.money_in)
