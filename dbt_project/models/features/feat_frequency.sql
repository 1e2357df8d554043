with

histories as (

    select * from {{ ref('int_histories_windowed') }}

),

snapshots as (

    select * from {{ ref('int_customers_snapshotted') }}

),

computed as (

    select
        histories.customer_id,
        histories.as_of_date,
        orders_7d,
        orders_14d,
        orders_30d,
        orders_31_60d,
        orders_61_90d,
        orders_91_120d,
        orders_90d,
        orders_180d,
        orders_360d,
        orders_331_360d,
        orders_lifetime,
        active_days_90d,
        active_days_360d,
        active_days_lifetime,
        {{ momentum('orders_30d', 'orders_31_60d') }} as orders_momentum_30d,
        {{ momentum('orders_90d', '(orders_180d - orders_90d)') }} as orders_momentum_90d,
        histories.as_of_date - last_order_lifetime.event_date as days_since_last_order,
        histories.as_of_date - first_order_date_lifetime as days_since_first_order,
        histories.as_of_date - snapshots.known_from_date as tenure_days,
        {{ ratio('orders_lifetime', 'histories.as_of_date - snapshots.known_from_date') }}
            as transaction_density_lifetime,
        -- unknown, not zero, before there are two active days
        cast(gap_days_lifetime as double) / nullif(gaps_lifetime, 0) as mean_gap_days,
        case
            when gaps_lifetime > 0 then sqrt(greatest(
                cast(gap_days_squared_lifetime as double) / gaps_lifetime
                - power(cast(gap_days_lifetime as double) / gaps_lifetime, 2), 0
            ))
        end as std_gap_days
    from histories
    inner join snapshots
        on histories.customer_id = snapshots.customer_id
        and histories.as_of_date = snapshots.as_of_date

),

compared as (

    select
        *,
        days_since_last_order / mean_gap_days as overdue_ratio
    from computed

)

select * from compared
