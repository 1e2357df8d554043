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

newcomers as (

    select * from {{ ref('int_newcomers_forecast') }}

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

),

-- who is not known yet has no row among the forecasts
with_newcomers as (

    select * from bounded

    union all by name

    select
        runs.as_of_date,
        'newcomers' as set_kind,
        'newcomers' as set_name,
        cast(round(newcomers.newcomers) as bigint) as customers,
        newcomers.expected_spend,
        newcomers.total_low,
        newcomers.total_high,
        runs.model_version,
    from runs
    inner join newcomers
        on runs.as_of_date = newcomers.as_of_date

),

whole as (
    {{ sum_whole_shop('with_newcomers', {'model_version': 'any_value'}) }}
),

completed as (

    select * from with_newcomers
    union all by name
    select * from whole

)

select * from completed
