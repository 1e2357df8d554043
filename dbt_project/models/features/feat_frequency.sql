with

histories as (

    select * from {{ ref('int_customer_windows') }}

),

computed as (

    select
        customer_id,
        as_of_date,
        {{- windows_of(['orders', 'active_days']) }}
        orders_360d - orders_180d as orders_181_360d,
        cast(weighted_orders_lifetime as double) / 1000000 as orders_halflife_90d,
        cast(bit_count(active_month_360d) as bigint) as active_months_360d,
        {{ momentum('orders_30d', 'orders_31_60d') }} as orders_momentum_30d,
        {{ momentum('orders_90d', '(orders_180d - orders_90d)') }} as orders_momentum_90d,
        {{ momentum('orders_180d', '(orders_360d - orders_180d)') }} as orders_momentum_180d,
        {{ ratio('weekend_orders_360d', 'orders_360d') }} as weekend_share_360d,
        as_of_date - last_order_date as days_since_last_order,
        as_of_date - first_order_date as days_since_first_order,
        as_of_date - known_from_date as tenure_days,
        {{ ratio('orders_lifetime', 'tenure_days') }} as transaction_density_lifetime,
        -- unknown, not zero, before there are two active days
        cast(gap_days_lifetime as double) / nullif(gaps_lifetime, 0) as mean_gap_days,
        case
            when gaps_lifetime > 0 then sqrt(greatest(
                cast(gap_days_squared_lifetime as double) / gaps_lifetime
                - power(cast(gap_days_lifetime as double) / gaps_lifetime, 2), 0
            ))
        end as std_gap_days,
        days_since_last_order / mean_gap_days as overdue_ratio
    from histories

)

select * from computed
