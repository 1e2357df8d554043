with

days as (

    select * from {{ ref('int_customer_days_tiled') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

late as (

    select
        snapshots.as_of_date,
        'late' as path,
        snapshots.as_of_date - days.event_date as days_before,
        days.* exclude (tile_end_date, known_tile_end_date, lattice)
    from days
    inner join snapshots
        on days.lattice = snapshots.lattice
        and days.known_date < snapshots.as_of_date
    where days.tile_end_date <> days.known_tile_end_date

),

-- pairs of dates turn the range join into a hash join
bridge as (

    select
        as_of_date,
        lattice,
        unnest(range(1, 15)) as days_before
    from snapshots

),

recent as (

    select
        bridge.as_of_date,
        'recent' as path,
        bridge.days_before,
        days.* exclude (tile_end_date, known_tile_end_date, lattice)
    from days
    inner join bridge
        on days.lattice = bridge.lattice
        and days.event_date = bridge.as_of_date - cast(bridge.days_before as integer)
    where days.known_date < bridge.as_of_date

),

bridged as (

    select * from late
    union all by name
    select * from recent

)

select * from bridged
