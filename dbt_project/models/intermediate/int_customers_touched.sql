with

customers as (

    select * from {{ ref('int_customers_known') }}

),

listed as (

    select distinct customer_id from customers

)

select * from listed
