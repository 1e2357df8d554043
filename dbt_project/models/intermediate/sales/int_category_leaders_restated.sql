{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

cumulated as (

    select * from {{ ref('int_category_spend_cumulated') }}
    where {{ touched('customer_id') }}

),

-- customers of whom something was taken back: every category at every change
reduced as (

    select distinct customer_id
    from cumulated
    where spend < 0

),

changed as (

    select distinct
        cumulated.customer_id,
        cumulated.known_date
    from cumulated
    inner join reduced
        on cumulated.customer_id = reduced.customer_id

),

compared as (

    select
        changed.customer_id,
        changed.known_date,
        cumulated.product_category,
        arg_max(cumulated.category_spend, cumulated.known_date) as category_spend
    from changed
    inner join cumulated
        on changed.customer_id = cumulated.customer_id
        and changed.known_date >= cumulated.known_date
    group by all

),

led as (

    select
        customer_id,
        known_date,
        max({'spend': category_spend, 'category': product_category})  -- noqa: LT01
            as leading_category
    from compared
    group by all

)

select * from led
