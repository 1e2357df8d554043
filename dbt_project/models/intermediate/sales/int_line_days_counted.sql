with

lines as (

    select * from {{ ref('int_lines_capped') }}
    where known_until = {{ end_of_time() }}

),

counted as (

    select
        event_date,
        known_date,
        store_id,
        product_category,
        count(*) as lines,
        sum(line_item_amount) as money
    from lines
    group by all

)

select * from counted
