with

checked as (

    select * from {{ ref('int_customers_checked') }}

),

quarantined as (

    select *
    from checked
    where rejected_by is not null

)

select * from quarantined
