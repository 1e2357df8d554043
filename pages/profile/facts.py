"""The temporary tables that all sections read: headers with their lines, orders, visits, customers.

Each is made once, by SQL, in the order below; the sections only aggregate them.
"""

from __future__ import annotations

import duckdb

# lines that state a real sale, though nobody or no product of the list can be credited with it
REAL_SALES = (
    "kept",
    "header_missing_customer",
    "header_unknown_customer",
    "unknown_product",
)
# headers whose day, or whose identity, cannot be believed
NO_DAY = (
    "missing_transaction_id",
    "unreadable_date",
    "implausible_date",
    "future_date",
    "before_registration",
)
# a few orders far away from all others, by more days than this, have a wrong date
STRAY_DAYS, STRAY_SHARE = 60, 0.001

_RELATIONS = {
    # one row per transaction, duplicates dropped: what its header states and what its lines say,
    # the amounts as they came (`lines_amount`) and those of real sales only (`spend`, `returned`)
    "table headers": f"""
        with real_or_not as (
            select
                transaction_id,
                duplicate_rows,
                if(is_amount_imputed, null, line_item_amount) as stated_amount,
                if(
                    coalesce(rejected_by, 'kept') in {REAL_SALES}, line_item_amount, null
                ) as sale_amount
            from intermediate.int_lines_checked
            where transaction_id is not null and is_latest
        ),
        summed as (
            select
                transaction_id,
                count(*) as lines,
                sum(duplicate_rows) as copies,
                cast(sum(stated_amount) as decimal(18, 2)) as lines_amount,
                count(sale_amount) as sale_lines,
                cast(sum(greatest(sale_amount, 0)) as decimal(18, 2)) as spend,
                cast(-sum(least(sale_amount, 0)) as decimal(18, 2)) as returned
            from real_or_not
            group by all
        )
        select
            headers.customer_id,
            headers.event_date,
            headers.recorded_date,
            headers.stated_amount,
            headers.duplicate_rows + coalesce(summed.copies, 0) as copies,
            coalesce(headers.rejected_by, 'kept') not in {NO_DAY} as has_day,
            coalesce(summed.lines, 0) as lines,
            summed.lines_amount,
            coalesce(summed.sale_lines, 0) as sale_lines,
            summed.spend,
            summed.returned
        from intermediate.int_headers_checked as headers
        left join summed
            on headers.transaction_id = summed.transaction_id
        where headers.is_latest
        """,
    "view orders": """
        select customer_id, event_date, spend, returned
        from headers
        where sale_lines > 0 and event_date is not null
        """,
    # one row per customer and day with a purchase
    "table visits": """
        with days as (
            select distinct customer_id, event_date
            from orders
            where customer_id is not null and spend > 0
        )
        select
            customer_id,
            event_date,
            min(event_date) over (partition by customer_id) as first_visit,
            lag(event_date) over (partition by customer_id order by event_date) as previous_date
        from days
        """,
    "table customers": """
        select
            customer_id,
            count(*) filter (where spend > 0) as orders,
            sum(spend) as spend,
            sum(returned) as returned
        from orders
        where customer_id is not null
        group by customer_id
        """,
    # the days between the first and the last order, stray dates left out
    "table period": f"""
        with days as (
            select event_date, count(*) as orders from orders group by all
        ),
        gaps as (
            select
                event_date,
                lag(event_date) over (order by event_date) as previous_date,
                coalesce(sum(orders) over (
                    order by event_date rows between unbounded preceding and 1 preceding
                ), 0) / sum(orders) over () as share_before
            from days
        ),
        bounds as (
            select
                coalesce(
                    max(event_date) filter (
                        where event_date - previous_date > {STRAY_DAYS}
                            and share_before < {STRAY_SHARE}
                    ),
                    min(event_date)
                ) as first_date,
                coalesce(
                    min(previous_date) filter (
                        where event_date - previous_date > {STRAY_DAYS}
                            and 1 - share_before < {STRAY_SHARE}
                    ),
                    max(event_date)
                ) as last_date
            from gaps
        )
        select
            *,
            (
                select coalesce(sum(orders), 0) from days
                where event_date not between bounds.first_date and bounds.last_date
            ) as stray_orders
        from bounds
        """,
    # every day of the period, with or without a sale
    "table calendar": """
        with all_days as (
            select cast(unnest(generate_series(first_date, last_date, interval 1 day)) as date)
                as event_date
            from period
        ),
        sold as (
            select
                event_date,
                count(*) as transactions,
                count(*) filter (where spend > 0) as orders,
                sum(spend) as spend,
                sum(returned) as returned
            from orders
            group by all
        ),
        came_in as (
            select
                event_date,
                count(*) as headers,
                sum(lines) as lines,
                sum(copies) as copies
            from headers
            where has_day
            group by all
        )
        select
            all_days.event_date,
            coalesce(sold.transactions, 0) as transactions,
            coalesce(sold.orders, 0) as orders,
            coalesce(sold.spend, 0) as spend,
            coalesce(sold.returned, 0) as returned,
            coalesce(came_in.headers, 0) as headers,
            coalesce(came_in.lines, 0) as lines,
            coalesce(came_in.copies, 0) as copies
        from all_days
        left join sold
            on all_days.event_date = sold.event_date
        left join came_in
            on all_days.event_date = came_in.event_date
        """,
}


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables; the warehouse itself may be open for reading only."""
    connection.execute("set preserve_insertion_order = false")
    for name, query in _RELATIONS.items():
        connection.execute(f"create or replace temp {name} as {query}")
