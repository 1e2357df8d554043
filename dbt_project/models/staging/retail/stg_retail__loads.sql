with

source as (

    select * from {{ source('retail', 'loads') }}

),

-- one load of several files has as many rows
typed as (

    select
        max(load_id) as load_id,
        loaded_at,
        any_value(mode) as mode,
        max(known_on) as known_on,
        -- who says nothing of the day has that of the load: an earlier one was stated
        max(coalesce(data_through, case when known_on < cast(loaded_at as date) then known_on end))
            as data_through
    from source
    group by all

)

select * from typed
