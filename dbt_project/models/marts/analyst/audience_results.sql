{{ config(materialized='view') }}

with

members as (

    select * from {{ ref('int_audience_members_spent') }}

),

lifts as (

    select * from {{ ref('int_audience_lifts_estimated') }}

),

summed as (

    select
        audience,
        any_value(as_of_date) as as_of_date,
        any_value(starts_on) as starts_on,
        any_value(ends_on) as ends_on,
        any_value(has_ended) as has_ended,
        any_value(margin) as margin,
        count(*) filter (is_treated) as treated,
        count(*) filter (not is_treated) as held_out,
        coalesce(sum(cost_per_contact) filter (is_treated), 0) as cost,
        coalesce(sum(expected_gain) filter (is_treated), 0) as expected_gain
    from members
    group by audience

),

-- of fewer than about ten in the smaller arm no interval can be told
bounded as (

    select
        summed.*,
        lifts.treated_spend,
        lifts.held_out_spend,
        lifts.lift,
        lifts.lift_error,
        lifts.relative_lift,
        lifts.held_out_level,
        lifts.treated_variance,
        lifts.held_out_variance,
        case when lifts.freedom >= 4 or lifts.lift_error = 0 then coalesce(
            lifts.lift_error * {{ student_t(1.28155, 'lifts.freedom') }}, 0
        ) end as half_80,
        case when lifts.freedom >= 4 or lifts.lift_error = 0 then coalesce(
            lifts.lift_error * {{ student_t(1.95996, 'lifts.freedom') }}, 0
        ) end as half_95
    from summed
    left join lifts
        on summed.audience = lifts.audience

),

told as (

    select
        * exclude (has_ended, half_80, half_95),
        lift - half_80 as lift_low,
        lift + half_80 as lift_high,
        lift - half_95 as lift_low_95,
        lift + half_95 as lift_high_95,
        lift * treated * margin - cost as gain,
        (lift - half_80) * treated * margin - cost as gain_low,
        (lift + half_80) * treated * margin - cost as gain_high,
        case
            when not has_ended then 'open'
            when half_95 is null then 'too few to tell'
            when abs(lift) <= half_95 then 'no effect'
            when lift > 0 then 'spent more'
            else 'spent less'
        end as verdict
    from bounded

)

select * from told
