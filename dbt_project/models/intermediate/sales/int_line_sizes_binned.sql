with

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

-- bins of 5 % width: a quantile over all earlier months, and what a cap takes of them, need no second
-- pass over the lines
binned as (

    select
        cast(date_trunc('month', known_date) as date) as known_month,
        'amount' as measure,
        cast(ceil(20 * ln(abs(line_item_amount))) as integer) as size_bin,
        count(*) as lines,
        sum(abs(line_item_amount)) as money
    from lines
    where line_item_amount <> 0
    group by all

    union all

    select
        cast(date_trunc('month', known_date) as date) as known_month,
        'quantity' as measure,
        cast(ceil(20 * ln(abs(quantity))) as integer) as size_bin,
        count(*) as lines,
        0 as money
    from lines
    where quantity <> 0
    group by all

)

select * from binned
