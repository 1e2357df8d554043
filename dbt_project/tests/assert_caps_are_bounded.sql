-- the gate: when caps take more than this share of the money of the lines, either the shop's business
-- is in few large lines, or what is no money at all is read as such; the largest cuts are named
with

caps as (

    select * from {{ shop_facts('int_caps_summed') }}

),

summed as (

    select
        'amount_capped' as rule,
        'store_sales_line_items' as table_name,
        round(money_cut / nullif(money, 0), 4) as share_of_money,
        rows,
        money_cut as money,
        list_transform(largest, lambda cut: cut.line) as examples,
        'if these lines are real, raise cap_multiple or max_capped_share ({{ var("max_capped_share") }}); '
        || 'if they are not, mend them where they come from' as what_to_do
    from caps

)

select * from summed
where share_of_money > {{ var('max_capped_share') }}
