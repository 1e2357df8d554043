with

source as (

    select * from {{ source('scoring', 'audiences') }}

),

typed as (

    select
        audience,
        customer_id,
        arm,
        as_of_date,
        starts_on,
        predicted_30d_spend,
        cost_per_contact,
        margin,
        uplift,
        uplift_error,
        uplift_basis,
        expected_gain,
        created_at
    from source

)

select * from typed
