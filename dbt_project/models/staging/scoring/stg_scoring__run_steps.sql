with

source as (

    select * from {{ source('scoring', 'run_steps') }}

),

typed as (

    select
        run_id,
        step,
        started_at,
        ended_at,
        rows,
        exit_code,
        message
    from source

)

select * from typed
