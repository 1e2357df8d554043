with

measured as (

    select * from {{ ref('int_day_shares_measured') }}

),

-- the eight weeks before; half a row more, since what was never seen may come
expected as (

    select
        *,
        part / whole as seen,
        (sum(part) over past + 0.5) / (sum(whole) over past + 1) as expected,
        greatest(whole * expected, 0.05 * rows_at_once) as expected_part,
        (part - expected_part) / sqrt(rows_at_once * greatest(expected_part, 0.5)) as deviation
    from measured
    window past as (
        partition by measure
        order by day
        range between interval 56 days preceding and interval 1 day preceding
    )

),

-- days differ by more than chance in most shops
spread as (

    select
        *,
        greatest(1, quantile_cont(abs(deviation), 0.9) over (
            partition by measure
            order by day
            range between interval 56 days preceding and interval 1 day preceding
        ) / 1.645) as spread
    from expected

),

compared as (

    select
        * exclude (rows_at_once, deviation, spread, days_before),
        sqrt(2 / rows_at_once * (part * ln(part / expected_part) - part + expected_part))
        / spread as surprise
    from spread
    where days_before >= 28
        and part >= 4 * rows_at_once
        and part > expected_part
        and seen - expected >= least_jump

)

select * from compared
