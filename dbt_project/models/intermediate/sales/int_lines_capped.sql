with

-- read where it is needed: DuckDB would copy all rows of what is named twice
lines as not materialized (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

headers as (

    select * from {{ ref('int_headers_checked') }}
    where rejected_by is null and versions > 1

),

caps as (

    select * from {{ ref('int_line_caps_set') }}

),

-- a line of a restated transaction belongs to each of its versions, one after the other
dated as (

    select * from lines
    where header_versions = 1

    union all

    select
        lines.* replace (
            headers.customer_id as customer_id,
            headers.store_id as store_id,
            headers.event_date as event_date,
            greatest(headers.known_date, lines.known_date) as known_date,
            least(headers.known_until, lines.known_until) as known_until
        )
    from lines
    inner join headers
        on lines.transaction_id = headers.transaction_id
        and greatest(headers.known_date, lines.known_date)
        < least(headers.known_until, lines.known_until)
    where lines.header_versions > 1

),

capped as (

    select
        dated.line_item_id,
        dated.transaction_id,
        dated.customer_id,
        dated.store_id,
        dated.product_category,
        dated.promotion_id,
        dated.event_date,
        dated.known_date,
        dated.known_until,
        dated.versions > 1 or dated.header_versions > 1 or dated.is_after_header as is_restated,
        dated.line_item_amount as amount_before_cap,
        dated.quantity as quantity_before_cap,
        greatest(least(dated.line_item_amount, caps.amount_cap), -caps.amount_cap)
            as line_item_amount,
        cast(
            sign(dated.quantity) * least(abs(dated.quantity), caps.quantity_cap) as decimal(18, 3)
        ) as quantity
    from dated
    left join caps
        on date_trunc('month', dated.event_date) = caps.event_month
    where dated.known_date < dated.known_until

)

select * from capped
