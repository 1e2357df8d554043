with

orders as (

    select * from {{ ref('int_orders_compared') }}

),

summed as (

    select
        day,
        store_id,
        loaded_at,
        count(*) as orders,
        sum(money) as money,
        count(*) filter (where is_without_customer) as without_customer,
        count(*) filter (where is_of_new_customer) as of_new_customers,
        count(*) filter (where is_of_unknown_customer) as of_unknown_customers,
        count(*) filter (where is_of_stranger) as of_strangers,
        count(*) filter (where is_undated) as undated,
        count(*) filter (where is_ahead) as ahead,
        count(*) filter (where is_at_night) as at_night,
        count(*) filter (where is_without_lines) as without_lines,
        count(*) filter (where is_repeated) as repeated,
        count(*) filter (where is_sent_twice) as sent_twice
    from orders
    where day is not null
    group by all

)

select * from summed
