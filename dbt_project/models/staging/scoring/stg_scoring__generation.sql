with

source as (

    select * from {{ source('scoring', 'generation') }}

),

typed as (

    select
        number,
        run_id,
        created_at,
        as_of_date,
        model_version
    from source

)

select * from typed
