{{ config(materialized='incremental', incremental_strategy='replace_touched') }}

with

days as (

    select * from {{ ref('int_customer_days_summed') }}
    where {{ touched('customer_id') }}

),

restated as (

    select * from {{ ref('int_active_days_restated') }}
    where not is_first
    and {{ touched('customer_id') }}

),

-- the gap to the last active day known by then: a late row never splits a gap already counted
spaced as (

    select
        *,
        event_date - max(case when active_days = 1 then event_date end) over (
            partition by customer_id
            order by known_date, event_date
            rows between unbounded preceding and 1 preceding
        ) as days_since_active
    from days

),

gapped as (

    select
        * exclude (days_since_active),
        cast(case when active_days = 1 and days_since_active > 0 then days_since_active end as integer)
            as gap_days
    from spaced

),

-- a day that was void for a while and stands again keeps its gap
resumed as (

    select gapped.* replace (
        restated.known_date as known_date, restated.known_until as known_until
    )
    from gapped
    inner join restated
        on gapped.customer_id = restated.customer_id
        and gapped.event_date = restated.event_date
    where gapped.is_restated_mark

),

completed as (

    select * from gapped
    union all
    select * from resumed

)

select * from completed
