with

histories as (

    select * from {{ ref('int_histories_windowed') }}

),

computed as (

    select
        customer_id,
        as_of_date,
        spend_7d,
        spend_14d,
        spend_30d,
        spend_31_60d,
        spend_61_90d,
        spend_91_120d,
        cast(spend_61_90d + spend_91_120d as decimal(18, 2)) as spend_61_120d,
        spend_90d,
        spend_180d,
        spend_360d,
        spend_331_360d,
        spend_lifetime,
        cast(spend_lifetime - returned_lifetime as decimal(18, 2)) as net_spend_lifetime,
        {{ ratio('spend_90d', '90') }} as spend_velocity_90d,
        {{ momentum('spend_30d', 'spend_31_60d') }} as spend_momentum_30d,
        {{ momentum('spend_90d', '(spend_180d - spend_90d)') }} as spend_momentum_90d,
        {{ ratio('spend_90d', 'orders_90d') }} as avg_order_value_90d,
        {{ ratio('spend_360d', 'orders_360d') }} as avg_order_value_360d,
        {{ ratio('spend_lifetime', 'orders_lifetime') }} as avg_order_value_lifetime,
        cast(coalesce(largest_order_360d, 0) as decimal(18, 2)) as max_order_value_360d,
        cast(coalesce(largest_order_lifetime, 0) as decimal(18, 2))
            as max_order_value_lifetime
    from histories

)

select * from computed
