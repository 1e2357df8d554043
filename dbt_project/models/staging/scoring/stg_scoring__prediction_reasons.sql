with

source as (

    select * from {{ source('scoring', 'prediction_reasons') }}

),

typed as (

    select
        as_of_date,
        customer_id,
        driver,
        effect,
        place,
        sentence,
        average_spend,
        model_version,
        explained_at
    from source

)

select * from typed
