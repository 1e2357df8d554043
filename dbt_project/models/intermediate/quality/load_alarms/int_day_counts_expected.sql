with

counts as (

    select * from {{ ref('int_day_counts_compared') }}

),

-- the level of a day beside its weekday's usual one, and of the week before
levelled as (

    select
        *,
        root / usual_root as level,
        median(root / usual_root) filter (where usual_root > 3) over (
            partition by table_name
            order by day
            rows between 7 preceding and 1 preceding
        ) as recent_level
    from counts

),

-- how far days lie from what the week before them said
scattered as (

    select
        *,
        greatest(
            least_spread,
            1.4826 * median(abs(root - usual_root * coalesce(recent_level, 1))) over (
                partition by table_name
                order by day
                rows between 56 preceding and 1 preceding
            )
        ) as spread
    from levelled

),

-- these days of last year: the same weekday, and the same date
year_ago as (

    select
        table_name,
        unnest([day + 364, cast(day + interval 1 year as date)]) as day,
        level
    from levelled

),

compared as (

    select
        table_name,
        day,
        min(level) as low_year_ago,
        max(level) as high_year_ago
    from year_ago
    group by all

),

-- a season is no alarm: what either the weeks before, the last week or last year make plausible
bounded as (

    select
        scattered.*,
        scattered.usual_root
        * least(1, scattered.recent_level, compared.low_year_ago) as low_root,
        scattered.usual_root
        * greatest(1, scattered.recent_level, compared.high_year_ago) as high_root
    from scattered
    left join compared
        on scattered.table_name = compared.table_name
        and scattered.day = compared.day

),

expected as (

    select
        *,
        rows_at_once * low_root ** 2 / 4 as expected_low,
        rows_at_once * high_root ** 2 / 4 as expected_high
    from bounded

)

select * from expected
