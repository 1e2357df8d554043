with

parts as (

    select * from {{ ref('stg_scoring__forecast_changes') }}
    qualify as_of_date = max(as_of_date) over ()

),

explained as (

    select * from {{ ref('int_drift_spend_explained') }}

),

totalled as (

    select
        as_of_date,
        compared_with,
        model_version,
        sum(change) as change,
        -- what customers of both dates were to spend stands in each of their parts
        coalesce(any_value(forecast_then) filter (part = 'customers gone'), 0)
        + coalesce(
            any_value(forecast_then) filter (part not in ('customers gone', 'new customers')), 0
        ) as forecast_then
    from parts
    group by all

),

spend as (

    select max(shop_then) as spend_then
    from explained

),

-- what the forecast expected per money of the four weeks before it, at the date compared with
rated as (

    select
        totalled.*,
        coalesce(totalled.forecast_then / nullif(spend.spend_then, 0), 0) as rate
    from totalled
    cross join spend

),

stacked as (

    select
        'forecast' as dimension,
        part as member,
        'forecast' as measure,
        'money' as unit,
        if(part in ('new customers', 'customers gone'), forecast_then, null) as value_then,
        if(part in ('new customers', 'customers gone'), forecast_now, null) as value_now,
        false as is_unusual,
        change as money_explained
    from parts

    union all by name

    select
        explained.* exclude (spend_explained, shop_then),
        rated.rate * explained.spend_explained as money_explained
    from explained
    cross join rated

    union all by name

    -- what the forecast makes of all else, and of what it does not take to last
    select
        explained.dimension,
        'all else' as member,
        'forecast' as measure,
        'money' as unit,
        false as is_unusual,
        rated.change - rated.rate * sum(explained.spend_explained) as money_explained
    from explained
    cross join rated
    group by explained.dimension, rated.change, rated.rate

),

dated as (

    select
        rated.as_of_date,
        rated.compared_with,
        stacked.*,
        rated.model_version
    from stacked
    cross join rated

)

select * from dated
