with

counts as (

    select * from {{ ref('int_day_counts_expected') }}

),

odd as (

    select
        day,
        table_name,
        'rows' as column_name,
        case
            when root > high_root then 'volume_surge'
            -- a few late rows, or rows dated wrongly, may be there all the same
            when seen <= 0.05 * expected_low then 'empty_day'
            else 'half_day'
        end as sign,
        seen,
        if(root > high_root, expected_high, expected_low) as expected
    from counts
    where not is_awaited
        and (
            (
                not is_quiet
                and root <= low_root - 4 * spread
                and seen <= 0.7 * expected_low
                and expected_low >= 12 * rows_at_once
            )
            or (root >= high_root + 6 * spread and seen >= 3 * expected_high)
        )

),

-- the newest load brings nothing for days on which it should have
awaited as (

    select
        max(day) as day,
        table_name,
        'rows' as column_name,
        'stale' as sign,
        0 as seen,
        sum(expected_low) as expected
    from counts
    where is_awaited and not is_quiet
    group by all
    having sum(expected_low / rows_at_once) >= 14

),

missed as (

    select * from odd
    union all
    select * from awaited

)

select * from missed
