with

pauses as (

    select * from {{ ref('int_pauses_measured') }}

),

-- longer than any pause of a year, and too long for chance: seven orders are missed
found as (

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

)

select * from found
