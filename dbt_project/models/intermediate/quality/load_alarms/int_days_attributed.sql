with

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

brought as (

    select
        day,
        loaded_at,
        sum(orders) as orders
    from order_days
    group by all

),

shared as (

    select
        *,
        orders / sum(orders) over (partition by day) as share
    from brought

),

-- the newest load that brought a fifth of the day or more answers for it; a few late rows do not
attributed as (

    select
        day,
        coalesce(max(loaded_at) filter (where share >= 0.2), max_by(loaded_at, share)) as loaded_at
    from shared
    group by all

)

select * from attributed
