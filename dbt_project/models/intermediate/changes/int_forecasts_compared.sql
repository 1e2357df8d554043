with

predictions as (

    select * from {{ ref('stg_scoring__predictions') }}

),

dates as (

    select * from {{ ref('int_dates_compared') }}

),

ranked as (

    select
        predictions.as_of_date,
        predictions.customer_id,
        predictions.predicted_30d_spend as spend,
        predictions.purchase_probability as chance,
        predictions.model_version,
        {{ spend_decile('predictions.predicted_30d_spend', 'predictions') }} as decile
    from predictions
    where predictions.as_of_date in (
        select unnest([dates.as_of_date, dates.compared_with]) from dates
    )

),

earlier as (

    select
        dates.days_before,
        ranked.*
    from dates
    inner join ranked
        on dates.compared_with = ranked.as_of_date

),

newest as (

    select
        dates.days_before,
        ranked.*
    from dates
    inner join ranked
        on dates.as_of_date = ranked.as_of_date

),

beside as (

    select
        coalesce(newest.days_before, earlier.days_before) as days_before,
        coalesce(newest.customer_id, earlier.customer_id) as customer_id,
        earlier.spend as expected_spend_then,
        newest.spend as expected_spend_now,
        earlier.chance as purchase_probability_then,
        newest.chance as purchase_probability_now,
        earlier.decile as decile_then,
        newest.decile as decile_now,
        earlier.model_version = newest.model_version as is_same_model
    from newest
    full join earlier
        on newest.days_before = earlier.days_before
        and newest.customer_id = earlier.customer_id

),

-- what the season does to all customers alike is no change of one of them
levelled as (

    select
        dates.as_of_date,
        dates.compared_with,
        beside.*,
        beside.expected_spend_now - beside.expected_spend_then * (
            sum(beside.expected_spend_now) filter (beside.decile_then is not null) over whole
            / nullif(
                sum(beside.expected_spend_then) filter (beside.decile_now is not null) over whole, 0
            )
        ) as own_change
    from beside
    inner join dates
        on beside.days_before = dates.days_before
    window whole as (partition by beside.days_before)

)

select * from levelled
