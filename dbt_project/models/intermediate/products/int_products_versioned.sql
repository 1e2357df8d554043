with

checked as (

    select * from {{ ref('int_products_checked') }}
    where rejected_by is null

),

history as (

    select * from {{ ref('product_history') }}

),

{{ versions_known(id='product_id', attributes=['product_category', 'unit_price']) }}

select * from versioned
