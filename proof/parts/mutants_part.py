"""Whether mistakes are found: each mutant of the SQL must build another mart than the honest one.

The scene has several worlds, built as if a cut were today; then rows of all kinds come in, of late,
corrected and deleted ones too, and some that the first load forgot; customers and products change,
and rows of the mart are lost. The mart that the honest project makes of it is the oracle's (the
other parts prove it), so a mutant is found where its mart differs, where it does not build, or
where a unit test fails.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from random import Random

import warehouse
from proof import building, futures
from proof.between import changed
from proof.changes import CHANGES
from proof.histories.many_worlds import WORLD_OF, many_worlds, together
from proof.histories.worlds import Tables
from proof.mutants import MUTANTS, Mutant
from proof.outcome import Outcome, Task
from run import transform

PART = "mutants"
CUT = date(2000, 1, 1) + timedelta(30 * 270)
END = CUT + timedelta(407)
AS_OF = {**building.SETTINGS, "as_of": END.isoformat()}
AT_ONCE = 12
# what these say of a date must be said by the mutant from the first build on
OF_INCREMENTS = (
    "macros/facts_hashed.sql",
    "macros/materializations/as_of_snapshots.sql",
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


def _is_found(folder: Path, project: Path, mutant: Mutant, seed: int) -> bool:
    """Return whether a mutant's mart differs from the honest one, or a unit test fails."""
    shutil.copytree(
        warehouse.DBT_PROJECT,
        project,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("target", "logs"),
    )
    mutant.apply(project)
    own = folder / "mutant.duckdb"
    own.unlink(missing_ok=True)
    try:
        with building.in_project(project):
            if mutant.file in OF_INCREMENTS:
                _make_scene(own, seed)
            else:
                shutil.copy(folder / "scene.duckdb", own)
            building.build(own, AS_OF)
            with building.reading(own, honest=folder / "honest.duckdb") as connection:
                if changed(connection, END, "honest"):
                    return True
            with building.in_warehouse(own):
                transform.unit_tests(building.MART, AS_OF)
    except transform.TransformError:
        return True
    return False
