with

checked as (

    select
        'store_sales_header' as table_name,
        transaction_id as row_key,
        rejected_by,
        rejected_by is null and known_until < {{ end_of_time() }} as is_superseded,
        abs(money) as money,
        duplicate_rows,
        abs(duplicate_money) as duplicate_money
    from {{ ref('int_headers_checked') }}

    union all

    select
        'store_sales_line_items' as table_name,
        line_item_id as row_key,
        rejected_by,
        rejected_by is null and known_until < {{ end_of_time() }} as is_superseded,
        abs(money) as money,
        duplicate_rows,
        abs(duplicate_money) as duplicate_money
    from {{ ref('int_lines_checked') }}

),

-- what the gate looks at: sums, and rows to show of each
summed as (

    select
        table_name,
        rejected_by,
        is_superseded,
        count(*) as rows,
        sum(money) as money,
        sum(duplicate_rows) as duplicate_rows,
        sum(duplicate_money) as duplicate_money,
        min(row_key) as example,
        max({'money': money, 'row_key': row_key}, 3) as largest,  -- noqa: LT01
        max({'money': duplicate_money, 'row_key': row_key}, 3)  -- noqa: LT01
            filter (where duplicate_rows > 0)
            as largest_duplicates
    from checked
    group by all

)

select * from summed
