with

customers as (

    select * from {{ ref('stg_retail__customer_details') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

-- an id that came with a later load was not known before; null: known all along
checked as (

    select
        customers.*,
        loads.known_on,
        first_loads.known_on as first_known_on,
        case when customers.customer_id is null then 'missing_customer_id' end as rejected_by
    from customers
    left join loads
        on customers.loaded_at = loads.loaded_at
    left join loads as first_loads
        on customers.first_loaded_at = first_loads.loaded_at

)

select * from checked
