with

source as (

    select * from {{ source('scoring', 'predictions_by_horizon') }}

),

typed as (

    select
        as_of_date,
        customer_id,
        horizon_days,
        predicted_spend,
        expected_orders,
        purchase_probability,
        spend_p10,
        spend_p50,
        spend_p90,
        spend_low,
        spend_high,
        basis,
        model_version,
        scored_at
    from source

)

select * from typed
