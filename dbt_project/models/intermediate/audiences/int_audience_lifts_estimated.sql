{{ config(materialized='view') }}

with

members as (

    select * from {{ ref('int_audience_members_spent') }}
    where has_ended

),

arms as (

    select
        audience,
        is_treated,
        count(*) as customers,
        avg(spend) as spend,
        avg(predicted_30d_spend) as forecast,
        var_pop(spend) as spend_variance,
        var_pop(predicted_30d_spend) as forecast_variance,
        covar_pop(spend, predicted_30d_spend) as covariance
    from members
    group by all

),

sloped as (

    select
        *,
        coalesce(
            sum(customers * covariance) over whole
            / nullif(sum(customers * forecast_variance) over whole, 0),
            0
        ) as slope,
        sum(customers * forecast) over whole / sum(customers) over whole as forecast_of_all
    from arms
    window whole as (partition by audience)

),

-- what was known beforehand is taken out by the forecast (CUPED: Deng, Xu, Kohavi, Walker 2013)
adjusted as (

    select
        *,
        spend - slope * (forecast - forecast_of_all) as level,
        customers * greatest(
            spend_variance - 2 * slope * covariance + slope * slope * forecast_variance, 0
        ) as squares
    from sloped

),

-- a small arm seldom has one of the few who spend most, and seems surer than it is: of its spread
-- that of both arms is believed like 30 of its customers (moderated variance: Smyth 2004)
moderated as (

    select
        *,
        (squares + 30 * sum(squares) over whole / nullif(sum(customers) over whole - 3, 0))
        / (customers + 29) / customers as variance
    from adjusted
    window whole as (partition by audience)

),

-- Welch's standard error and degrees of freedom
compared as (

    select
        treated.audience,
        treated.spend as treated_spend,
        held_out.spend as held_out_spend,
        treated.level - held_out.level as lift,
        sqrt(treated.variance + held_out.variance) as lift_error,
        pow(treated.variance + held_out.variance, 2) / nullif(
            pow(treated.variance, 2) / nullif(treated.customers - 1, 0)
            + pow(held_out.variance, 2) / nullif(held_out.customers - 1, 0),
            0
        ) as freedom,
        held_out.level as held_out_level,
        treated.variance as treated_variance,
        held_out.variance as held_out_variance,
        lift / nullif(greatest(held_out.level, 0), 0) as relative_lift
    from moderated as treated
    inner join moderated as held_out
        on treated.audience = held_out.audience
        and not held_out.is_treated
    where treated.is_treated

)

select * from compared
