with

versions as (

    select * from {{ ref('int_customers_versioned') }}

),

read_before as (

    select * from {{ builds_before('customers_read', ref('int_customers_versioned')) }}

),

-- of whom something else is known now than the last complete build read
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

    select customer_id from said_now
    union
    select customer_id from known_before

)

select * from changed
