with

expected as (

    select * from {{ ref('int_store_days_expected') }}

),

awaited as (

    select
        *,
        sum(if(seen = 0, expected, 0)) over (
            partition by store_id, sold_so_far
            order by day
        ) as awaited
    from expected

),

-- stores that fall silent on one day: so many of so many may do so by chance
together as (

    select
        *,
        count(*) over (partition by day) as stores,
        count(*) filter (where is_silent) over (partition by day) as silent_stores,
        sum(expected) filter (where is_silent) over (partition by day) as silence
    from (
        select
            *,
            seen <= 0.05 * expected and expected >= 2 and awaited <= expected as is_silent
        from awaited
    )

),

-- a long silence of one store speaks once, on the day on which it is too long for chance
judged as (

    select
        *,
        (seen = 0 and awaited >= 14 and awaited - expected < 14)
        or (
            is_silent and silence >= 11
            + lgamma(stores + 1) - lgamma(silent_stores + 1) - lgamma(stores - silent_stores + 1)
        ) as is_missed
    from together

),

missed as (

    select
        day,
        'store_sales_header' as table_name,
        'store_id' as column_name,
        'store_missing' as sign,
        sum(seen) as seen,
        sum(greatest(awaited, expected)) as expected,
        string_agg(store_id, ', ' order by expected desc, store_id) as what
    from judged
    where is_missed
    group by all

)

select * from missed
