with

forecasts as (

    select * from {{ ref('stg_scoring__backtest') }}
    where model = 'as published'

),

dates as (

    select * from {{ ref('stg_scoring__backtest_dates') }}

),

features as (

    select * from {{ ref('feat_customer_snapshots') }}

),

placed as (

    select
        forecasts.as_of_date,
        forecasts.customer_id,
        -- a customer who has left the mart since still counts in the whole
        coalesce(features.region, 'Unknown') as region,
        coalesce(features.segment_id, 'UNKNOWN') as segment_id,
        forecasts.forecast,
        forecasts.actual,
        forecasts.spend_deviation,
    from forecasts
    left join features
        on forecasts.as_of_date = features.as_of_date
        and forecasts.customer_id = features.customer_id

),

summed as (
    {{ sum_by_set('placed', 'dates', ['forecast', 'actual']) }}
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
        actual as actual_spend,
    from summed

),

judged as (

    select
        *,
        actual_spend between total_low and total_high as is_covered,
    from bounded

)

select * from judged
