with

product_days as (

    select * from {{ shop_facts('int_product_days_measured') }}

),

-- medians: a product's own price and quantity, which a spoilt day does not move
usual as (

    select
        product_id,
        min(day) as first_day,
        median(log_price) as usual_log_price,
        median(log_quantity) as usual_log_quantity
    from product_days
    where product_id is not null
    group by all

)

select * from usual
