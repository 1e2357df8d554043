-- a load that raises an alarm of severity error, or of which too much is rejected or dropped, stops
-- here, before the mart
-- depends_on: {{ shop_facts('load_alarms') }}, {{ shop_facts('int_checks_summed') }}
with

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

summed as (

    select
        event_date,
        known_date,
        known_until,
        sum(spend) as spend,
        sum(orders) as orders,
        count(*) as customer_days
    from days
    group by all

)

select * from summed
