-- what the drivers add to the average of the date, or take from it, is the forecast; those that
-- explain an earlier scoring are replaced by the next `python serve/explain.py`
with

reasons as (

    select * from {{ ref('stg_scoring__prediction_reasons') }}

),

predictions as (

    select * from {{ ref('stg_scoring__predictions') }}

),

added as (

    select
        as_of_date,
        customer_id,
        model_version,
        any_value(average_spend) + sum(effect) as explained_spend,
        max(explained_at) as explained_at
    from reasons
    group by all

)

select
    predictions.as_of_date,
    predictions.customer_id,
    predictions.predicted_30d_spend,
    added.explained_spend
from predictions
inner join added
    on predictions.as_of_date = added.as_of_date
    and predictions.customer_id = added.customer_id
    and predictions.model_version = added.model_version
where added.explained_at >= predictions.scored_at
    and abs(predictions.predicted_30d_spend - added.explained_spend)
    > 1e-6 * greatest(predictions.predicted_30d_spend, 1)
