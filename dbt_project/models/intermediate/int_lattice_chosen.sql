with

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

customers as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

bounded as (

    select
        min(event_date) as first_event_date,
        coalesce(
            cast(nullif('{{ var("as_of") }}', '') as date), max(known_date) + 1
        ) as current_as_of_date
    from lines

),

-- fixed in the calendar, never counted back from today: yesterday's snapshots stay valid;
-- a small shop takes finer tiles and learns from more snapshots
latticed as (

    select
        bounded.*,
        date '2000-01-01' as anchor_date,
        case
            when {{ var('grid_days') }} > 0 then {{ var('grid_days') }}
            when (select count(*) from customers) < 10000 then 5
            else 30
        end as grid_days
    from bounded

)

select * from latticed
