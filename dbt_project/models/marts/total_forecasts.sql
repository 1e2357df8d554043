with

predictions as (

    select * from {{ ref('stg_scoring__predictions') }}

),

runs as (

    select * from {{ ref('stg_scoring__scoring_runs') }}

),

features as (

    select * from {{ ref('feat_customer_snapshots') }}

),

placed as (

    select
        predictions.as_of_date,
        predictions.customer_id,
        -- a customer who has left the mart since still counts in the whole
        coalesce(features.region, 'Unknown') as region,
        coalesce(features.segment_id, 'UNKNOWN') as segment_id,
        predictions.predicted_30d_spend as forecast,
        predictions.spend_deviation,
    from predictions
    left join features
        on predictions.as_of_date = features.as_of_date
        and predictions.customer_id = features.customer_id

),

summed as (
    {{ sum_by_set('placed', 'runs', ['forecast']) }}
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
