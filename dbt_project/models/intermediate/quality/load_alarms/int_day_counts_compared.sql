{% set counted = {
    'store_sales_header': ('order_days', 'orders'),
    'store_sales_line_items': ('product_days', 'lines'),
} %}

with

order_days as (

    select * from {{ shop_facts('int_order_days_measured') }}

),

product_days as (

    select * from {{ shop_facts('int_product_days_measured') }}

),

days as (

    select * from {{ ref('int_load_days_listed') }}

),

counted as (

    {% for table_name, (relation, rows) in counted.items() %}
    select
        '{{ table_name }}' as table_name,
        days.day,
        days.day > days.last_day as is_awaited,
        days.is_quiet,
        coalesce(sum({{ relation }}.{{ rows }}), 0) as seen
    from days
    left join {{ relation }}
        on days.day = {{ relation }}.day
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- the spread of twice the root of a count is 1, however large the count; the lines of an order
-- come or are lost together, so that as many count as one
scaled as (

    select
        *,
        greatest(1, sum(seen) over (partition by table_name) / max(total) over ()) as rows_at_once
    from (
        select
            *,
            sum(seen) filter (where table_name = 'store_sales_header') over () as total
        from counted
    )

),

rooted as (

    select
        * exclude (total),
        2 * sqrt(seen / rows_at_once + 0.375) as root,
        if(rows_at_once > 1, 1.5, 1.1) as least_spread
    from scaled

),

-- the same weekday of the eight weeks before
compared as (

    select
        rooted.table_name,
        rooted.day,
        rooted.is_awaited,
        rooted.is_quiet,
        cast(rooted.seen as bigint) as seen,
        rooted.rows_at_once,
        rooted.root,
        rooted.least_spread,
        median(past.root) as usual_root
    from rooted
    inner join rooted as past
        on rooted.table_name = past.table_name
        and past.day between rooted.day - 56 and rooted.day - 7
        and (rooted.day - past.day) % 7 = 0
    group by all
    having count(*) >= 4

)

select * from compared
