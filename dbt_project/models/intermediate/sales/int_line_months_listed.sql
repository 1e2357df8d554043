with

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

listed as (

    select distinct cast(date_trunc('month', event_date) as date) as event_month
    from lines

)

select * from listed
