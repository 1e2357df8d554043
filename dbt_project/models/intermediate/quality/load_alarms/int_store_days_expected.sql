with

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

days as (

    select * from {{ ref('int_load_days_listed') }}

),

counted as (

    select
        days.day,
        days.day - days.first_day as days_before,
        order_days.store_id,
        sum(order_days.orders) as orders
    from order_days
    inner join days
        on order_days.day = days.day
    group by all

),

shop_days as (

    select
        day,
        days_before,
        sum(orders) as shop_orders
    from counted
    group by all

),

stores as (

    select distinct store_id
    from counted

),

-- on days on which the shop sold at all
filled as (

    select
        stores.store_id,
        shop_days.day,
        shop_days.days_before,
        coalesce(counted.orders, 0) as seen,
        shop_days.shop_orders - seen as others
    from stores
    cross join shop_days
    left join counted
        on stores.store_id = counted.store_id
        and shop_days.day = counted.day

),

-- as many as the store sold beside the others on the same weekday of the eight weeks before
expected as (

    select
        *,
        if(
            days_before >= 28 and count(*) filter (where seen > 0) over past >= 3,
            coalesce(others * sum(seen) over past / nullif(sum(others) over past, 0), 0),
            0
        ) as expected,
        -- the days since its last sale, that one included
        sum(seen) over (
            partition by store_id
            order by day
        ) as sold_so_far
    from filled
    window past as (
        partition by store_id, isodow(day)
        order by day
        rows between 8 preceding and 1 preceding
    )

)

select * from expected
