with

-- of who was erased nobody knows any more what they spent
published as (

    select * exclude (is_erased)
    from {{ ref('stg_scoring__published_forecasts') }}
    where not is_erased

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

days as (

    select * from {{ ref('int_customer_days_spaced') }}

),

matured as (

    select
        published.*,
        snapshots.as_of_date as judged_on
    from published
    inner join snapshots
        on published.as_of_date + published.horizon_days <= snapshots.as_of_date

),

spent as (

    select
        matured.run_id,
        matured.customer_id,
        sum(days.spend - days.returned) filter (
            where days.event_date >= matured.as_of_date
            and days.event_date < matured.as_of_date + matured.horizon_days
            and days.known_date < matured.judged_on
            and days.known_until >= matured.judged_on
        ) as actual,
        -- what anybody would have said that day: as much as in the days before
        sum(days.spend) filter (
            where days.event_date >= matured.as_of_date - matured.horizon_days
            and days.event_date < matured.as_of_date
            and days.known_date < matured.as_of_date
            and days.known_until >= matured.as_of_date
        ) as last_days
    from matured
    inner join days
        on matured.customer_id = days.customer_id
        and matured.as_of_date + matured.horizon_days > days.event_date
        and matured.as_of_date - matured.horizon_days <= days.event_date
    group by all

),

judged as (

    select
        matured.*,
        cast(greatest(coalesce(spent.actual, 0), 0) as double) as actual_spend,
        cast(coalesce(spent.last_days, 0) as double) as last_days_spend
    from matured
    left join spent
        on matured.run_id = spent.run_id
        and matured.customer_id = spent.customer_id

)

select * from judged
