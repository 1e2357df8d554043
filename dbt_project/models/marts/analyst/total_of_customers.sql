{{ config(
    materialized='table_function', parameters=['customer_list'],
    persist_docs={'relation': false, 'columns': false}
) }}

with

predictions as (

    select * from {{ ref('stg_scoring__predictions') }}

),

runs as (

    select * from {{ ref('stg_scoring__scoring_runs') }}

),

-- whoever stands twice on the list spends once
asked as (

    select distinct {{ canonical_id('customer_id') }} as customer_id
    from query_table(customer_list)

),

summed as (

    select
        predictions.as_of_date,
        count(asked.customer_id) as customers,
        coalesce(sum(predictions.predicted_30d_spend) filter (asked.customer_id is not null), 0)
            as forecast,
        coalesce(
            sum(predictions.spend_deviation * predictions.spend_deviation)
                filter (asked.customer_id is not null),
            0
        ) as variance,
        sum(predictions.predicted_30d_spend) as everyone,
    from predictions
    left join asked
        on predictions.customer_id = asked.customer_id
    group by predictions.as_of_date

),

doubted as (

    select
        summed.*,
        runs.chance_doubt,
        {{ total_doubt('summed.forecast / nullif(summed.everyone, 0)') }} as doubt,
    from summed
    inner join runs
        on summed.as_of_date = runs.as_of_date

),

bounded as (

    select
        as_of_date,
        customers,
        forecast as expected_spend,
        {{ total_low('forecast', 'variance', 'doubt') }} as total_low,
        {{ total_high('forecast', 'variance', 'doubt') }} as total_high,
    from doubted

)

select * from bounded
