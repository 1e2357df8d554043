with

forecasts as (

    select
        as_of_date,
        customer_id,
        predicted_30d_spend as forecast,
        spend_deviation,
    from {{ ref('stg_scoring__predictions') }}

),

runs as (

    select * from {{ ref('stg_scoring__scoring_runs') }}

),

features as (

    select * from {{ ref('feat_customer_snapshots') }}

),

summed as (
    {{ sum_by_set('forecasts', 'features', 'runs', ['forecast']) }}
),

bounded as (

    select
        as_of_date,
        set_kind,
        set_name,
        customers,
        forecast as expected_spend,
        {{ total_low('forecast', 'variance', 'doubt') }} as total_low,
        {{ total_high('forecast', 'variance', 'doubt') }} as total_high,
        model_version,
    from summed

)

select * from bounded
