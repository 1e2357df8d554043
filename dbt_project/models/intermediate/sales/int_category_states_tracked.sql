{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

cumulated as (

    select * from {{ ref('int_category_spend_cumulated') }}
    where {{ touched('customer_id') }}

),

-- where something was taken back, a leader can fall behind without being overtaken
led as (

    select * from {{ ref('int_category_leaders_restated') }}
    where {{ touched('customer_id') }}

),

-- steps add up to the state: the number of categories and the sum of squares
stepped as (

    select
        customer_id,
        known_date,
        sum(case when category_spend = spend then 1 when category_spend = 0 then -1 else 0 end)
            as categories,
        -- a square has twice the digits: 18 would end at 100,000
        sum(
            cast(category_spend as decimal(38, 4)) * category_spend
            - cast(category_spend - spend as decimal(38, 4)) * (category_spend - spend)
        ) as category_squares,
        -- a leader can only be overtaken, unless something is taken back
        max({'spend': category_spend, 'category': product_category}) as leading_category  -- noqa: LT01
    from cumulated
    group by all

),

tracked as (

    select
        customer_id,
        known_date,
        lead(known_date, 1, {{ end_of_time() }}) over history as known_until,
        cast(sum(categories) over history as integer) as categories,
        cast(sum(category_squares) over history as decimal(38, 8)) as category_squares,
        max(leading_category) over history as leading_category
    from stepped
    window history as (
        partition by customer_id
        order by known_date
        rows between unbounded preceding and current row
    )

),

corrected as (

    select
        tracked.* replace (
            coalesce(led.leading_category, tracked.leading_category) as leading_category
        )
    from tracked
    left join led
        on tracked.customer_id = led.customer_id
        and tracked.known_date = led.known_date

)

select * from corrected
