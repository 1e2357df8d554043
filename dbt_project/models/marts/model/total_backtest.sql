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

summed as (
    {{ sum_by_set('forecasts', 'features', 'dates', ['forecast', 'actual']) }}
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
