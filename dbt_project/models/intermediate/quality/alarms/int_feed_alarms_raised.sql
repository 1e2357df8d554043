with

load_alarms as (

    select * from {{ shop_facts('load_alarms') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

regions as (

    select * from {{ ref('int_regions_renamed') }}

),

silences as (

    select * from {{ ref('int_silences_found') }}

),

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

pauses as (

    select * from {{ ref('int_pauses_measured') }}

),

sold as (

    select
        day,
        sum(money) as money
    from order_days
    group by day

),

-- what an older load brought holds for two weeks, as the mart still stands on it; of a load that
-- replaced all only the last days, as no shop can mend its past
loaded as (

    select
        if(load_alarms.cause = 'stale', 'freshness', 'load') as alarm_kind,
        load_alarms.cause,
        load_alarms.severity,
        load_alarms.day as since,
        load_alarms.table_name || '.' || load_alarms.column_name as about,
        greatest(abs(sold.money), pauses.daily_money) as money,
        string_agg(load_alarms.message, '; ' order by load_alarms.message) as message
    from load_alarms
    cross join pauses
    left join loads
        on load_alarms.load_id = loads.load_id
    left join sold
        on load_alarms.day = sold.day
    where (
            load_alarms.day >= pauses.today - 14
            or (load_alarms.is_of_newest_load and loads.mode = 'append')
        )
        and not list_contains(cast({{ var('accepted_loads') }} as bigint[]), load_alarms.load_id)
        -- a silence is named once
        and not (load_alarms.cause = 'stale' and exists (select * from silences))
    group by all

),

raised as (

    select * from silences
    union all by name
    select * from loaded
    union all by name
    select * from regions

)

select * from raised
