with

predictions as (

    select * from {{ ref('stg_scoring__predictions') }}

),

customers as (

    select * from {{ ref('customers') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

-- the newest forecast that was made by the current as-of date
newest as (

    select max(predictions.as_of_date) as as_of_date
    from predictions
    inner join snapshots
        on predictions.as_of_date <= snapshots.as_of_date

),

reasons as (

    select
        as_of_date,
        customer_id,
        model_version,
        max(explained_at) as explained_at,
        list(sentence order by place) filter (sentence is not null) as reasons
    from {{ ref('stg_scoring__prediction_reasons') }}
    group by all

),

joined as (

    select
        predictions.as_of_date,
        predictions.customer_id,
        customers.segment_id,
        customers.region,
        customers.loyalty_tier,
        customers.favourite_category,
        customers.tenure_days,
        customers.is_cold_start,
        customers.orders_lifetime,
        customers.net_spend_lifetime,
        customers.last_order_date,
        predictions.predicted_30d_spend,
        predictions.purchase_probability,
        predictions.spend_p10,
        predictions.spend_p50,
        predictions.spend_p90,
        predictions.spend_low,
        predictions.spend_high,
        reasons.reasons,
        predictions.model_version,
        predictions.scored_at
    from predictions
    inner join newest
        on predictions.as_of_date = newest.as_of_date
    inner join customers
        on predictions.customer_id = customers.customer_id
    -- those of an earlier model or scoring explain another forecast
    left join reasons
        on predictions.as_of_date = reasons.as_of_date
        and predictions.customer_id = reasons.customer_id
        and predictions.model_version = reasons.model_version
        and predictions.scored_at <= reasons.explained_at

),

ranked as (

    select
        *,
        {{ spend_decile('predicted_30d_spend', 'joined') }} as spend_decile
    from joined

)

select * from ranked
