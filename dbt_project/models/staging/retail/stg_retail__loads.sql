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
        max(known_on) as known_on
    from source
    group by all

)

select * from typed
