with

products as (

    select * from {{ ref('stg_retail__products') }}

),

checked as (

    select
        *,
        case when product_id is null then 'missing_product_id' end as rejected_by
    from products

)

select * from checked
