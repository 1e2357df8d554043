with

histories as (

    select * from {{ ref('int_customer_windows') }}

),

computed as (

    select
        customer_id,
        as_of_date,
        {{- windows_of(['spend']) }}
        cast(spend_61_90d + spend_91_120d as decimal(18, 4)) as spend_61_120d,
        cast(spend_360d - spend_180d as decimal(18, 4)) as spend_181_360d,
        cast(spend_lifetime - returned_lifetime as decimal(18, 4)) as net_spend_lifetime,
        cast(weighted_spend_lifetime as double) / 10000000000 as spend_halflife_90d,
        {{ ratio('spend_90d', '90') }} as spend_velocity_90d,
        {{ momentum('spend_30d', 'spend_31_60d') }} as spend_momentum_30d,
        {{ momentum('spend_90d', '(spend_180d - spend_90d)') }} as spend_momentum_90d,
        {{ momentum('spend_180d', '(spend_360d - spend_180d)') }} as spend_momentum_180d,
        {{ ratio('spend_90d', 'orders_90d') }} as avg_order_value_90d,
        {{ ratio('spend_360d', 'orders_360d') }} as avg_order_value_360d,
        {{ ratio('spend_lifetime', 'orders_lifetime') }} as avg_order_value_lifetime,
        {{ ratio('avg_order_value_90d', 'avg_order_value_360d') }} as avg_order_value_trend,
        largest_order_360d as max_order_value_360d,
        largest_order_lifetime as max_order_value_lifetime
    from histories

)

select * from computed
