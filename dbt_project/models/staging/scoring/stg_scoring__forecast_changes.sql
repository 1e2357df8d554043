with

source as (

    select * from {{ source('scoring', 'forecast_changes') }}

),

typed as (

    select
        as_of_date,
        compared_with,
        part,
        customers,
        forecast_then,
        forecast_now,
        change,
        model_version,
        explained_at
    from source

)

select * from typed
