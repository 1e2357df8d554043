with

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

caps as (

    select * from {{ ref('int_line_caps_set') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

-- as if the current as-of date were today: what became known later does not exist yet
known as (

    select lines.*
    from lines
    inner join snapshots
        on lines.known_date < snapshots.as_of_date

),

capped as (

    select
        known.line_item_id,
        known.transaction_id,
        known.customer_id,
        known.store_id,
        known.product_category,
        known.promotion_id,
        known.event_date,
        known.known_date,
        known.line_item_amount as amount_before_cap,
        known.quantity as quantity_before_cap,
        cast(
            sign(known.line_item_amount)
            * least(abs(known.line_item_amount), caps.amount_cap) as decimal(18, 2)
        ) as line_item_amount,
        cast(
            sign(known.quantity) * least(abs(known.quantity), caps.quantity_cap) as decimal(18, 3)
        ) as quantity
    from known
    left join caps
        on date_trunc('month', known.event_date) = caps.event_month

)

select * from capped
