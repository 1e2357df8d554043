{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

lines as (

    select * from {{ ref('int_lines_capped') }}
    where line_item_amount > 0
    and {{ touched('customer_id') }}

),

-- what becomes known adds, what is void subtracts
moved as (

    select
        customer_id,
        product_category,
        known_date,
        line_item_amount as spend
    from lines

    union all

    select
        customer_id,
        product_category,
        known_until as known_date,
        -line_item_amount as spend
    from lines
    where known_until < {{ end_of_time() }}

),

summed as (

    select
        customer_id,
        product_category,
        known_date,
        cast(sum(spend) as decimal(18, 4)) as spend
    from moved
    group by all

),

cumulated as (

    select
        *,
        cast(
            sum(spend) over (
                partition by customer_id, product_category
                order by known_date
                rows between unbounded preceding and current row
            ) as decimal(18, 4)
        ) as category_spend
    from summed
    where spend <> 0

)

select * from cumulated
