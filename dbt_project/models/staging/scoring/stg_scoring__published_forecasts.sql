with

source as (

    select * from {{ source('scoring', 'published_forecasts') }}

),

typed as (

    select
        run_id,
        as_of_date,
        horizon_days,
        customer_id,
        customer_id like 'erased-%' as is_erased,
        predicted_spend,
        purchase_probability,
        spend_p10,
        spend_p50,
        spend_p90,
        spend_low,
        spend_high,
        spend_deviation,
        model_version,
        published_at
    from source

)

select * from typed
