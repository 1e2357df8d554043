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

newcomers as (

    select * from {{ ref('int_newcomers_forecast') }}

),

newcomers_spent as (

    select * from {{ ref('int_newcomers_spent') }}

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

with_newcomers as (

    select * from bounded

    union all by name

    select
        dates.as_of_date,
        'newcomers' as set_kind,
        'newcomers' as set_name,
        cast(round(newcomers.newcomers) as bigint) as customers,
        newcomers.expected_spend,
        newcomers.total_low,
        newcomers.total_high,
        newcomers_spent.spend as actual_spend,
    from dates
    inner join newcomers
        on dates.as_of_date = newcomers.as_of_date
    inner join newcomers_spent
        on dates.as_of_date = newcomers_spent.as_of_date

),

whole as (
    {{ sum_whole_shop('with_newcomers', {'actual_spend': 'sum'}) }}
),

completed as (

    select * from with_newcomers
    union all by name
    select * from whole

),

judged as (

    select
        *,
        actual_spend between total_low and total_high as is_covered,
    from completed

)

select * from judged
