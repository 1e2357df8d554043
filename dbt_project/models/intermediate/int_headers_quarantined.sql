with

checked as (

    select * from {{ ref('int_headers_checked') }}

),

quarantined as (

    select *
    from checked
    where rejected_by is not null

)

select * from quarantined
