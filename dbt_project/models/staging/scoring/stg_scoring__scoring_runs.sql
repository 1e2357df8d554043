with

source as (

    select * from {{ source('scoring', 'scoring_runs') }}

),

typed as (

    select
        as_of_date,
        model_version,
        month_doubt,
        part_doubt,
        chance_doubt,
        scored_at
    from source

)

select * from typed
