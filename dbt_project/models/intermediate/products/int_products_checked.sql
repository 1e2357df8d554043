with

products as (

    select * from {{ ref('stg_retail__products') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

-- an id that came with a later load was not known before; null: known all along
checked as (

    select
        products.*,
        loads.known_on,
        first_loads.known_on as first_known_on,
        case when products.product_id is null then 'missing_product_id' end as rejected_by
    from products
    left join loads
        on products.loaded_at = loads.loaded_at
    left join loads as first_loads
        on products.first_loaded_at = first_loads.loaded_at

)

select * from checked
