"""Who is to be erased: their ids, and the e-mails, phones and names that are theirs alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import duckdb
import yaml

import warehouse
from core.ids import canonical
from core.sql import literal, quoted
from pages.profile.columns import PERSONAL

CUSTOMER = "customer_id"
LEDGER = "erasures"
# an id of fewer signs, or of digits alone, is a number like any other wherever ids are not meant
DISTINCT_SIGNS = 5
# a word of fewer is not looked for
SHORTEST_WORD = 3


class EraseError(warehouse.ShopError):
    """Somebody cannot be erased as asked; the message says why, and what has changed."""


@dataclass(frozen=True)
class Column:
    """A column of a table of the warehouse."""

    schema: str
    table: str
    name: str

    @property
    def relation(self) -> str:
        """The table, as SQL."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def sql(self) -> str:
        """The column, as SQL."""
        return quoted(self.name)


@dataclass(frozen=True)
class People:
    """Those who are to be erased.

    Attributes
    ----------
    ids
        Canonical.
    words
        E-mails, phones and names, as the raw tables have them.
    common
        Ids that the shop has given to other things, too.
    """

    ids: frozenset[str]
    words: frozenset[str] = frozenset()
    common: frozenset[str] = frozenset()

    @property
    def distinct_ids(self) -> frozenset[str]:
        """The ids that are no mere numbers: where they stand, a customer is meant."""
        return frozenset(
            each
            for each in self.ids - self.common
            if len(each) >= DISTINCT_SIGNS and not each.isdigit()
        )

    def pattern(self, *, all_ids: bool = False) -> str:
        """Return a regular expression, for DuckDB as for Python, that finds them as whole words.

        Parameters
        ----------
        all_ids
            Short ids and mere numbers too, for texts in which a chance hit does no harm.
        """
        ids = sorted(self.ids if all_ids else self.distinct_ids)
        said = [f"(?i:{re.escape(each)})" for each in ids]
        said += [re.escape(word) for word in sorted(self.words)]
        # nothing to look for is nowhere
        return rf"(^|\W)({'|'.join(said)})($|\W)" if said else r"[^\s\S]"

    def is_meant_by(self, column: str) -> str:
        """Return SQL: is one of them meant by the id in a column?"""
        listed = ", ".join(map(literal, sorted(self.ids)))
        return f"coalesce(({canonical(column)}) in ({listed}), false)" if listed else "false"

    def without(self, texts: Iterable[str]) -> People:
        """Return them without the words and ids that texts say which are not about them."""
        said = "\n".join(texts)

        def is_said(word: str, flags: int = 0) -> bool:
            return re.search(rf"(^|\W){re.escape(word)}($|\W)", said, flags | re.ASCII) is not None

        words = frozenset(word for word in self.words if not is_said(word))
        common = frozenset(each for each in self.ids if is_said(each, re.IGNORECASE))
        return People(self.ids, words, common)


def canonical_ids(given: Sequence[str]) -> frozenset[str]:
    """Return ids in the one spelling that staging gives them.

    Raises
    ------
    EraseError
        If none is given, or one is blank.
    """
    if not given:
        raise EraseError("say who is to be erased: a customer's id, or --file with one a line")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select id, {canonical('id')} from (select unnest(?::varchar[]) as id)", [list(given)]
        ).fetchall()
    if blank := [spelt for spelt, found in rows if found is None]:
        raise EraseError(f"{blank[0]!r} is no id; nothing was changed")
    return frozenset(found for _, found in rows)


def id_columns(connection: duckdb.DuckDBPyConnection, further: Sequence[str] = ()) -> list[Column]:
    """Return the columns of all stored tables that hold ids of customers.

    Parameters
    ----------
    further
        Columns of another name, as `schema.table.column`.

    Raises
    ------
    EraseError
        If one of those is not there.
    """
    listed = [
        Column(*row)
        for row in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " inner join duckdb_tables() using (database_name, schema_name, table_name)"
            " where database_name = current_database() order by all"
        ).fetchall()
    ]
    by_name = {f"{each.schema}.{each.table}.{each.name}": each for each in listed}
    if missing := [name for name in further if name not in by_name]:
        raise EraseError(f"there is no column {missing[0]} (schema.table.column)")
    named = [each for each in listed if each.name.lower() == CUSTOMER]
    return [*named, *(by_name[name] for name in further)]


def known(
    connection: duckdb.DuckDBPyConnection, ids: frozenset[str], columns: Sequence[Column]
) -> frozenset[str]:
    """Return which ids any of the columns has."""
    people = People(ids)
    found: set[str] = set()
    for column in columns:
        rows = connection.execute(
            f"select distinct {canonical(column.sql)} from {column.relation}"
            f" where {people.is_meant_by(column.sql)}"
        ).fetchall()
        found.update(row[0] for row in rows)
    return frozenset(found)


def erased_before(connection: duckdb.DuckDBPyConnection, ids: frozenset[str]) -> frozenset[str]:
    """Return which ids the ledger of erasures knows."""
    if not warehouse.has_table(connection, "main", LEDGER):
        return frozenset()
    lines = connection.execute(f"select salt, id_hash from main.{LEDGER}").fetchall()
    return frozenset(
        each for each in ids if any(hashed(salt, each) == kept for salt, kept in lines)
    )


def hashed(salt: str, customer: str) -> str:
    """Return how the ledger of erasures names a canonical id."""
    return hashlib.sha256(f"{salt}{customer}".encode()).hexdigest()


def with_words(
    connection: duckdb.DuckDBPyConnection, ids: frozenset[str], columns: Sequence[Column]
) -> People:
    """Return people with what the tables say in columns that are tagged as personal data."""
    people = People(ids)
    words: set[str] = set()
    for column in columns:
        for name in personal_columns().get((column.schema, column.table), ()):
            rows = connection.execute(
                f"select distinct trim(cast({quoted(name)} as varchar)) from {column.relation}"
                f" where {people.is_meant_by(column.sql)}"
            ).fetchall()
            words.update(text for (text,) in rows if text and len(text) >= SHORTEST_WORD)
    return People(ids, frozenset(words))


@cache
def personal_columns() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return by schema and table the columns of sources that are tagged as personal data."""
    tagged = {}
    for source in _sources():
        for table in source.get("tables", ()):
            names = [
                column["name"]
                for column in table.get("columns", ())
                if PERSONAL in column.get("config", {}).get("tags", ())
            ]
            place = source.get("schema", source["name"]), table.get("identifier", table["name"])
            if names:
                tagged[place] = tuple(names)
    return tagged


def _sources() -> Iterator[dict]:
    for file in sorted((warehouse.DBT_PROJECT / "models").rglob("*.yml")):
        text = file.read_text()
        if PERSONAL in text:
            yield from yaml.safe_load(text).get("sources", ())
