"""Whether mistakes are found: each mutant of the SQL must build another mart than the honest one.

The scene has several worlds, built as if a cut were today; then rows of all kinds come in, of late,
corrected and deleted ones too, and some that the first load forgot; customers and products change,
and rows of the mart are lost. The mart that the honest project makes of it is the oracle's (the
other parts prove it), so a mutant is found where its mart differs, where it does not build, or
where a unit test fails.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import warehouse
from core import dbt_runner
from load.raw_tables import TABLES
from proof import building, futures, histories
from proof.changes import CHANGES
from proof.checks import nights_equal_full_build
from proof.histories.many_worlds import WORLD_OF, many_worlds, together
from proof.histories.worlds import Tables
from proof.mart_difference import changed
from proof.mutants import MUTANTS, MUTANTS_OF_NIGHTS, Mutant
from proof.outcome import Outcome, Task

PART = "mutants"
CUT = date(2000, 1, 1) + timedelta(30 * 270)
END = CUT + timedelta(407)
AS_OF = {**building.SETTINGS, "as_of": END.isoformat()}
# so that months are without a cap until a night
NIGHTS = {**building.SETTINGS, "cap_minimum_lines": 1500}
AT_ONCE = 12
# a join without its key spilt 65 GB, all that the disk had, before DuckDB gave up
SPILT_AT_MOST = "2GB"
# what a night adds to beside the mart: rows that no feature sees are rows that a gate counts
CHECKED = ("int_headers_checked", "int_lines_checked", "int_orders_totalled")

LAST = "(select max(_loaded_at) from raw.store_sales_header)"
LATE = "(select max(recorded_at) - interval 60 day from raw.store_sales_header)"
KEEPER = "(select min(customer_id) from raw.store_sales_header where customer_id <> '')"


def _large_lines(prefix: str, column: str) -> tuple[str, ...]:
    """Return SQL that adds an order of one customer, known early, with large lines: caps rise."""
    return (
        f"create temp table kept as select * replace ({LAST} + interval 10 second as _loaded_at)"
        f" from raw.store_sales_header where customer_id = {KEEPER}"
        " order by transaction_date, hash(transaction_id) limit 1",
        "insert into raw.store_sales_header by name"
        f" select * replace ('{prefix}' || transaction_id as transaction_id) from kept",
        "insert into raw.store_sales_line_items by name select lines.* replace ("
        f"'{prefix}' || kept.transaction_id as transaction_id,"
        f" '{prefix}' || line_item_id as line_item_id, 20 * {column} as {column},"
        " kept.recorded_at as recorded_at, kept._loaded_at as _loaded_at)"
        " from (from raw.store_sales_line_items where line_item_amount > 0 and quantity > 0"
        " order by hash(line_item_id) limit 1500) as lines cross join kept",
    )


# the shop's first line, small and so often that months which had too few lines for a cap have one
FIRST_CAPS = (
    "insert into raw.store_sales_line_items by name select lines.* replace ("
    "'F' || copies.number as line_item_id, 0.01 as line_item_amount, 1 as quantity,"
    f" {LAST} + interval 10 second as _loaded_at)"
    " from raw.store_sales_line_items as lines cross join range(1500) as copies (number)"
    " where line_item_id = (select arg_min(line_item_id, (known_date, line_item_id))"
    " from intermediate.int_lines_checked where rejected_by is null)",
)
# a night of few rows: lines that move to another order, orders that become another customer's (some
# as if they had never been the first one's), headers without lines, lines without a header; and
# first caps
MOVES = (
    *FIRST_CAPS,
    f"create temp table moved as select * replace ({LAST} + interval 10 second as _loaded_at)"
    f" from raw.store_sales_header where recorded_at < {LATE}",
    "insert into raw.store_sales_line_items by name"
    " select lines.* replace (moved_to.transaction_id as transaction_id,"
    f" {LATE} as recorded_at, moved_to._loaded_at as _loaded_at)"
    " from (from raw.store_sales_line_items order by hash(line_item_id) limit 12) as lines"
    " cross join (from moved order by hash(transaction_id) limit 1) as moved_to",
    f"insert into raw.store_sales_header by name select * replace ({KEEPER} as customer_id)"
    " from moved qualify count(*) over (partition by customer_id) = 1"
    " order by hash(transaction_id) limit 8",
    f"insert into raw.store_sales_header by name select * replace ({KEEPER} as customer_id,"
    f" {LATE} as recorded_at) from moved order by hash(transaction_id, 1) limit 8",
    "insert into raw.store_sales_header by name"
    " select * replace ('W' || transaction_id as transaction_id)"
    " from moved order by hash(transaction_id, 2) limit 8",
    "insert into raw.store_sales_line_items by name"
    " select lines.* replace ('V' || lines.transaction_id as transaction_id,"
    " 'V' || line_item_id as line_item_id, moved._loaded_at as _loaded_at)"
    " from raw.store_sales_line_items as lines"
    " inner join (from moved order by hash(transaction_id, 3) limit 8) as moved"
    " on lines.transaction_id = moved.transaction_id",
)
# the night after: an order of whom the others became, what those headers and lines lacked, a line
# of no order, and a cap of amounts that rises for all; then one of quantities
MEETS = (
    f"create temp table met as select * replace ({LAST} + interval 10 second as _loaded_at)"
    " from raw.store_sales_header",
    f"create temp table added as select * replace ({LAST} + interval 10 second as _loaded_at)"
    " from raw.store_sales_line_items",
    "insert into raw.store_sales_header by name select * replace ('V' || transaction_id as"
    " transaction_id) from met where 'V' || transaction_id in (select transaction_id from added)",
    "insert into raw.store_sales_line_items by name select * replace ('W' || transaction_id as"
    " transaction_id, 'W' || line_item_id as line_item_id) from added"
    " where 'W' || transaction_id in (select transaction_id from met)",
    "insert into raw.store_sales_line_items by name select * replace (null as transaction_id,"
    " 'N' || line_item_id as line_item_id) from added order by hash(line_item_id) limit 3",
    *_large_lines("K", "line_item_amount"),
)


def tasks(share: float, seed: int) -> list[Task]:
    """Return groups of mutants; each group makes its scene once."""
    some = MUTANTS[:: max(round(1 / share), 1)]
    groups = [some[begin : begin + AT_ONCE] for begin in range(0, len(some), AT_ONCE)]
    return [Task(check_mutants, (seed, group)) for group in groups]


def check_mutants(folder: Path, seed: int, mutants: list[Mutant]) -> Outcome:
    """Build the scene with each mutant and compare with the honest mart."""
    scene, honest = folder / "scene.duckdb", folder / "honest.duckdb"
    _make_scene(scene, seed)
    shutil.copy(scene, honest)
    building.build(honest, AS_OF)
    if any(mutant in MUTANTS_OF_NIGHTS for mutant in mutants):
        for night, file in enumerate(_nights(folder / "nights.duckdb", seed)):
            shutil.copy(file, folder / f"honest_{night}.duckdb")
            building.build(folder / f"honest_{night}.duckdb", NIGHTS, full_refresh=True)
    project = folder / "dbt_project"
    alive = [mutant for mutant in mutants if not _is_found(folder, project, mutant, seed)]
    return Outcome(
        PART,
        f"{len(mutants)} mutants",
        cases=len(mutants),
        differences=[f"not found: {mutant.name}" for mutant in alive],
        what=f"{len(mutants) - len(alive)} found",
    )


def _make_scene(file: Path, seed: int) -> None:
    worlds = many_worlds([seed, seed + 1, seed + 2], CUT)
    at_once, later = _parted(together(worlds.values()), Random(seed))
    building.write(file, at_once)
    building.build(file, {**building.SETTINGS, "as_of": CUT.isoformat()})
    building.write(file, later, append=True)
    with building.in_warehouse(file), warehouse.connect() as connection:
        # there are few strangers, so all of them become known
        shares = {
            world: {**dict.fromkeys(CHANGES, 0.08), "newcomers": 1, "new products": 1}
            for world in worlds
        }
        futures.apply(connection, futures.Future(CUT, END, seed, shares), WORLD_OF)
        connection.execute(
            "delete from features.feat_customers where hash(customer_id) % 7 = 0"
            " and as_of_date = (select min(as_of_date) + 30 from features.feat_dates)"
        )


def _nights(file: Path, seed: int) -> Iterator[Path]:
    """Build night by night; yield the file where it should be what a build of all makes of it.

    The first night that counts comes after a load that was read, but taken back before any build
    came to its end; the second after rows were written over; the third brings attributes, too;
    the last two bring few rows, of all kinds that touch others. Loads are not in the order of their
    stamps.
    """
    file.unlink(missing_ok=True)
    tables = together(many_worlds([seed, seed + 1, seed + 2], CUT).values())
    loads = histories.arrivals(tables, seed, 4, shuffled=True)
    first, taken_back, second, third = loads
    building.write(file, third)
    building.build(file, NIGHTS)
    building.write(file, taken_back, append=True)
    with building.in_warehouse(file):
        dbt_runner.build(NIGHTS, select="staging.retail", run_only=True)
        _change(
            *(
                f"delete from raw.{table.name} where _loaded_at = '{_stamp(taken_back)}'"
                for table in TABLES
            )
        )
    building.write(file, second, append=True)
    building.build(file, NIGHTS)
    yield file
    with building.in_warehouse(file):
        _change(
            "update raw.store_sales_line_items set line_item_amount = 2 * line_item_amount,"
            " quantity = 2 * quantity where hash(line_item_id) % 9 = 0"
        )
    building.build(file, NIGHTS)
    yield file
    building.write(file, first, append=True)
    building.write(file, taken_back, append=True)
    with building.in_warehouse(file):
        later = f"timestamp '{_stamp(third)}' + interval 9 second"
        _change(
            "insert into raw.customer_details select * replace ('Elsewhere' as region,"
            f" {later} as _loaded_at) from raw.customer_details where hash(customer_id) % 9 = 0",
            "insert into raw.products select * replace ('Novelties' as product_category,"
            f" {later} as _loaded_at) from raw.products where hash(product_id) % 9 = 0",
        )
    building.build(file, NIGHTS)
    yield file
    for news in (MOVES, MEETS, _large_lines("Q", "quantity")):
        with building.in_warehouse(file):
            _change(*news)
        building.build(file, NIGHTS)
        yield file


def _stamp(load: Tables) -> datetime:
    return next(row["_loaded_at"] for rows in load.values() for row in rows)


def _change(*statements: str) -> None:
    with warehouse.connect() as connection:
        for statement in statements:
            connection.execute(statement)


def _parted(tables: Tables, rng: Random) -> tuple[Tables, Tables]:
    """Part the rows of sales into those that a first load brings, and a few that it forgets.

    Of some customers it forgets all.
    """
    customers = sorted({row["customer_id"] or "" for row in tables["store_sales_header"]})
    overlooked = set(rng.sample(customers, len(customers) // 20))
    at_once, later = {}, {}
    for name, rows in tables.items():
        share = 0.03 if name.startswith("store_sales") else 0
        at_once[name], later[name] = [], []
        for row in rows:
            is_late = share and (rng.random() < share or row.get("customer_id") in overlooked)
            (later if is_late else at_once)[name].append(row)
    return at_once, later


def _differs_in_checks(file: Path, other_file: Path) -> bool:
    """Return whether what was checked and totalled differs."""
    with building.reading(file, other=other_file) as connection:
        for table in CHECKED:
            left, right = f"intermediate.{table}", f"other.intermediate.{table}"
            for only, without in ((left, right), (right, left)):
                if connection.execute(f"from {only} except from {without} limit 1").fetchall():
                    return True
    return False


def _bound_what_is_spilt(project: Path) -> None:
    profile = project / "profiles.yml"
    settings = "settings:"
    bounded = f"{settings}\n        max_temp_directory_size: {SPILT_AT_MOST}"
    profile.write_text(profile.read_text().replace(settings, bounded, 1))


def _is_found(folder: Path, project: Path, mutant: Mutant, seed: int) -> bool:
    """Return whether a mutant's mart differs from the honest one, or a unit test fails."""
    shutil.copytree(
        warehouse.DBT_PROJECT,
        project,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("target", "logs"),
    )
    mutant.apply(project)
    _bound_what_is_spilt(project)
    own = folder / "mutant.duckdb"
    own.unlink(missing_ok=True)
    try:
        with building.in_project(project):
            if mutant in MUTANTS_OF_NIGHTS:
                return any(
                    nights_equal_full_build.differing(folder / f"honest_{night}.duckdb", own)
                    or _differs_in_checks(folder / f"honest_{night}.duckdb", own)
                    for night, _ in enumerate(_nights(own, seed))
                )
            shutil.copy(folder / "scene.duckdb", own)
            building.build(own, AS_OF)
            with building.reading(own, honest=folder / "honest.duckdb") as connection:
                if changed(connection, END, "honest"):
                    return True
            with building.in_warehouse(own):
                dbt_runner.unit_tests(building.MART, AS_OF)
    except dbt_runner.BuildError:
        return True
    return False
