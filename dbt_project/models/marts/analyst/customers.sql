with

customers as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

features as (

    select * from {{ ref('feat_customer_snapshots') }}

),

joined as (

    select
        customers.customer_id,
        features.as_of_date,
        customers.region,
        customers.segment_id,
        customers.loyalty_status,
        features.loyalty_tier,
        features.favourite_category,
        features.tenure_days,
        customers.registered_date,
        features.as_of_date - cast(features.days_since_first_order as integer) as first_order_date,
        features.as_of_date - cast(features.days_since_last_order as integer) as last_order_date,
        features.orders_lifetime,
        features.spend_lifetime,
        features.net_spend_lifetime,
        features.is_cold_start
    from features
    inner join snapshots
        on features.as_of_date = snapshots.as_of_date
    inner join customers
        on features.customer_id = customers.customer_id

)

select * from joined
