with

versions as (

    select * from {{ ref('int_products_versioned') }}

),

read_before as (

    select * from {{ builds_before('products_read', ref('int_products_versioned')) }}

),

-- of which something else is known now than the last complete build read
changed as (

    (from versions except all from read_before)
    union all
    (from read_before except all from versions)

),

listed as (

    select distinct product_id
    from changed

)

select * from listed
