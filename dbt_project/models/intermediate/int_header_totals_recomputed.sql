with

headers as (

    select * from {{ ref('int_headers_checked') }}
    where rejected_by is null and is_latest

),

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null and is_latest

),

summed as (

    select
        transaction_id,
        sum(line_item_amount) as lines_amount
    from lines
    group by all

),

recomputed as (

    select
        headers.transaction_id,
        headers.stated_amount,
        coalesce(summed.lines_amount, 0) as recomputed_amount,
        -- a till states whole cents
        coalesce(headers.stated_amount <> round(coalesce(summed.lines_amount, 0), 2), false)
            as is_different
    from headers
    left join summed
        on headers.transaction_id = summed.transaction_id

)

select * from recomputed
