-- the current as-of date, once scored, has a forecast for each customer known by then; a forecast
-- from before the newest load is stale, not wrong: the next scoring replaces it
with

scored as (

    select * from {{ ref('stg_scoring__predictions') }}

),

current_date_scored as (

    select distinct scored.as_of_date
    from scored
    inner join {{ ref('int_snapshots_scheduled') }} as snapshots
        on scored.as_of_date = snapshots.as_of_date
    where snapshots.is_current
        and scored.scored_at >= (
            select max(_loaded_at) from {{ source('retail', 'customer_details') }}
        )

),

population as (

    select
        features.as_of_date,
        features.customer_id
    from {{ ref('feat_customer_snapshots') }} as features
    inner join current_date_scored
        on features.as_of_date = current_date_scored.as_of_date

)

select
    population.as_of_date,
    population.customer_id
from population
left join scored
    on population.as_of_date = scored.as_of_date
    and population.customer_id = scored.customer_id
where scored.customer_id is null
