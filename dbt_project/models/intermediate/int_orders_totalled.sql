with

lines as (

    select * from {{ ref('int_lines_capped') }}

),

-- a line that became known later than its order is a row of its own
summed as (

    select
        transaction_id,
        customer_id,
        store_id,
        event_date,
        known_date,
        sum(greatest(line_item_amount, 0)) as spend,
        -sum(least(line_item_amount, 0)) as returned,
        coalesce(
            sum(greatest(line_item_amount, 0)) filter (where promotion_id <> 'NONE'), 0
        ) as promoted,
        sum(greatest(quantity, 0)) as items,
        count(*) filter (where line_item_amount > 0) as lines
    from lines
    group by all

),

cumulated as (

    select
        *,
        sum(spend) over (partition by transaction_id order by known_date) as order_value
    from summed

),

-- the order itself counts once, when the first line with money is known
totalled as (

    select
        *,
        case when spend > 0 and order_value = spend then 1 else 0 end as orders,
        -- one point per whole unit of money, promotion lines count double
        cast(floor(spend) + floor(promoted) as bigint) as points
    from cumulated

)

select * from totalled
