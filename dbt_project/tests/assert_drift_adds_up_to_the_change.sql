-- each dimension explains the whole change of the total forecast, in money
with

drift as (

    select * from {{ ref('forecast_drift') }}

),

summed as (

    select
        dimension,
        sum(money_explained) as money_explained,
        sum(abs(money_explained)) as size
    from drift
    group by all

),

-- what is forecast now beside what the same model forecast then: not by the parts themselves
forecast as (

    select
        (
            select sum(predictions.predicted_30d_spend)
            from {{ ref('stg_scoring__predictions') }} as predictions
            where predictions.as_of_date = any_value(changes.as_of_date)
                and predictions.model_version = any_value(changes.model_version)
        )
        - coalesce(any_value(changes.forecast_then) filter (changes.part = 'customers gone'), 0)
        - coalesce(any_value(changes.forecast_then) filter (
            changes.part not in ('customers gone', 'new customers')
        ), 0) as change
    from {{ ref('stg_scoring__forecast_changes') }} as changes
    where changes.as_of_date = (select max(as_of_date) from drift)

)

select *
from summed
cross join forecast
where abs(money_explained - change) > 1e-6 * greatest(size, 1)
