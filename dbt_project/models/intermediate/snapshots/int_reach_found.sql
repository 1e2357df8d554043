with

days as (

    select * from {{ shop_facts('int_shop_days_summed') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

stated as (

    select max(data_through) as stated_through
    from loads

),

counted as (

    select
        known_date,
        sum(customer_days) as customer_days
    from days
    group by all

),

{{ find_odd_tail() }},

recorded as (

    select max(counted.known_date) as recorded_through
    from odd
    left join counted
        on counted.known_date < coalesce(odd.first_odd_date, {{ end_of_time() }})

),

reached as (

    select
        stated.stated_through,
        recorded.recorded_through,
        greatest(stated.stated_through, recorded.recorded_through) as reach_date
    from stated
    cross join recorded

)

select * from reached
