with

snapshots as (

    select
        as_of_date,
        as_of_date - 24 * horizon_days as first_day
    from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

features as (

    select * from {{ ref('feat_customer_snapshots') }}

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

lines as not materialized (

    select * from {{ ref('int_lines_capped') }}

),

of_customers as (

    select
        days.event_date,
        coalesce(features.region, 'Unknown') as region,
        coalesce(features.segment_id, 'UNKNOWN') as segment_id,
        days.spend - days.returned as revenue,
        days.orders
    from days
    inner join snapshots
        on days.event_date >= snapshots.first_day
        and days.event_date < snapshots.as_of_date
        and days.known_date < snapshots.as_of_date
        and days.known_until >= snapshots.as_of_date
    left join features
        on snapshots.as_of_date = features.as_of_date
        and days.customer_id = features.customer_id

),

by_customers as (

    select
        event_date,
        case
            when grouping(region) = 0 then 'region'
            when grouping(segment_id) = 0 then 'segment'
            else 'all'
        end as set_kind,
        coalesce(region, segment_id, 'all') as set_name,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(orders) as bigint) as orders
    from of_customers
    group by grouping sets ((event_date), (event_date, region), (event_date, segment_id))

),

by_category as (

    select
        lines.event_date,
        'category' as set_kind,
        lines.product_category as set_name,
        cast(sum(lines.line_item_amount) as decimal(18, 2)) as revenue,
        count(distinct lines.transaction_id) filter (where lines.line_item_amount > 0) as orders
    from lines
    inner join snapshots
        on lines.event_date >= snapshots.first_day
        and lines.event_date < snapshots.as_of_date
        and lines.known_date < snapshots.as_of_date
        and lines.known_until >= snapshots.as_of_date
    group by all

),

stacked as (

    select * from by_customers
    union all
    select * from by_category

)

select * from stacked
