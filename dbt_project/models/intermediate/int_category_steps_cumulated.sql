with

lines as (

    select * from {{ ref('int_lines_capped') }}
    where line_item_amount > 0

),

summed as (

    select
        customer_id,
        product_category,
        known_date,
        sum(line_item_amount) as spend
    from lines
    group by all

),

cumulated as (

    select
        *,
        sum(spend) over (
            partition by customer_id, product_category
            order by known_date
        ) as category_spend
    from summed

),

-- steps add up to the state of any later day: the number of categories and the sum of squares
stepped as (

    select
        customer_id,
        known_date,
        count(*) filter (where category_spend = spend) as categories,
        sum(
            cast(category_spend as decimal(18, 2)) * cast(category_spend as decimal(18, 2))
            - cast(category_spend - spend as decimal(18, 2))
            * cast(category_spend - spend as decimal(18, 2))
        ) as category_squares,
        max({'spend': category_spend, 'category': product_category}) as leading_category  -- noqa: LT01
    from cumulated
    group by all

)

select * from stepped
