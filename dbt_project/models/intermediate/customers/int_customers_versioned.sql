with

checked as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

history as (

    select * from {{ ref('customer_history') }}

),

-- the first word on when a customer came is the one that counts
{{ versions_known(
    id='customer_id',
    attributes=['region', 'segment_id', 'registered_date'],
    fixed_attributes=['registered_date']
) }}

select * from versioned
