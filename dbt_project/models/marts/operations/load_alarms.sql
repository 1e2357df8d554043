with

raised as (

    select * from {{ ref('int_load_alarms_raised') }}

),

days as (

    select * from {{ ref('int_days_attributed') }}

),

loads as (

    select * from {{ ref('stg_retail__loads') }}

),

reached as (

    select
        max(days.day) as last_day,
        greatest(max(days.loaded_at), max(loads.loaded_at)) as newest_loaded_at
    from days
    full join loads
        on days.loaded_at = loads.loaded_at

),

-- for a day without orders the load answers that brought the next one
dated as (

    select
        raised.* exclude (loaded_at),
        coalesce(raised.loaded_at, days.loaded_at, reached.newest_loaded_at) as loaded_at,
        reached.last_day,
        reached.newest_loaded_at
    from raised
    cross join reached
    asof left join days
        on raised.day
        + if(raised.cause = 'empty_day' and raised.table_name = 'store_sales_header', 1, 0)
        <= days.day

),

-- what lies further back in a first load is listed, and stops nothing: no shop can mend its past
judged as (

    select
        cast(coalesce(loads.load_id, 1) as bigint) as load_id,
        dated.day,
        dated.table_name,
        dated.column_name,
        dated.cause,
        dated.seen,
        dated.expected,
        dated.message,
        case
            when loads.mode = 'append' or dated.day > dated.last_day - 14 then dated.severity
            else 'warn'
        end as severity,
        dated.loaded_at = dated.newest_loaded_at as is_of_newest_load
    from dated
    left join loads
        on dated.loaded_at = loads.loaded_at

)

select * from judged
