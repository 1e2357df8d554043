{{ config(materialized='incremental', unique_key='transaction_id') }}

with

headers as (

    -- rejected ones too: a row of one that was rejected since would stay
    select * from {{ ref('int_headers_checked') }}
    where is_latest
    and {{ touched('transaction_id') }}

),

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null and is_latest
    and {{ touched('transaction_id') }}

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
        headers.rejected_by is null
        and coalesce(headers.stated_amount <> round(coalesce(summed.lines_amount, 0), 2), false)
            as is_different
    from headers
    left join summed
        on headers.transaction_id = summed.transaction_id

)

select * from recomputed
