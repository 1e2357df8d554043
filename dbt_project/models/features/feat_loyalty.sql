with

histories as (

    select * from {{ ref('int_histories_windowed') }}

),

snapshots as (

    select * from {{ ref('int_customers_snapshotted') }}

),

-- points and tier are recomputed as of the date; the source states today's
computed as (

    select
        histories.customer_id,
        histories.as_of_date,
        points_lifetime as loyalty_points,
        case
            when points_lifetime >= 2000 then 'Gold'
            when points_lifetime >= 500 then 'Silver'
            when points_lifetime > 0 then 'Bronze'
            else 'None'
        end as loyalty_tier,
        {{ ratio('points_lifetime', 'spend_lifetime') }} as loyalty_efficiency,
        orders_lifetime < 2 as is_cold_start,
        snapshots.region,
        snapshots.segment_id,
        coalesce(last_order_lifetime.store_id, 'NONE') as last_store_id
    from histories
    inner join snapshots
        on histories.customer_id = snapshots.customer_id
        and histories.as_of_date = snapshots.as_of_date

)

select * from computed
