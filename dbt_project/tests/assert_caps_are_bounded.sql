-- the gate: when caps take more than this share of the money of the lines, either the shop's business
-- is in few large lines, or what is no money at all is read as such; the largest cuts are named
with

lines as (

    select
        line_item_id,
        customer_id,
        amount_before_cap,
        line_item_amount,
        abs(amount_before_cap - line_item_amount) as money_cut
    from {{ ref('int_lines_capped') }}
    where known_until = {{ far_date() }}

),

summed as (

    select
        'amount_capped' as rule,
        'store_sales_line_items' as table_name,
        round(sum(money_cut) / nullif(sum(abs(amount_before_cap)), 0), 4) as share_of_money,
        count(*) filter (where money_cut > 0) as rows,
        sum(money_cut) as money,
        arg_max(
            'line ' || line_item_id || ' of ' || customer_id || ' from ' || amount_before_cap
            || ' to ' || line_item_amount,
            money_cut,
            3
        ) filter (where money_cut > 0) as examples,
        'if these lines are real, raise cap_multiple or max_capped_share ({{ var("max_capped_share") }}); '
        || 'if they are not, mend them where they come from' as what_to_do
    from lines

)

select * from summed
where share_of_money > {{ var('max_capped_share') }}
