with

customers as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

-- by the days that decide from when on a customer counts
counted as (

    select
        registered_date,
        first_known_on,
        count(*) as customers
    from customers
    group by all

)

select * from counted
