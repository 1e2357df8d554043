with

days as (

    select * from {{ shop_facts('int_shop_days_summed') }}

),

reach as (

    select * from {{ ref('int_reach_found') }}

),

customers as (

    select * from {{ shop_facts('int_customers_counted') }}

),

dated as (

    select
        {%- if var('as_of') %}
        -- a day that the data do not reach would see a shop that sells nothing
        case
            when {{ as_of_beyond('reach_date') }} is not null then error({{ as_of_beyond('reach_date') }})
            else date '{{ var("as_of") }}'
        end as current_as_of_date
        {%- else %}
        reach_date + 1 as current_as_of_date
        {%- endif %}
    from reach

),

-- nothing that becomes known on or after the current date may move the lattice
bounded as (

    select
        min(days.known_date) as first_known_date,
        dated.current_as_of_date
    from dated
    left join days
        on dated.current_as_of_date > days.known_date
    group by all

),

known_customers as (

    select coalesce(sum(customers.customers), 0) as customers
    from customers
    inner join dated
        on coalesce(customers.registered_date < dated.current_as_of_date, true)
        and coalesce(customers.first_known_on < dated.current_as_of_date, true)

),

-- fixed in the calendar, never counted back from today: yesterday's snapshots stay valid;
-- a small shop takes smaller steps and learns from more snapshots
latticed as (

    select
        bounded.*,
        date '2000-01-01' as anchor_date,
        case
            when {{ var('grid_days') }} > 0 then {{ var('grid_days') }}
            when known_customers.customers < 10000 then 5
            else 30
        end as grid_days
    from bounded
    cross join known_customers

)

select * from latticed
