-- caps that take too much of the money stop here, before the mart
-- depends_on: {{ shop_facts('int_caps_summed') }}
with

latticed as (

    select * from {{ ref('int_snapshot_grid') }}

),

-- the first snapshot has 30 days of history behind it
on_grid as (

    select
        anchor_date + cast(unnest(generate_series(
            cast(ceil((first_known_date + 30 - anchor_date) / grid_days) as integer),
            cast(floor((current_as_of_date - anchor_date) / grid_days) as integer)
        )) as integer) * grid_days as as_of_date,
        current_as_of_date,
        true as is_on_grid
    from latticed

),

-- 0 keeps them all
latest as (

    select *
    from on_grid
    qualify {{ var('snapshots_kept') }} = 0
        or row_number() over (order by as_of_date desc) <= {{ var('snapshots_kept') }}

),

-- the current as-of date, where it is no snapshot of the grid, is one more, for scoring
off_grid as (

    select
        current_as_of_date as as_of_date,
        current_as_of_date,
        false as is_on_grid
    from latticed
    where (current_as_of_date - anchor_date) % grid_days <> 0
        or coalesce(current_as_of_date < first_known_date + 30, true)

),

stacked as (

    select * from latest
    union all
    select * from off_grid

),

scheduled as (

    select
        as_of_date,
        cast({{ var('horizon_days') }} as integer) as horizon_days,
        as_of_date = current_as_of_date as is_current,
        is_on_grid,
        as_of_date + {{ var('horizon_days') }} <= current_as_of_date as is_matured
    from stacked

)

select * from scheduled
