with

tiles as (

    select * from {{ ref('int_tiles_windowed') }}

),

bridge as (

    select * from {{ ref('int_bridge_windowed') }}

),

combined as (

    select
        tiles.customer_id,
        tiles.as_of_date,
        {%- for measure in ['spend', 'orders'] %}
        {%- for window in [7, 14] %}
        {%- set type = 'decimal(18, 2)' if measure == 'spend' else 'bigint' %}
        cast(coalesce(bridge.{{ measure }}_{{ window }}d, 0) as {{ type }})
            as {{ measure }}_{{ window }}d,
        {%- endfor %}
        {%- endfor %}
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        {%- set column = measure.name ~ '_' ~ window %}
        {%- if measure.aggregate == 'max' %}
        greatest(tiles.{{ column }}, bridge.{{ column }}) as {{ column }},
        {%- elif measure.aggregate == 'min' %}
        least(tiles.{{ column }}, bridge.{{ column }}) as {{ column }},
        {%- else %}
        cast(
            coalesce(tiles.{{ column }}, 0) + coalesce(bridge.{{ column }}, 0)
            as {{ measure.type | default('bigint') }}
        ) as {{ column }},
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
    from tiles
    left join bridge
        on tiles.customer_id = bridge.customer_id
        and tiles.as_of_date = bridge.as_of_date

)

select * from combined
