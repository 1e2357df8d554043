with

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

days as (

    select * from {{ shop_facts('int_newcomers_counted') }}

),

-- as if the current as-of date were today: what became known later does not exist yet
known as (

    select days.*
    from days
    inner join snapshots
        on days.known_date < snapshots.as_of_date
        and days.known_until >= snapshots.as_of_date
    where snapshots.is_current

),

summed as (

    select
        snapshots.as_of_date,
        coalesce(sum(known.newcomers), 0) as newcomers,
        cast(coalesce(sum(known.spend), 0) as double) as spend
    from snapshots
    left join known
        on snapshots.as_of_date <= known.event_date
        and snapshots.as_of_date + 30 > known.event_date
        and snapshots.as_of_date <= known.known_from_date
    where snapshots.is_matured
    group by snapshots.as_of_date

)

select * from summed
