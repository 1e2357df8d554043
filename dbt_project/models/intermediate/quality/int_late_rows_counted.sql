with

headers as (

    select * from {{ ref('int_headers_checked') }}
    where rejected_by is null

),

-- read where it is needed: DuckDB would copy all rows of what is named twice
lines as not materialized (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

reach as (

    select * from {{ ref('int_reach_found') }}

),

-- as if the current as-of date were today
waiting as (

    select lines.*
    from lines
    inner join snapshots
        on lines.known_date >= snapshots.as_of_date

),

headers_beyond as (

    select headers.*
    from headers
    inner join reach
        on headers.known_date > reach.reach_date

),

lines_beyond as (

    select lines.*
    from lines
    inner join reach
        on lines.known_date > reach.reach_date

),

counted as (

    {{ count_repairs(
        'headers', 'store_sales_header', 'known_late', 'is_first and known_date > event_date', 'money',
        'known late'
    ) }}
    union all
    {{ count_repairs(
        'waiting', 'store_sales_line_items', 'not_yet_known', 'true', 'money', 'not yet known'
    ) }}
    union all
    {{ count_repairs(
        'headers_beyond', 'store_sales_header', 'beyond_reach', 'true', 'money', 'beyond reach'
    ) }}
    union all
    {{ count_repairs(
        'lines_beyond', 'store_sales_line_items', 'beyond_reach', 'true', 'money', 'beyond reach'
    ) }}

)

select * from counted
