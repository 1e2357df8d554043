with

compared as (

    select * from {{ ref('int_forecasts_compared') }}
    where own_change is not null

),

drivers as (

    select * from {{ ref('int_drivers_compared') }}

),

features as (

    select * from {{ ref('int_features_compared') }}

),

customers as (

    select * from {{ ref('customers') }}

),

directed as (

    select
        compared.days_before,
        compared.as_of_date,
        compared.compared_with,
        compared.customer_id,
        customers.segment_id,
        customers.region,
        case
            when compared.own_change > 0 then 'rising'
            when compared.own_change < 0 then 'slipping'
            else 'steady'
        end as direction,
        abs(compared.own_change) as money_at_stake,
        compared.own_change,
        compared.expected_spend_then,
        compared.expected_spend_now,
        compared.purchase_probability_then,
        compared.purchase_probability_now,
        compared.purchase_probability_now - compared.purchase_probability_then
            as purchase_probability_change,
        drivers.driver,
        drivers.effect_change,
        coalesce(drivers.reason, features.reason) as reason,
        compared.is_same_model
    from compared
    inner join customers
        on compared.customer_id = customers.customer_id
    left join drivers
        on compared.days_before = drivers.days_before
        and compared.customer_id = drivers.customer_id
    left join features
        on compared.days_before = features.days_before
        and compared.customer_id = features.customer_id

),

placed as (

    select
        *,
        row_number() over (
            partition by days_before, direction
            order by money_at_stake desc, customer_id
        ) as place
    from directed

)

select * from placed
