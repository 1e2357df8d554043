{{ config(tags=["alarms"]) }}

with

stacked as (

    select * from {{ ref('int_alarms_stacked') }}

),

remedies as (

    select * from {{ ref('int_remedies_listed') }}

),

ranked as (

    select
        stacked.alarm_kind,
        stacked.severity,
        stacked.since,
        stacked.cause,
        stacked.about,
        cast(stacked.money as decimal(18, 2)) as money,
        stacked.message,
        remedies.what_to_do,
        row_number() over (
            order by
                stacked.severity = 'error' desc,
                stacked.money desc nulls last,
                stacked.since desc,
                stacked.cause,
                stacked.about
        ) as place
    from stacked
    left join remedies
        on stacked.cause = remedies.cause

)

select * from ranked
