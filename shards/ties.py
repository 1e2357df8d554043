"""Components of tied customers, and the refusal of ties that would fill a shard."""

from __future__ import annotations

import duckdb

import warehouse


class SplitError(warehouse.ShopError):
    """The shop cannot be split as asked; the message says what ties it together."""


def label(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `places` (owner, place) of the table `ties`: all owners that are tied have one place.

    Labels spread along the ties, and then along themselves, so that long chains take few rounds.
    """
    connection.execute(
        """
        create or replace temp table both_ways as
        select one as owner, other from ties union select other, one from ties;
        create or replace temp table places as
        select owner, min(least(owner, other)) as place from both_ways group by owner
        """
    )
    while connection.execute(
        """
        create or replace temp table nearer as
        select both_ways.owner, min(least(mine.place, theirs.place)) as place
        from both_ways
        inner join places as mine on both_ways.owner = mine.owner
        inner join places as theirs on both_ways.other = theirs.owner
        group by both_ways.owner;
        create or replace temp table nearest as
        select nearer.owner, least(nearer.place, beyond.place) as place
        from nearer inner join nearer as beyond on nearer.place = beyond.owner;
        select count(*) from (from nearest except from places)
        """
    ).fetchone() != (0,):
        connection.execute("create or replace temp table places as from nearest")


def refuse_a_heavy_tie(connection: duckdb.DuckDBPyConnection, shards: int) -> None:
    """Stop where what is tied together comes to twice the mean of the shards.

    Parameters
    ----------
    connection
        With `ties`, `places` and `owner_orders` (owner, orders) of the tied owners and, under the
        owner null, of all others.
    shards
        How many there are to be.

    Raises
    ------
    SplitError
        With the id that ties the most.
    """
    heaviest = connection.execute(
        """
        with orders_in_all as (select sum(orders) as orders from owner_orders)
        select places.place, sum(owner_orders.orders), any_value(orders_in_all.orders)
        from owner_orders
        inner join places on owner_orders.owner = places.owner
        cross join orders_in_all
        group by places.place
        having sum(owner_orders.orders) > 2 * any_value(orders_in_all.orders) / ?
        order by sum(owner_orders.orders) desc, places.place
        limit 1
        """,
        [shards],
    ).fetchone()
    if heaviest is None:
        return
    place, orders, in_all = heaviest
    [(tied_by, owners)] = connection.execute(
        """
        select ties.tied_by, count(distinct ties.one)
        from ties inner join places on ties.one = places.owner
        where places.place = ?
        group by ties.tied_by
        order by count(distinct ties.one) desc, ties.tied_by
        limit 1
        """,
        [place],
    ).fetchall()
    raise SplitError(
        f"{orders} of {in_all} orders are tied to each other, and {shards} shards hold "
        f"{in_all / shards:.0f} on average: {tied_by!r} alone belonged to {owners} customers or "
        "orders. If that id is a placeholder, mend it where it comes from; if not, take fewer "
        "shards"
    )
