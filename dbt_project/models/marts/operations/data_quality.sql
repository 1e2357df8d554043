with

outcomes as (

    select * from {{ shop_facts('int_dq_row_outcomes') }}

),

repairs as (

    select * from {{ shop_facts('int_repairs_counted') }}

),

late_rows as (

    select * from {{ shop_facts('int_late_rows_counted') }}

),

stacked as (

    select * from outcomes
    union all by name
    -- a repaired or late row is kept: it is counted here a second time, under its rule
    select * from repairs
    union all by name
    select * from late_rows

),

totalled as (

    select
        table_name,
        sum(rows) filter (where outcome in ('kept', 'superseded', 'duplicate', 'quarantined')) as rows_in,
        sum(abs(money)) filter (where outcome in ('kept', 'superseded', 'duplicate', 'quarantined'))
            as money_in
    from stacked
    group by all

),

shared as (

    select
        stacked.table_name,
        stacked.rule,
        stacked.outcome,
        cast(stacked.rows as bigint) as rows,
        cast(stacked.money as decimal(18, 2)) as money,
        {{ ratio('stacked.rows', 'totalled.rows_in') }} as share,
        {{ ratio('stacked.money', 'totalled.money_in') }} as money_share
    from stacked
    inner join totalled
        on stacked.table_name = totalled.table_name
    where stacked.rows > 0

)

select * from shared
