with

outcomes as (

    select * from {{ ref('forecast_outcomes') }}

),

-- what was forecast of those who were erased since: nothing realised stands beside it
erased as (

    select
        run_id,
        sum(predicted_spend) as total,
        sum(purchase_probability) as buyers
    from {{ ref('stg_scoring__published_forecasts') }}
    where is_erased
    group by run_id

),

expected as (

    select
        scores.* replace (
            scores.expected - coalesce(erased.forecast, 0) as expected,
            scores.low - coalesce(erased.forecast, 0) as low,
            scores.high - coalesce(erased.forecast, 0) as high
        )
    from {{ ref('stg_scoring__expected_scores') }} as scores
    left join (from erased unpivot (forecast for metric in (total, buyers))) as erased
        on scores.run_id = erased.run_id
        and scores.metric = erased.metric

),

measured as (

    select
        run_id,
        any_value(as_of_date) as as_of_date,
        any_value(horizon_days) as horizon_days,
        any_value(model_version) as model_version,
        count(*) as customers,
        sum(predicted_spend) as forecast_total,
        sum(actual_spend) as total,
        cast(count(*) filter (where actual_spend > 0) as double) as buyers,
        sqrt(avg(pow(actual_spend - predicted_spend, 2))) as rmse,
        sum(abs(actual_spend - spend_p50)) / nullif(sum(actual_spend), 0) as wape,
        avg(cast(actual_spend between spend_low and spend_high as double)) as coverage,
        avg(pow(purchase_probability - cast(actual_spend > 0 as double), 2)) as brier,
        sum(last_days_spend) as total_of_baseline,
        sqrt(avg(pow(actual_spend - last_days_spend, 2))) as rmse_of_baseline,
        sum(abs(actual_spend - last_days_spend)) / nullif(sum(actual_spend), 0) as wape_of_baseline
    from outcomes
    group by run_id

),

-- a metric to a row
stacked as (

    select *
    from measured
    unpivot (realised for metric in (total, buyers, rmse, wape, coverage, brier))

),

beside as (

    select
        stacked.run_id,
        stacked.as_of_date,
        stacked.horizon_days,
        stacked.model_version,
        stacked.customers,
        stacked.metric,
        stacked.realised,
        expected.expected,
        expected.low,
        expected.high,
        stacked.realised between expected.low and expected.high as is_as_expected,
        case stacked.metric
            when 'total' then stacked.total_of_baseline
            when 'rmse' then stacked.rmse_of_baseline
            when 'wape' then stacked.wape_of_baseline
        end as last_days_baseline
    from stacked
    left join expected
        on stacked.run_id = expected.run_id
        and stacked.metric = expected.metric

)

select * from beside
