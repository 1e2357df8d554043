with

customers as (

    select
        customer_id,
        min(known_from_date) as known_from_date
    from {{ ref('int_customers_known') }}
    group by all

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

-- a window of 30 days that begins when a customer is not known yet holds no other days
met as (

    select
        days.*,
        customers.known_from_date
    from days
    inner join customers
        on days.customer_id = customers.customer_id
        and days.event_date < customers.known_from_date + 30

),

-- by the first order that became known, whatever is said of it, or found before it, later
arrived as (

    select
        known_from_date,
        min(known_date) as known_date,
        {{ end_of_time() }} as known_until,
        arg_min(event_date, (known_date, event_date)) as event_date,
        1 as newcomers
    from met
    where orders > 0
    group by
        customer_id,
        known_from_date

),

stacked as (

    select * from arrived

    union all by name

    select
        known_from_date,
        known_date,
        known_until,
        event_date,
        spend - returned as spend
    from met
    where spend <> 0 or returned <> 0

),

summed as (

    select
        known_from_date,
        event_date,
        known_date,
        known_until,
        cast(coalesce(sum(newcomers), 0) as bigint) as newcomers,
        cast(coalesce(sum(spend), 0) as decimal(18, 4)) as spend
    from stacked
    group by all

)

select * from summed
