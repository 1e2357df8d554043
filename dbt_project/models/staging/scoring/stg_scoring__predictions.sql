with

source as (

    select * from {{ source('scoring', 'predictions') }}

),

typed as (

    select
        as_of_date,
        customer_id,
        predicted_30d_spend,
        purchase_probability,
        spend_p10,
        spend_p50,
        spend_p90,
        spend_low,
        spend_high,
        spend_deviation,
        model_version,
        scored_at
    from source

)

select * from typed
