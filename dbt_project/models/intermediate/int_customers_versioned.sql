with

checked as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

history as (

    select * from {{ ref('customer_history') }}

),

{{ versions_known(id='customer_id', said=['region', 'segment_id', 'registered_date']) }},

-- the first word on when a customer came is the one that counts
registered as (

    select * replace (
        first_value(registered_date) over (
            partition by customer_id order by valid_from
        ) as registered_date
    )
    from versioned

)

select * from registered
