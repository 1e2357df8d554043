with

source as (

    select * from {{ source('scoring', 'backtest') }}

),

typed as (

    select
        as_of_date,
        customer_id,
        model,
        forecast,
        actual,
        purchase_probability,
        spend_p10,
        spend_p50,
        spend_p90,
        spend_low,
        spend_high,
        spend_deviation,
        written_at
    from source

)

select * from typed
