with

lines as (

    select * from {{ ref('int_line_days_compared') }}

),

days as (

    select * from {{ ref('int_load_days_listed') }}

),

-- the level of list prices of the eight weeks before
compared as (

    select
        days.day,
        days.day - days.first_day as days_before,
        lines.listed,
        lines.mean_price_shift,
        median(lines.mean_price_shift) over past as usual_shift
    from days
    inner join lines
        on days.day = lines.day
    where lines.listed >= 20
    window past as (
        order by days.day
        range between interval 56 days preceding and interval 1 day preceding
    )

),

-- how far a single line's price lies from that, as days show
scattered as (

    select
        *,
        mean_price_shift - usual_shift as shift,
        1.4826 * median(abs(mean_price_shift - usual_shift) * sqrt(listed)) over (
            order by day
            range between interval 56 days preceding and interval 1 day preceding
        ) as spread
    from compared

),

shifted as (

    select
        day,
        'store_sales_line_items' as table_name,
        'line_item_amount' as column_name,
        'price_level' as sign,
        round(100 * exp(shift)) as seen,
        100 as expected
    from scattered
    where days_before >= 28
        and abs(shift) >= 0.1
        and abs(shift) * sqrt(listed) >= 6 * spread

)

select * from shifted
