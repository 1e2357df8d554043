-- the gate: with more than this share of the rows or the money of headers or lines in quarantine, all
-- rules together, the tables of yesterday are better; one result per rule that rejected something
with

checked as (

    select
        'store_sales_header' as table_name,
        rejected_by,
        money,
        transaction_id as row_key
    from {{ ref('int_headers_checked') }}

    union all

    select
        'store_sales_line_items' as table_name,
        rejected_by,
        money,
        line_item_id as row_key
    from {{ ref('int_lines_checked') }}

),

shared as (

    select
        table_name,
        count(rejected_by) / count(*) as rows_share,
        coalesce(
            sum(abs(money)) filter (where rejected_by is not null) / nullif(sum(abs(money)), 0), 0
        ) as money_share
    from checked
    group by all

),

ruled as (

    select
        checked.table_name,
        checked.rejected_by as rule,
        count(*) as rows,
        sum(abs(checked.money)) as money,
        round(any_value(shared.rows_share), 4) as rows_share_of_all_rules,
        round(any_value(shared.money_share), 4) as money_share_of_all_rules,
        min(checked.row_key) as example
    from checked
    inner join shared
        on checked.table_name = shared.table_name
    where checked.rejected_by is not null
        and greatest(shared.rows_share, shared.money_share) > {{ var('max_quarantined_share') }}
    group by all

)

select * from ruled
order by money desc
