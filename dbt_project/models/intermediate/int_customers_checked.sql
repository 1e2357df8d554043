with

customers as (

    select * from {{ ref('stg_retail__customer_details') }}

),

checked as (

    select
        *,
        case when customer_id is null then 'missing_customer_id' end as rejected_by
    from customers

)

select * from checked
