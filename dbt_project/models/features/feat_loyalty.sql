with

histories as (

    select * from {{ ref('int_customer_windows') }}

),

-- points and tier are recomputed as of the date; the source states today's
computed as (

    select
        customer_id,
        as_of_date,
        region,
        segment_id,
        coalesce(last_store_id, 'NONE') as last_store_id,
        points_lifetime as loyalty_points,
        case
            when points_lifetime >= 2000 then 'Gold'
            when points_lifetime >= 500 then 'Silver'
            when points_lifetime > 0 then 'Bronze'
            else 'None'
        end as loyalty_tier,
        {{ ratio('points_lifetime', 'spend_lifetime') }} as loyalty_efficiency,
        orders_lifetime < 2 as is_cold_start
    from histories

)

select * from computed
