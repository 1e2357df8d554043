"""The shop's own weekly pattern, and the days that fall out of it."""

from __future__ import annotations

import duckdb

# a day is odd when it is off by more than half, by more than chance, and by more than this many
# times what days of this shop are usually off
NOISE = 3.5

# `usual` is the median of the same weekday in the four weeks before and after
_JUDGED = f"""
    with compared as (
        select
            *,
            isodow(event_date) as weekday,
            median(headers) over around as usual,
            median(lines) over around as usual_lines,
            median(lines / nullif(headers, 0)) over around as usual_basket,
            median(spend) over around as usual_spend,
            -- at the ends of the period the pattern is known from one side only, and a peak there
            -- (Christmas, then January) is no surprise
            least(
                event_date - min(event_date) over (), max(event_date) over () - event_date
            ) >= 28 as is_inside,
            -- closed on this weekday: hardly ever a sale
            avg(if(headers > 0, 1, 0)) over (partition by isodow(event_date)) < 0.1 as is_closed
        from calendar
        window around as (
            partition by isodow(event_date) order by event_date
            rows between 4 preceding and 4 following exclude current row
        )
    ),
    -- how far off, on a logarithmic scale; minus ln 2 is half of the usual
    measured as (
        select
            *,
            ln(nullif(headers, 0) / nullif(usual, 0)) as off,
            ln(nullif(lines, 0) / nullif(headers * usual_basket, 0)) as basket_off
        from compared
    ),
    scaled as (
        select
            *,
            greatest(0.6, {NOISE} * 1.48 * median(abs(off)) over ()) as far_off,
            greatest(0.4, {NOISE} * 1.48 * median(abs(basket_off)) over ()) as basket_far_off
        from measured
    )
    select
        * exclude (off, basket_off, far_off, basket_far_off, is_inside),
        case
            when headers = 0 then null
            when off < -far_off and usual - headers > 4 * sqrt(usual) then 'few sales'
            when headers * usual_basket - lines > 4 * sqrt(headers * usual_basket)
                and coalesce(basket_off < -basket_far_off, true)
                then 'few lines per sale'
            when copies >= 10 and copies >= 0.5 * (headers + lines) then 'came twice'
            when is_inside and off > far_off and headers - usual > 5 * sqrt(usual) + 3
                then 'many sales'
        end as odd
    from scaled
"""


def judge_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `judged_days` from `calendar`.

    One row per day of the period: what came in, what is usual on such a weekday (`usual*`), whether
    the shop is closed on it, and `odd`: why the day falls out of the pattern, null if it does not
    or has no sale at all.
    """
    connection.execute(f"create or replace temp table judged_days as {_JUDGED}")
