"""Incidents of a load, planted by SQL: each spoils one day that a load of its own brought."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

# the rows of the day are in `headers` and `lines`, which go back into the raw tables; an id of a
# row that comes once more gets a letter
_AGAIN = """
    insert into headers by name
    select * replace ('X' || transaction_id as transaction_id) from headers;
    insert into lines by name
    select * replace ('X' || transaction_id as transaction_id, 'X' || line_item_id as line_item_id)
    from lines
"""
_YESTERDAY_AGAIN = """
    delete from headers; delete from lines;
    insert into headers by name
    select * replace (
        'X' || transaction_id as transaction_id,
        transaction_date + interval 1 day as transaction_date,
        recorded_at + interval 1 day as recorded_at
    ) from raw.store_sales_header where cast(transaction_date as date) = $day - 1;
    insert into lines by name
    select * replace (
        'X' || transaction_id as transaction_id, 'X' || line_item_id as line_item_id,
        recorded_at + interval 1 day as recorded_at
    ) from raw.store_sales_line_items where 'X' || transaction_id in (
        select transaction_id from headers
    )
"""
_NEXT_DAY_ALONE = """
    delete from headers; delete from lines;
    update raw.store_sales_line_items set _loaded_at = $loaded_at where transaction_id in (
        select transaction_id from raw.store_sales_header
        where cast(transaction_date as date) = $day + 1
    );
    update raw.store_sales_header set _loaded_at = $loaded_at
    where cast(transaction_date as date) = $day + 1
"""
_REST_OF_WEEK = """
    delete from raw.store_sales_line_items where transaction_id in (
        select transaction_id from raw.store_sales_header
        where cast(transaction_date as date) between $day + 1 and $day + 3
    );
    delete from raw.store_sales_header
    where cast(transaction_date as date) between $day + 1 and $day + 3;
    update raw.store_sales_header set _loaded_at = $loaded_at
    where cast(transaction_date as date) = $day + 4
"""
_SOME = "hash(transaction_id) % 100 < {share}"
_KEEP = """
    delete from headers where hash(transaction_id) % 100 >= {share};
    delete from lines where hash(transaction_id) % 100 >= {share}
"""
_TIMES = """
    update lines set line_item_amount = line_item_amount * {factor}
    where hash(transaction_id) % 100 < {share};
    update headers set total_amount = total_amount * {factor}
    where hash(transaction_id) % 100 < {share}
"""
_WITHOUT_STORES = """
    delete from headers where store_id in ({stores});
    delete from lines where transaction_id not in (select transaction_id from headers)
"""
_LARGEST = """
    select store_id from raw.store_sales_header where store_id is not null
    group by all order by count(*) desc, store_id limit {stores}
"""
_MOVED = """
    create or replace temp table moved as
    select distinct {column} as was, lead({column}, 1, 'C0') over (order by {order}) as becomes
    from (select distinct upper(trim({column})) as {column} from {ids} where {column} is not null);
    update {table} set {column} = becomes from moved where {column} = was
"""
_REGIONS = """
    insert into raw.customer_details by name
    select * replace (
        if(region = '{one}', '{other}', '{one}') as region, $loaded_at as _loaded_at
    )
    from raw.customer_details where region in ('{one}', '{other}')
    qualify row_number() over (partition by customer_id order by _loaded_at desc) = 1
"""
_SHIFTED = """
    update headers set
        transaction_date = transaction_date + interval ({hours}) hour{more};
    update headers set transaction_date_text = strftime(transaction_date, '%Y-%m-%d %H:%M:%S')
    where transaction_date_text is not null
"""
_CATEGORY = """
    insert into raw.products by name
    select * replace ({category} as product_category, $loaded_at as _loaded_at)
    from raw.products where product_category = '{name}'
    qualify row_number() over (partition by product_id order by _loaded_at desc) = 1
"""


@dataclass(frozen=True)
class Incident:
    """What happens to a day, by SQL, and the cause that should be named."""

    name: str
    cause: str
    sql: str
    # days that the incident goes on for
    days: int = 1
    # another cause that is right, too
    also: str = ""


def _kept(share: int) -> str:
    return _KEEP.format(share=share)


def _without_stores(stores: int) -> str:
    return _WITHOUT_STORES.format(stores=_LARGEST.format(stores=stores))


def _times(factor: float, share: int = 100) -> str:
    return _TIMES.format(factor=factor, share=share)


def _null(table: str, column: str, share: int = 100) -> str:
    return f"update {table} set {column} = null where {_SOME.format(share=share)}"


INCIDENTS = (
    Incident("no rows", "empty_day", _NEXT_DAY_ALONE),
    Incident("headers without lines", "empty_day", "delete from lines"),
    Incident("half of the orders", "half_day", _kept(50)),
    Incident("a third of the orders", "half_day", _kept(33)),
    Incident(
        "lines broken off at noon",
        "half_day",
        "delete from lines where transaction_id in ("
        "select transaction_id from headers where hour(transaction_date) >= 13)",
    ),
    Incident(
        "half of the headers, all lines",
        "half_day",
        f"delete from headers where {_SOME.format(share=50)}",
    ),
    Incident(
        "half of the lines of each order",
        "half_day",
        "delete from lines where hash(line_item_id) % 2 = 0",
    ),
    Incident("the day again under new ids", "doubled_day", _AGAIN),
    Incident("yesterday again under new ids", "doubled_day", _YESTERDAY_AGAIN),
    Incident(
        "the file twice, ids as they were",
        "doubled_day",
        "insert into headers from headers; insert into lines from lines",
    ),
    Incident("cents for euros", "hundredfold_amounts", _times(100)),
    Incident("cents in two orders of five", "hundredfold_amounts", _times(100, 40)),
    Incident(
        "cents in the lines alone",
        "hundredfold_amounts",
        "update lines set line_item_amount = line_item_amount * 100",
    ),
    Incident("a hundredth", "amounts_too_small", _times(0.01)),
    Incident("the three largest stores left out", "store_missing", _without_stores(3)),
    Incident("half of the stores left out", "store_missing", _without_stores(12)),
    Incident(
        "stores under new ids", "new_ids_jump", "update headers set store_id = 'N' || store_id"
    ),
    Incident("no store", "nulls_jump", _null("headers", "store_id")),
    Incident("no customers", "nulls_jump", _null("headers", "customer_id")),
    Incident(
        "no customer in two orders of five", "nulls_jump", _null("headers", "customer_id", 40)
    ),
    Incident(
        "dates that are none",
        "nulls_jump",
        "update headers set transaction_date_text = '?', transaction_date = null",
    ),
    Incident("no products", "nulls_jump", _null("lines", "product_id")),
    Incident("no amounts", "nulls_jump", _null("lines", "line_item_amount")),
    Incident(
        "no amount in one order of three", "nulls_jump", _null("lines", "line_item_amount", 33)
    ),
    Incident("no quantities", "nulls_jump", _null("lines", "quantity")),
    Incident(
        "customers under new ids",
        "new_ids_jump",
        """
        update headers set customer_id = 'N' || customer_id;
        insert into raw.customer_details by name
        select * replace ('N' || customer_id as customer_id, $loaded_at as _loaded_at)
        from raw.customer_details where 'N' || customer_id in (select customer_id from headers)
        """,
    ),
    Incident(
        "customers whom no table knows",
        "new_ids_jump",
        "update headers set customer_id = 'Z' || customer_id where hash(customer_id) % 2 = 0",
    ),
    Incident(
        "products under new ids",
        "new_ids_jump",
        """
        insert into raw.products by name
        select distinct on (product_id)
            * replace ('N' || product_id as product_id, $loaded_at as _loaded_at)
        from raw.products where product_id in (select product_id from lines)
        order by product_id, _loaded_at;
        update lines set product_id = 'N' || product_id
        """,
    ),
    Incident("prices half as high again, and more", "price_shift", _times(1.7)),
    Incident(
        "pieces for packs of twelve", "quantity_shift", "update lines set quantity = quantity * 12"
    ),
    Incident(
        "a category under a new name",
        "category_renamed",
        _CATEGORY.format(category="'Gadgets'", name="Electronics"),
    ),
    Incident(
        "a category that goes into another",
        "category_renamed",
        _CATEGORY.format(category="'Home'", name="Garden"),
    ),
    Incident("amounts with their signs flipped", "amounts_flipped", _times(-1)),
    Incident("amounts of zero", "amounts_zero", _times(0)),
    Incident("another currency", "price_shift", _times(0.85)),
    Incident("two regions swapped", "region_renamed", _REGIONS.format(one="North", other="South")),
    Incident("dates nine hours late", "dates_shifted", _SHIFTED.format(hours=9, more="")),
    Incident(
        "dates and times of recording nine hours late",
        "dates_shifted",
        _SHIFTED.format(hours=9, more=", recorded_at = recorded_at + interval 9 hour"),
    ),
    Incident("dates nine hours early", "dates_shifted", _SHIFTED.format(hours=-9, more="")),
    Incident(
        "customers moved by one",
        "ids_moved",
        _MOVED.format(
            column="customer_id", ids="raw.customer_details", table="headers", order="customer_id"
        ),
        # while many a neighbour has never bought
        also="new_ids_jump",
    ),
    Incident(
        "products moved by one",
        "ids_moved",
        _MOVED.format(column="product_id", ids="raw.products", table="lines", order="product_id"),
    ),
    Incident(
        "products mixed up",
        "ids_moved",
        _MOVED.format(
            column="product_id", ids="raw.products", table="lines", order="hash(product_id)"
        ),
    ),
    Incident("half of the week missing", "empty_day", _REST_OF_WEEK, days=4),
    Incident("a category lost", "nulls_jump", _CATEGORY.format(category="null", name="Toys")),
)
STALE = Incident("nothing for five days", "stale", "")
BY_NAME = {incident.name: incident for incident in INCIDENTS}


def plant(
    connection: duckdb.DuckDBPyConnection,
    incidents: Iterable[Incident],
    first: date,
    apart: int,
    avoid: Collection[date] = (),
) -> dict[int, tuple[Incident, date]]:
    """Make days loads of their own, one each `apart` days from `first` on, and spoil them.

    Days in `avoid`, which are spoilt already, give way to the next one.

    Returns
    -------
    dict
        By the number of the load, what was planted and on which day.
    """
    # as the loader writes it
    loads, loaded_at = connection.execute(
        "select max(load_id), max(loaded_at) from raw.loads"
    ).fetchone()
    planted = {}
    for place, incident in enumerate(incidents):
        load, day = loads + 1 + place, first + timedelta(place * apart)
        while day in avoid:
            day += timedelta(1)
        loaded_at += timedelta(minutes=1)
        _plant(connection, incident, load, day, {"day": day, "loaded_at": loaded_at})
        planted[load] = (incident, day)
    return planted


def _plant(
    connection: duckdb.DuckDBPyConnection,
    incident: Incident,
    load: int,
    day: date,
    values: dict[str, object],
) -> None:
    def run(sql: str) -> None:
        for statement in sql.split(";"):
            named = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, named)

    run(
        """
        create or replace temp table headers as
        from raw.store_sales_header where cast(transaction_date as date) = $day;
        create or replace temp table lines as
        from raw.store_sales_line_items
        semi join headers using (transaction_id);
        delete from raw.store_sales_header where cast(transaction_date as date) = $day;
        delete from raw.store_sales_line_items
        where transaction_id in (select transaction_id from headers)
        """
    )
    run(incident.sql)
    run(
        """
        insert into raw.store_sales_header by name
        select * replace ($loaded_at as _loaded_at) from headers;
        insert into raw.store_sales_line_items by name
        select * replace ($loaded_at as _loaded_at) from lines
        """
    )
    connection.execute(
        "insert into raw.loads (load_id, mode, known_on, loaded_at) values (?, 'append', ?, ?)",
        [load, day + timedelta(1), values["loaded_at"]],
    )


def plant_quiet_loads(connection: duckdb.DuckDBPyConnection, load: int, days: int) -> date:
    """Enter a load that brought nothing though days have passed; return the last of them."""
    last, loaded_at = connection.execute(
        "select max(cast(transaction_date as date)), (select max(loaded_at) from raw.loads)"
        " from raw.store_sales_header where transaction_date <= recorded_at + interval 1 day"
    ).fetchone()
    connection.execute(
        "insert into raw.loads (load_id, mode, known_on, loaded_at) values (?, 'append', ?, ?)",
        [load, last + timedelta(days + 1), loaded_at + timedelta(minutes=1)],
    )
    return last + timedelta(days)
