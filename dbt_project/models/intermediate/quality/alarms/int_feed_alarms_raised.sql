with

load_alarms as (

    select * from {{ shop_facts('load_alarms') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

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

-- longer than any pause of a year, and too long for chance: seven orders are missed
silent as (

    select
        'freshness' as alarm_kind,
        'stale' as cause,
        if(silent_days >= longest_pause + 3, 'error', 'warn') as severity,
        newest_order_date + 1 as since,
        'store_sales_header.rows' as about,
        silent_days * daily_money as money,
        format(
            'no orders since {}: {} {} on which the shop is open, at most {} of them passed so in a year',
            newest_order_date, silent_days, if(silent_days = 1, 'day', 'days'), longest_pause
        ) as message
    from pauses
    where silent_days > longest_pause
        and silent_days * daily_orders >= 7
        and days_before >= 28

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
        -- of two words for one silence the one above is the newer
        and not (load_alarms.cause = 'stale' and exists (select * from silent))
    group by all

),

raised as (

    select * from silent
    union all by name
    select * from loaded

)

select * from raised
