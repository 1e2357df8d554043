"""The SQL that says a staged table in our columns, by the rules of a mapping."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from load.file_format import Format
from load.mapping import FILLABLE, ORDER_LINES, Rule
from load.parse_columns import NOTHING, Cast, cast_of
from load.quarantine import Misfit
from load.read_files import Staged
from load.staging import LoadError, literal, quoted, scalar

_SIGNED = ("quantity", "line_item_amount", "total_amount")
_IDS = ("transaction_id", "customer_id", "product_id", "line_item_id", "store_id")


class OurColumns:
    """A staged table in our columns.

    Parameters
    ----------
    name
        The table that is filled.
    rules
        Where each column comes from, what is read before what is made of it.
    theirs
        The file's column for each of ours that is read; None: left empty.
    is_return
        The SQL that is true for a return, where the mapping says how to tell.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        staged: Staged,
        name: str,
        rules: Mapping[str, Rule],
        theirs: Mapping[str, str | None],
        stated: Format,
        is_return: str | None,
    ) -> None:
        self.staged = staged
        self.flat = name == ORDER_LINES.name
        self.rules = rules
        self.theirs = theirs
        self.types = {column.name: column.data_type for column in FILLABLE[name].columns}
        self.casts: dict[str, Cast] = {}
        for key, rule in rules.items():
            if rule.column is not None:
                self.casts[key] = self._read(connection, key, theirs[key], stated)
            elif rule.constant is not None:
                self.casts[key] = self._constant(connection, key, rule.constant)
        self.read = {key: self._cleaned(key, cast.sql) for key, cast in self.casts.items()}
        if is_return:
            for key in _SIGNED:
                if key in self.read:
                    self.read[key] = f"if({is_return}, -abs({self.read[key]}), {self.read[key]})"

    @property
    def misfits(self) -> list[Misfit]:
        """What must not be: values that are no number or date, products that are too large."""
        found = [
            Misfit(self.theirs[key] or key, quoted(self.theirs[key] or key), *rest)
            for key, cast in self.casts.items()
            if cast.misfit and (rest := (cast.misfit, cast.expected))
        ]
        for key, rule in self.rules.items():
            if rule.multiply and all(one in self.read for one in rule.multiply):
                product = " * ".join(self.read[one] for one in rule.multiply)
                too_large = f"{product} is not null and {self._product(key, product)} is null"
                expected = f"a number ({self.types[key]})"
                found.append(Misfit(" x ".join(rule.multiply), product, too_large, expected))
        return found

    @property
    def source(self) -> str:
        """The SQL after `from` that yields our columns."""
        columns = [f"{sql} as {key}" for key, sql in self.read.items()]
        query = f"select {', '.join(columns) or 'null as nothing'} from {self.staged.table}"
        for key, rule in self.rules.items():
            if rule.reads:
                query = f"select *, {self._made(key, rule)} as {key} from ({query})"
        return f"({query})"

    def _read(
        self, connection: duckdb.DuckDBPyConnection, key: str, column: str | None, stated: Format
    ) -> Cast:
        if column is None:
            return Cast(f"cast(null as {self.types[key]})")
        named = (column, self.staged.columns[column])
        return cast_of(connection, self.staged.table, named, self.types[key], stated)

    def _constant(self, connection: duckdb.DuckDBPyConnection, key: str, constant: str) -> Cast:
        sql = f"cast({literal(constant)} as {self.types[key]})"
        if not scalar(connection, f"select try_{sql} is not null"):
            raise LoadError(
                f"the mapping's constant {constant!r} for {key} is no {self.types[key]}"
            )
        return Cast(sql)

    def _cleaned(self, key: str, sql: str) -> str:
        """Fold what is one id, so that what is derived from order lines is derived once."""
        if key in _IDS:
            # NULL and nan are nobody, not a customer who buys a great deal
            sql = f"if(lower(trim({sql})) in {NOTHING}, null, {sql})"
        if not self.flat or self.types[key] != "VARCHAR":
            return sql
        text = f"trim({sql})"
        if key in _IDS:
            # a number that went through a data frame; most ids have no point, so ask that first
            zeros = f"regexp_replace({text}, '^([0-9]+)\\.0+$', '\\1')"
            text = f"if(contains({sql}, '.'), {zeros}, {text})"
        return f"nullif({f'upper({text})' if key == 'product_id' else text}, '')"

    def _made(self, key: str, rule: Rule) -> str:
        if rule.join:
            return f"nullif(concat_ws('-', {', '.join(map(self._plain, rule.join))}), '')"
        if rule.multiply:
            return self._product(key, " * ".join(rule.multiply))
        family = rule.family
        named = f"'Family ' || left({family.of}, {family.length})"
        otherwise = literal(family.otherwise) if family.otherwise else "null"
        return f"if(regexp_matches({family.of}, {literal(family.where)}), {named}, {otherwise})"

    def _plain(self, key: str) -> str:
        """Return a column as text in which equal things are equal: 8.5 and 8.50, whole days."""
        data_type = self.types[key]
        if data_type.startswith("DECIMAL"):
            return f"rtrim(rtrim(cast({key} as varchar), '0'), '.')"
        if data_type in ("DATE", "TIMESTAMP"):
            return f"strftime({key}, '%Y%m%d')"
        return key if data_type == "VARCHAR" else f"cast({key} as varchar)"

    def _product(self, key: str, product: str) -> str:
        # exact: 18 digits times 18 digits fit in the 38 that a decimal has
        return f"try_cast({product} as {self.types[key]})"
