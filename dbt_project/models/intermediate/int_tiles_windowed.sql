with

days as (

    select * from {{ ref('int_customer_days_tiled') }}
    -- late rows would show before they were known; they join through the bridge
    where tile_end_date = known_tile_end_date

),

snapshots as (

    select * from {{ ref('int_customers_snapshotted') }}

),

tiles as (

    select
        lattice,
        customer_id,
        tile_end_date,
        false as is_snapshot,
        {%- for measure in windowed_measures() %}
        {{ measure.aggregate | default('sum') }}({{ measure.name }}) as {{ measure.name }},
        {%- endfor %}
    from days
    group by all

),

stacked as (

    select
        *,
        tile_end_date - date '2000-01-01' as tile_end_day
    from (
        select * from tiles
        union all by name
        select
            lattice,
            customer_id,
            as_of_date as tile_end_date,
            true as is_snapshot
        from snapshots
    )

),

windowed as (

    select
        customer_id,
        tile_end_date as as_of_date,
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        {{ measure.aggregate | default('sum') }}({{ measure.name }})
            over last_{{ window }} as {{ measure.name }}_{{ window }},
        {%- endfor %}
        {%- endfor %}
    from stacked
    window
        {%- for window in tile_windows() %}
        last_{{ window }} as (
            partition by lattice, customer_id
            order by tile_end_day
            range between {{ frame_bounds(window) }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    qualify is_snapshot

)

select * from windowed
