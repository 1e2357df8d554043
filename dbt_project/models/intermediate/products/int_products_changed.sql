with

versions as (

    select * from {{ ref('int_products_versioned') }}

),

read_before as (

    select * from {{ builds_before('products_read', ref('int_products_versioned')) }}

),

-- of which something else is known now than the last complete build read
said_now as (

    select * from versions
    except all
    select * from read_before

),

known_before as (

    select * from read_before
    except all
    select * from versions

),

changed as (

    select product_id from said_now
    union
    select product_id from known_before

)

select * from changed
