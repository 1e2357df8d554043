"""Facts of the whole shop: which models hold them, and how those of the shards add up."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

THREE_LARGEST = "nullif(list_slice(list_reverse_sort(flatten(list({0}))), 1, 3), [])"
# a mean over shards adds up in the order of their numbers: floats depend on it
MEAN = "sum(priced * {0} order by shard) / nullif(sum(priced), 0)"


@dataclass(frozen=True)
class Fact:
    """A model whose rows, one set from each shard, add up to those of the shop.

    Parameters
    ----------
    model
        Name of the dbt model.
    keys
        Columns that rows are added up by.
    others
        SQL by column for those that are no sum.
    once
        SQL for rows that every shard has alike: they count in the first shard only.
    """

    model: str
    keys: tuple[str, ...] = ()
    others: dict[str, str] = field(default_factory=dict)
    once: str = "false"

    def add_up(self, connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
        """Write the sum of the shards' rows into schema `shop`, in their own types.

        Parameters
        ----------
        connection
            The driver's warehouse.
        files
            Parquet files, one of each shard, in the order of their numbers.
        """
        parts = " union all by name ".join(
            f"select *, {number} as shard from read_parquet('{file}')"
            for number, file in enumerate(files)
        )
        connection.execute("create schema if not exists shop")
        connection.execute(
            f"create or replace table shop.{self.model} as from read_parquet('{files[0]}') limit 0"
        )
        columns = [
            name
            for [name] in connection.execute(
                "select column_name from duckdb_columns() where database_name = current_database()"
                " and schema_name = 'shop' and table_name = ?",
                [self.model],
            ).fetchall()
        ]
        summed = [
            f"{self.others.get(name, 'sum({0})').format(name)} as {name}"
            for name in columns
            if name not in self.keys
        ]
        connection.execute(
            f"insert into shop.{self.model} by name select {', '.join([*self.keys, *summed])}"
            f" from ({parts}) where shard = 0 or not ({self.once})"
            + (f" group by {', '.join(self.keys)}" if self.keys else "")
        )


_COUNTED = ("table_name", "rule", "outcome")
_PRODUCTS = "table_name = 'products'"

# by phase, what is added up when it has ended; the next phase reads it. Days of orders compare
# those without a customer within their shard, and mean prices agree to the last digits only: alarms
# read them, no feature does
PHASES: tuple[tuple[Fact, ...], ...] = (
    (
        Fact("int_line_sizes_binned", ("known_month", "measure", "size_bin")),
        Fact("int_line_months_listed", ("event_month",)),
        Fact("int_customers_counted", ("registered_date", "first_known_on")),
        Fact(
            "int_checks_summed",
            ("table_name", "rejected_by", "is_superseded"),
            {
                "example": "min({0})",
                "largest": THREE_LARGEST,
                "largest_duplicates": THREE_LARGEST,
            },
        ),
        Fact("int_order_days_measured", ("day", "store_id", "loaded_at")),
        Fact(
            "int_product_days_measured",
            ("day", "product_id", "loaded_at"),
            {"log_price": MEAN, "log_quantity": MEAN},
        ),
    ),
    (
        Fact("int_shop_days_summed", ("event_date", "known_date", "known_until")),
        Fact(
            "int_newcomers_counted",
            ("known_from_date", "event_date", "known_date", "known_until"),
        ),
        Fact(
            "int_line_days_counted",
            ("event_date", "known_date", "store_id", "product_category"),
        ),
        Fact("int_caps_summed", (), {"largest": THREE_LARGEST}),
    ),
    (
        Fact("int_dq_row_outcomes", _COUNTED, once=_PRODUCTS),
        Fact("int_repairs_counted", _COUNTED, once=_PRODUCTS),
        Fact("int_late_rows_counted", _COUNTED, once=_PRODUCTS),
    ),
)
