with

source as (

    select * from {{ source('scoring', 'runs') }}

),

typed as (

    select
        run_id,
        night,
        started_at,
        ended_at,
        outcome,
        exit_code,
        generation,
        message
    from source

)

select * from typed
