with

source as (

    select * from {{ source('scoring', 'customer_lifetimes') }}

),

typed as (

    select
        as_of_date,
        customer_id,
        alive_probability,
        expected_lifetime_value,
        model_version,
        scored_at
    from source

)

select * from typed
