"""The runs of `make bench-features`: each builds features by one method and measures itself."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb

import warehouse
from benchmarks.kernel import compiled
from benchmarks.measuring import SIZES, WORK, measure
from benchmarks.peers import common

PEERS = WORK / "peers" / "bin" / "python"
# these run in the project's own environment
OURS = ("duckdb_features", "ours_retrieval")
# as-of dates of the grid; the current one is one more
SNAPSHOTS = 12
ROWS_AT_A_TIME = 1_500_000
SHARDS = 8
# DuckDB's own bound in a shard; Python, dbt and what DuckDB does not count come on top
MEMORY_OF_A_SHARD = "2500MB"
LATE_LINES = 1_000

# a day of a customer with the columns that the peers know
CUSTOMER_DAYS = """
    select
        customer_id, event_date, known_date, known_until, spend, orders, returned, promoted, items,
        lines, active_days, gap_days is not null as gaps, gap_days,
        cast(gap_days as bigint) * gap_days as gap_days_squared, largest_order
    from intermediate.int_customer_days_spaced
"""


LAST_MOMENT = "(select max(recorded_at) from raw.store_sales_header)"
NEXT_LOAD = "(select max(_loaded_at) + interval 1 second from raw.store_sales_line_items)"


class Shop:
    """A generated shop in a folder of its own.

    Parameters
    ----------
    size
        One of `SIZES`.
    """

    def __init__(self, size: str) -> None:
        self.size = size
        self.folder = WORK / f"features-{size}"
        self.warehouse = self.folder / "shop.duckdb"
        self.shards_log = self.folder / "shards.log"
        self._environment = {
            "WAREHOUSE_PATH": str(self.warehouse),
            "DBT_PROJECT_DIR": str(warehouse.DBT_PROJECT),
            "DBT_PROFILES_DIR": str(warehouse.DBT_PROJECT),
            # a project that dbt has not read before, as on a fresh clone
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }

    def generate(self) -> None:
        """Generate the raw tables."""
        command = [sys.executable, "generate/synthetic.py", "--customers", str(SIZES[self.size])]
        measure(command, self._environment, self.folder / "generate.log")

    def dbt(self, *arguments: str, as_of: date | None = None) -> dict[str, float]:
        """Run dbt as its users do, tests included, and measure it."""
        dbt = str(Path(sys.executable).with_name("dbt"))
        command = [dbt, *arguments, "--vars", self._variables(as_of)]
        return measure(command, self._environment, self.folder / "dbt.log")

    def _variables(self, as_of: date | None = None) -> str:
        variables = {"snapshots_kept": SNAPSHOTS, "rows_at_a_time": ROWS_AT_A_TIME}
        if as_of:
            variables["as_of"] = as_of.isoformat()
        return json.dumps(variables)

    def build_in_shards(self, *options: str, shards: int = SHARDS) -> dict[str, float]:
        """Build all in shards, without options one after another, and measure it."""
        command = [sys.executable, "shards/build.py", "--shards", str(shards), *options]
        bound = {"DUCKDB_MEMORY_LIMIT": MEMORY_OF_A_SHARD}
        return measure(
            [*command, "--vars", self._variables()],
            self._environment | bound,
            self.shards_log,
        )

    def build(self, *arguments: str, as_of: date | None = None) -> dict[str, float]:
        """Run `dbt build` without the unit tests, which belong to a change of the SQL."""
        return self.dbt("build", "--exclude-resource-type", "unit_test", *arguments, as_of=as_of)

    def seconds_of_nodes(self) -> dict[str, float]:
        """Return what each node of the last run of dbt took."""
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        return {result["unique_id"]: result["execution_time"] for result in results}

    def dates(self) -> list[date]:
        """Return the as-of dates of the mart, in order."""
        rows = self.query("select as_of_date from intermediate.int_snapshots_scheduled order by 1")
        return [row[0] for row in rows]

    def query(self, sql: str) -> list[tuple]:
        """Run a statement on the warehouse."""
        with duckdb.connect(str(self.warehouse)) as connection:
            return connection.execute(sql).fetchall()

    def checksum(self, database: Path, table: str) -> dict[str, object]:
        """Return rows, features and checksum of a table of features, and the sum of each column."""
        file = self.folder / "result.parquet"
        with duckdb.connect(str(database), read_only=True) as connection:
            connection.execute("set preserve_insertion_order = false")
            connection.execute(f"copy (from {table}) to '{file}'")
        names = [name for name in common.schema_of(file).names if name not in common.KEYS]
        rows, sums = common.checksums(file, names)
        file.unlink()
        return {
            "rows": rows,
            "features": len(names),
            "checksum": common.total(rows, sums),
            "columns": sums,
        }

    def kernel(self) -> dict[str, object]:
        """Run the bare kernel on the raw tables, and return its measures and checksum."""
        statements, out = self.folder / "kernel.json", self.folder / "kernel.duckdb"
        compiled.write(statements, self.dates(), ROWS_AT_A_TIME)
        command = [sys.executable, "benchmarks/kernel/run.py"]
        measured = measure([*command, str(statements), str(self.warehouse), str(out)], {})
        result = {**measured, **self.checksum(out, "features")}
        out.unlink()
        return result

    def export(self) -> None:
        """Write what the peers read: customer days, the mart, and its customers and dates."""
        sources = {
            "customer_days": CUSTOMER_DAYS,
            "mart": "from features.feat_customers",
            "spine": "select customer_id, as_of_date from features.feat_customers",
        }
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute("set preserve_insertion_order = false")
            for name, sql in sources.items():
                connection.execute(f"copy ({sql}) to '{self.folder / name}.parquet'")

    def peer(self, module: str, limit: int) -> dict[str, object]:
        """Run a peer in the environment of the peers; it measures itself, without its start."""
        arguments = ["-m", f"benchmarks.peers.{module}", str(self.folder), "--limit", str(limit)]
        python = sys.executable if module in OURS else PEERS
        done = subprocess.run(
            [str(python), *arguments],
            cwd=warehouse.ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{module} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def take_away(self, day: date) -> None:
        """Put aside what became known on or after a day."""
        for table in ("store_sales_line_items", "store_sales_header"):
            self.query(
                f"""
                create or replace table main.aside_{table} as
                from raw.{table} where recorded_at >= date '{day}';
                delete from raw.{table} where recorded_at >= date '{day}'
                """
            )

    def bring_back(self) -> None:
        """Append what was put aside, as a load of its own."""
        for table in ("store_sales_line_items", "store_sales_header"):
            self.query(
                f"""
                insert into raw.{table} by name
                select * replace ({NEXT_LOAD} as _loaded_at) from main.aside_{table};
                drop table main.aside_{table}
                """
            )

    def come_late(self) -> None:
        """Load lines of transactions of closed months that are known on the last day only."""
        self._load_lines(LATE_LINES, f"recorded_at < {LAST_MOMENT} - interval 90 day")

    def a_night(self) -> int:
        """Load a thousandth more lines: most of new orders, some late, some that correct others.

        Returns
        -------
        int
            Lines of the load.
        """
        [(lines,)] = self.query("select count(*) // 1000 from raw.store_sales_line_items")
        self.query(
            f"""
            create or replace table main.bought as
            select transaction_id, {NEXT_LOAD} as loaded_at
            from raw.store_sales_header
            where recorded_at >= {LAST_MOMENT} - interval 30 day
            order by hash(transaction_id)
            limit {lines * 8 // 10 // 3};
            insert into raw.store_sales_header by name
            select headers.* replace (
                'N' || headers.transaction_id as transaction_id,
                {LAST_MOMENT} as transaction_date,
                null as transaction_date_text,
                {LAST_MOMENT} as recorded_at,
                bought.loaded_at as _loaded_at
            )
            from raw.store_sales_header as headers
            inner join main.bought as bought on headers.transaction_id = bought.transaction_id;
            insert into raw.store_sales_line_items by name
            select lines.* replace (
                'N' || lines.line_item_id as line_item_id,
                'N' || lines.transaction_id as transaction_id,
                {LAST_MOMENT} as recorded_at,
                bought.loaded_at as _loaded_at
            )
            from raw.store_sales_line_items as lines
            inner join main.bought as bought on lines.transaction_id = bought.transaction_id;
            drop table main.bought
            """
        )
        self._load_lines(lines // 10, "true")
        self._load_lines(lines // 10, "line_item_amount > 0", corrects=True)
        return lines

    def _load_lines(self, count: int, condition: str, *, corrects: bool = False) -> None:
        changed = (
            "line_item_amount * 1.1 as line_item_amount"
            if corrects
            else "'LATE' || line_item_id as line_item_id"
        )
        self.query(
            f"""
            insert into raw.store_sales_line_items by name
            select * replace (
                {changed}, {LAST_MOMENT} as recorded_at, {NEXT_LOAD} as _loaded_at
            )
            from raw.store_sales_line_items
            where {condition} and not starts_with(line_item_id, 'N')
            order by hash(line_item_id, '{condition}')
            limit {count}
            """
        )
