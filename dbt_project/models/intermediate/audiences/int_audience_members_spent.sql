with

members as (

    select * from {{ ref('stg_scoring__audiences') }}

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

windowed as (

    select
        members.*,
        members.starts_on + snapshots.horizon_days as ends_on,
        snapshots.as_of_date as judged_on
    from members
    cross join snapshots

),

spent as (

    select
        windowed.audience,
        windowed.customer_id,
        sum(days.spend - days.returned) as spend
    from windowed
    inner join days
        on windowed.customer_id = days.customer_id
        and windowed.starts_on <= days.event_date
        and windowed.ends_on > days.event_date
        and windowed.judged_on > days.known_date
        and windowed.judged_on <= days.known_until
    group by all

),

-- as the forecast has it: of the whole window, and never below 0
judged as (

    select
        windowed.audience,
        windowed.customer_id,
        windowed.arm = 'treatment' as is_treated,
        windowed.as_of_date,
        windowed.starts_on,
        windowed.ends_on,
        windowed.ends_on <= windowed.judged_on as has_ended,
        windowed.predicted_30d_spend,
        windowed.cost_per_contact,
        windowed.margin,
        windowed.expected_gain,
        if(has_ended, cast(greatest(coalesce(spent.spend, 0), 0) as double), null) as spend
    from windowed
    left join spent
        on windowed.audience = spent.audience
        and windowed.customer_id = spent.customer_id

)

select * from judged
