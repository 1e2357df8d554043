"""Read one table of a mapping: stage its files, leave rows out, say each value in our columns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from core.sql import quoted
from load.expressions import NUMBER, Expression
from load.file_format import Format
from load.find_files import find
from load.joined import joined
from load.mapping import (
    CURRENCY_NAMES,
    FILLABLE,
    ORDER_LINES,
    TableMapping,
)
from load.near_names import plain
from load.quarantine import ROW, Misfit, check, keep_bad_rows
from load.raw_tables import HEADERS
from load.read_files import Staged, open_parts, stage
from load.resolve_columns import ORDER_AMOUNT, resolved
from load.staging import OUR, STAGED, LoadError, scalar
from load.values import NOTHING, currencies, decimal_sign, moments, number_sql

log = logging.getLogger(__name__)

IDS = ("transaction_id", "customer_id", "product_id", "line_item_id", "store_id")
# what tills and shops write for "we do not know who": nobody, not one great customer
_GUESTS = (
    "('0', '-1', 'guest', 'guests', 'guest checkout', 'guest customer', 'gast', 'gastkunde', "
    "'invitado', 'invité', 'anonymous', 'anonym', 'anon', 'walk-in', 'walkin', 'walk in', "
    "'walk-in customer', 'cash', 'cash customer', 'cash sale', 'unknown', 'unbekannt', 'nobody', "
    "'not logged in')"
)
_EXACT = quoted(OUR + "exact amount")
# a shop's cents may be parted further; more than this share of the money is another sum
_ROUNDED_SHARE = 1e-4


@dataclass(frozen=True)
class Read:
    """One table as read: the scratch table that holds its columns, and where it is from."""

    name: str
    source: str
    rows_by_file: dict[Path, int]
    rejected: int
    has_zones: bool
    keys: frozenset[str]
    staged: Staged
    currency: str | None = None  # the sign that stands beside numbers

    def place(self, file_row: int) -> str:
        """Return the file and row that a row of `order_lines` stands in."""
        ((part, number),) = self.staged.places([file_row])
        return f"{part.file}, {f'sheet {part.sheet}, ' if part.sheet else ''}row {number}"


@dataclass
class _Reading:
    """What is known of a table while its columns are read, one after another."""

    connection: duckdb.DuckDBPyConnection
    name: str
    staged: Staged
    stated: Format
    zone: str
    source: str
    misfits: list[Misfit] = field(default_factory=list)
    has_zones: bool = False
    has_exact_amount: bool = False


def read_table(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    table: TableMapping,
    scratch: Path,
    *,
    zone: str,
    quarantine: bool = False,
    is_layout: bool = False,
    may_be_empty: bool = False,
    checks: Sequence[Misfit] = (),
    shape: Callable[[str, frozenset[str]], str] | None = None,
) -> Read:
    """Stage one table of a mapping.

    Parameters
    ----------
    path
        The file, folder or glob that the user gave.
    name
        The table: a raw table's name, `order_lines`, `refunds` or `rates`.
    scratch
        A folder for copies of files that must be decoded first.
    zone
        The shop's time zone, onto whose clock moments are put.
    quarantine
        Set rows aside that do not fit, instead of refusing them all.
    is_layout
        Exports of a format that is known by name grow and lose columns: what is not required may
        be missing.
    may_be_empty
        A quiet night has a header and no rows.
    checks
        What else does not fit of our columns, each called `our <column>`, where the file has them.
    shape
        Makes the query that is kept of the source of our columns and the names of those mapped.

    Raises
    ------
    LoadError
        If a column is missing, or a value does not fit; the message says where.
    """
    parts = open_parts(connection, find(path, table.file), scratch, table.format, table.table)
    join = joined(connection, path, table, parts, scratch)
    theirs = join.columns
    expressions = resolved(connection, theirs, str(parts[0].file), name, table, is_layout)
    if name == ORDER_LINES.name and "currency" not in expressions:
        # money of several currencies must not add up because a mapping forgot to say so
        for column in [header for header in theirs if plain(header) in CURRENCY_NAMES][:1]:
            expressions["currency"] = Expression(quoted(column), {column})
    needed = set().union(*(expression.columns for expression in expressions.values()))
    for column in needed | join.keys:
        if column.lower() == "rowid" or column.lower().startswith(OUR):
            raise LoadError(
                f"{parts[0].file}: the column {column} has a name that means something else here: "
                "rename it in the file"
            )
    if not needed:
        raise LoadError(f"{parts[0].file}: the mapping reads none of its columns")
    # what is set aside is kept whole, so all of it must be read
    wanted = [
        header
        for header in theirs
        if header in needed | join.keys
        or (quarantine and header.lower() != "rowid" and not header.lower().startswith(OUR))
    ]
    _say_what_is_unused(parts[0].file.name, theirs, needed | join.keys)
    staged = join.stage(
        stage(
            connection,
            parts,
            f"file_{name}",
            wanted,
            quarantine=quarantine,
            may_be_empty=may_be_empty,
        ),
        wanted,
    )
    _drop_blank_rows(connection, staged, needed)
    number, currency = _define_number(connection, staged, name, expressions, table.format)
    if where := expressions.pop("where", None):
        _leave_out(connection, staged, where)
    source = f"(select *, rowid as {ROW} from {staged.table})"
    reading = _Reading(connection, name, staged, table.format, zone, source)
    for texts in (expression.numbers for expression in expressions.values()):
        reading.misfits += [_no_number(text, text, number) for text in texts]
    _read_columns(reading, expressions, number)
    reading.misfits += [one for one in checks if one.column in expressions]
    rejected = keep_bad_rows(connection, staged, name, path)
    rejected += check(
        connection,
        staged,
        name,
        reading.misfits,
        path,
        source=reading.source,
        quarantine=quarantine,
    )
    _keep_exact_amount(reading, expressions)
    counts = staged.rows_by_file(connection)
    if rejected and not sum(counts.values()):
        raise LoadError(f"{staged.name}: none of its rows fits, so nothing is loaded")
    keys = frozenset(expressions)
    source = _complete(reading, keys)
    # now, while `number` is this file's
    read = f"{STAGED}.main.{quoted(f'read_{name}')}"
    connection.execute(
        f"create or replace table {read} as {shape(source, keys) if shape else f'from {source}'}"
    )
    connection.execute(f"drop table {staged.table}")
    if reading.has_exact_amount:
        _refuse_lost_money(connection, staged.name, read)
    return Read(name, read, counts, rejected, reading.has_zones, keys, staged, currency)


def _define_number(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    name: str,
    expressions: Mapping[str, Expression],
    stated: Format,
) -> tuple[str, str | None]:
    """Make the macro `number` for the way in which the file writes numbers.

    Returns
    -------
    tuple
        The decimal sign, and the sign of a currency where one stands beside numbers.
    """
    types = FILLABLE[name].types
    texts = [text for entry in expressions.values() for text in entry.numbers]
    for key, expression in expressions.items():
        column = next(iter(expression.columns), None)
        if (
            column is not None
            and expression.sql == quoted(column)
            and _is_number(types.get(key, ""))
            and staged.columns[column] == "VARCHAR"
        ):
            texts.append(expression.sql)
    texts = list(dict.fromkeys(texts))
    decimal = stated.decimal or decimal_sign(connection, staged.table, texts, staged.name)
    connection.execute(
        f"create or replace temp macro {NUMBER}(written) as "
        f"{number_sql('cast(written as varchar)', decimal)}"
    )
    by_column = {text: currencies(connection, staged.table, text) for text in texts}
    signs = sorted({sign for column_signs in by_column.values() for sign in column_signs})
    if len(signs) > 1 and "currency" not in expressions:
        columns = ", ".join(text for text, column_signs in by_column.items() if column_signs)
        raise LoadError(
            f"{staged.name}: column {columns}: several currencies ({', '.join(signs)}): map the "
            "column that names the currency as `currency` and give `rates`, or leave rows out "
            "by `where`"
        )
    return decimal, signs[0] if len(signs) == 1 else None


def _drop_blank_rows(
    connection: duckdb.DuckDBPyConnection, staged: Staged, needed: set[str]
) -> None:
    """Delete rows in which nothing that is read stands, and say how many."""
    blank = " and ".join(f"{quoted(column)} is null" for column in sorted(needed))
    rows = scalar(connection, f"select count(*) from {staged.table} where {blank}")
    if rows:
        log.info("%s: %s blank rows left out", staged.name, f"{rows:,}")
        connection.execute(f"delete from {staged.table} where {blank}")


def _leave_out(connection: duckdb.DuckDBPyConnection, staged: Staged, where: Expression) -> None:
    """Delete the staged rows that do not count."""
    connection.execute(
        f"create or replace temp table counted as select rowid as staged_row, cast({where.sql} as "
        f"boolean) as counts from {staged.table}"
    )
    rows, left_out, unknown, first = connection.execute(
        "select count(*), count(*) filter (not counts), count(*) filter (counts is null), "
        "min(staged_row) filter (counts is null) from counted"
    ).fetchall()[0]
    if unknown:
        text = scalar(
            connection,
            f"select left(cast(to_json(staged) as varchar), 400) from {staged.table} as staged "
            "where rowid = ?",
            [first],
        )
        ((part, number),) = staged.places([first])
        raise LoadError(
            f"{part.file}: `where` is neither true nor false for {unknown:,} of {rows:,} rows, "
            f"first row {number} {text}: say what such a row is, as in "
            "coalesce(Status, '') <> 'void'"
        )
    if left_out:
        log.info("%s: %s of %s rows left out by `where`", staged.name, f"{left_out:,}", f"{rows:,}")
        connection.execute(
            f"delete from {staged.table} "
            "where rowid in (select staged_row from counted where not counts)"
        )
    connection.execute("drop table counted")


def _read_columns(reading: _Reading, expressions: Mapping[str, Expression], decimal: str) -> None:
    """Add a column `our <key>` to the source for each of ours; what others are made of is first."""
    types = FILLABLE[reading.name].types
    pending = dict(expressions)
    while pending:
        layer = {key: entry for key, entry in pending.items() if not entry.ours & set(pending)}
        read = []
        for key, expression in layer.items():
            sql = _value(reading, key, expression, types.get(key, "DECIMAL(18,4)"), decimal)
            read.append(f"{sql} as {quoted(OUR + key)}")
            del pending[key]
        reading.source = f"(select *, {', '.join(read)} from {reading.source})"


def _value(
    reading: _Reading, key: str, expression: Expression, data_type: str, decimal: str
) -> str:
    """Return the SQL of a value in the type of our column, and note what would not fit."""
    connection, sql = reading.connection, expression.sql
    try:
        [(_, given, *_)] = connection.execute(
            f"describe select {sql} as value from {reading.source}"
        ).fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise LoadError(f"{reading.staged.name}: {key}: {sql} cannot be read: {first}") from error
    column = next(iter(expression.columns)) if len(expression.columns) == 1 else None
    called = column if column and sql == quoted(column) else key
    if data_type == "VARCHAR":
        return _text(reading, key, sql if given == "VARCHAR" else f"cast({sql} as varchar)")
    if _is_number(data_type):
        if given == "VARCHAR":
            reading.misfits.append(_no_number(sql, called, decimal))
            sql = f"{NUMBER}({sql})"
        elif given == "BOOLEAN" or given.startswith(("DATE", "TIME")):
            raise LoadError(
                f"{reading.staged.name}: {key}: {expression.sql} is no number but {given}"
            )
        cast = f"try_cast({sql} as {data_type})"
        is_large = f"{sql} is not null and {cast} is null"
        reading.misfits.append(Misfit(called, sql, is_large, f"a number ({data_type})"))
        return cast
    if given == "DATE" or given.startswith("TIMESTAMP"):
        if given.endswith("ZONE"):
            reading.has_zones = True
            sql = f"timezone('{reading.zone}', {sql})"
        return f"cast({sql} as {data_type})"
    text = f"cast({sql} as varchar)" if given != "VARCHAR" else sql
    try:
        read = moments(connection, reading.source, text, reading.stated.dates, reading.zone)
    except LoadError as error:
        raise LoadError(f"{reading.staged.name}: {error}") from error
    reading.has_zones |= read.has_zones
    nothing = f"lower(trim({text})) in {NOTHING}"
    is_misfit = f"{text} is not null and {read.sql} is null and not {nothing}"
    reading.misfits.append(Misfit(called, text, is_misfit, read.form))
    return f"cast({read.sql} as {data_type})"


def _no_number(text: str, called: str, decimal: str) -> Misfit:
    is_misfit = (
        f"{text} is not null and {NUMBER}({text}) is null and lower(trim({text})) not in {NOTHING}"
    )
    example = "1,234.50" if decimal == "." else "1.234,50"
    return Misfit(called.strip('"'), text, is_misfit, f"a number written as {example}")


def _text(reading: _Reading, key: str, sql: str) -> str:
    """Fold what is one id, so that what is derived from order lines is derived once."""
    flat = reading.name in (ORDER_LINES.name, "refunds", "rates")
    if key in IDS:
        # NULL and nan are nobody, not a customer who buys a great deal
        nobody = NOTHING
        if key == "customer_id" and reading.name in (ORDER_LINES.name, HEADERS.name):
            nobody = f"{NOTHING[:-1]}, {_GUESTS[1:]}"
        sql = f"if(lower(trim({sql})) in {nobody}, null, {sql})"
    if not flat:
        return sql
    text = f"trim({sql})"
    if key in IDS:
        # a number that went through a data frame; most ids have no point, so ask that first
        zeros = f"regexp_replace({text}, '^([0-9]+)\\.0+$', '\\1')"
        text = f"if(contains({sql}, '.'), {zeros}, {text})"
    return f"nullif({f'upper({text})' if key in ('product_id', 'currency') else text}, '')"


def _keep_exact_amount(reading: _Reading, expressions: Mapping[str, Expression]) -> None:
    """Add what an amount is before it is rounded, so that it needs no reading of its own."""
    if "line_item_amount" not in expressions or reading.name == "refunds":
        return
    exact = expressions["line_item_amount"].sql
    [(_, given, *_)] = reading.connection.execute(
        f"describe select {exact} as value from {reading.source}"
    ).fetchall()
    exact = f"{NUMBER}({exact})" if given == "VARCHAR" else exact
    reading.source = f"(select *, cast({exact} as double) as {_EXACT} from {reading.source})"
    reading.has_exact_amount = True


def _refuse_lost_money(connection: duckdb.DuckDBPyConnection, name: str, read: str) -> None:
    """Say how much money further decimals than four carry, and refuse where it is much."""
    lines, lost, money = connection.execute(
        f"""
        select count(*) filter (abs(exact - kept) > 5e-7), sum(abs(exact - kept)), sum(abs(exact))
        from (select exact_amount as exact, cast(line_item_amount as double) as kept from {read})
        """
    ).fetchall()[0]
    if not lines:
        return
    message = (
        f"{name}: the amounts of {lines:,} lines have more than four decimals; "
        f"rounding moves {lost:,.4f} of {money:,.2f}"
    )
    if lost > _ROUNDED_SHARE * money:
        raise LoadError(
            f"{message}: load them in a smaller unit, as in line_item_amount: 1000 * Amount"
        )
    log.warning("%s", message)


def _is_number(data_type: str) -> bool:
    return data_type.startswith(("DECIMAL", "BIGINT"))


def _say_what_is_unused(file: str, theirs: Iterable[str], needed: set[str]) -> None:
    if unused := [column for column in theirs if column not in needed]:
        log.info("%s: not used: column %s", file, ", ".join(unused))


def _complete(reading: _Reading, keys: frozenset[str]) -> str:
    """Return a source that has all columns of its table, empty where the mapping has none."""
    further = [ORDER_AMOUNT, "file_row"] if reading.name == ORDER_LINES.name else []
    types = FILLABLE[reading.name].types
    columns = [
        f"{quoted(OUR + column)} as {quoted(column)}"
        if column in keys or column == "file_row"
        else f"cast(null as {types.get(column, 'DECIMAL(18,4)')}) as {column}"
        for column in [*types, *further]
    ]
    if reading.has_exact_amount:
        columns.append(f"{_EXACT} as exact_amount")
    return f"(select {', '.join(columns)} from {reading.source})"
