-- the gate: with more than this share of the rows or the money of headers or lines in quarantine, all
-- rules together, the tables of yesterday are better; one result per rule that rejected something. An amount
-- that is out of all range would outweigh everything: of it the rows count alone
with

checked as (

    select
        *,
        case when coalesce(rejected_by, '') <> 'amount_out_of_range' then money end as weighed
    from {{ shop_facts('int_checks_summed') }}

),

shared as (

    select
        table_name,
        sum(rows) filter (where rejected_by is not null) / sum(rows) as rows_share,
        coalesce(
            sum(weighed) filter (where rejected_by is not null) / nullif(sum(weighed), 0), 0
        ) as money_share
    from checked
    group by all

),

ruled as (

    select
        checked.table_name,
        checked.rejected_by as rule,
        checked.rows,
        checked.money,
        round(shared.rows_share, 4) as rows_share_of_all_rules,
        round(shared.money_share, 4) as money_share_of_all_rules,
        checked.example
    from checked
    inner join shared
        on checked.table_name = shared.table_name
    where checked.rejected_by is not null
        and greatest(shared.rows_share, shared.money_share) > {{ var('max_quarantined_share') }}

)

select * from ruled
order by money desc
