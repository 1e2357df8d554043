with

days as (

    select * from {{ ref('int_customer_days_summed') }}

),

category_steps as (

    select * from {{ ref('int_category_steps_cumulated') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

lattices as (

    select distinct lattice, anchor_date, grid_days
    from snapshots

),

-- a lifetime state has no window: a step belongs to the day on which it became known
measured as (

    select
        'day' as fact,
        customer_id,
        event_date,
        known_date,
        spend,
        orders,
        active_days,
        returned,
        promoted,
        items,
        lines,
        points,
        case when gap_days is not null then 1 end as gaps,
        gap_days,
        gap_days * gap_days as gap_days_squared,
        largest_order,
        case when orders > 0 then event_date end as first_order_date,
        case when orders > 0 then {'event_date': event_date, 'store_id': store_id} end  -- noqa: LT01
            as last_order
    from days

    union all by name

    select
        'category' as fact,
        customer_id,
        known_date as event_date,
        known_date,
        categories,
        category_squares,
        leading_category
    from category_steps

),

tiled as (

    select
        measured.*,
        lattices.lattice,
        {{ tile_end('measured.event_date') }} as tile_end_date,
        {{ tile_end('measured.known_date') }} as known_tile_end_date
    from measured
    cross join lattices

)

select * from tiled
