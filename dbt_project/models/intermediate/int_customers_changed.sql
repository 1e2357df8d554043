with

versions as (

    select * from {{ ref('int_customers_versioned') }}

),

read_before as (

    select * from {{ builds_before('customers_read', ref('int_customers_versioned')) }}

),

-- of whom something else is known now than the last complete build read
changed as (

    (from versions except all from read_before)
    union all
    (from read_before except all from versions)

),

listed as (

    select distinct customer_id
    from changed

)

select * from listed
