with

source as (

    select * from {{ source('scoring', 'training_dates') }}

),

typed as (

    select
        as_of_date,
        model_version,
        fitted_at
    from source

)

select * from typed
