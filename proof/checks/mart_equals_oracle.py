"""The mart beside the oracle: every feature of a thousand customers at all snapshots."""

from __future__ import annotations

from pathlib import Path

from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from proof import building, histories, oracle
from proof.compare import NOT_PROVEN, compare, unproven
from proof.outcome import Outcome, Task, sizes

PART = "oracle"
FULL = 1000
OF_A_SHOP = 200


def tasks(share: float, seed: int) -> list[Task]:
    """Return histories until there are enough customers, and a generated shop with faults."""
    wanted = (FULL - OF_A_SHOP) * share
    customers, chosen = 0, []
    while customers < wanted:
        tables = histories.history(seed + len(chosen))
        chosen.append(Task(check_history, (seed + len(chosen),)))
        customers += len({row["customer_id"] for row in tables["store_sales_header"]})
    return [*chosen, Task(check_shop, (seed, round(OF_A_SHOP * share)))]


def check_history(folder: Path, seed: int) -> Outcome:
    """Compare all of a random history; a quarter of them without caps."""
    file = folder / "small.duckdb"
    settings = oracle.DEFAULTS if seed % 4 == 3 else histories.SETTINGS
    building.write(file, histories.history(seed))
    building.build(file, {**building.GRID, **settings.variables()})
    with building.reading(file) as connection:
        facts = oracle.clean(connection, settings)
        differences = compare(connection, facts)
        return Outcome(
            PART,
            f"history {seed}",
            **sizes(connection),
            differences=[str(difference) for difference in differences],
            what=_not_proven(unproven(connection, facts)),
        )


def check_shop(folder: Path, seed: int, customers: int) -> Outcome:
    """Compare some customers of a generated shop with faults of all kinds."""
    file = folder / "shop.duckdb"
    with building.in_warehouse(file):
        generate(Plan(700, seed, days=900))
        dbt_runner.build(building.GRID, select=building.MART, run_only=True)
    with building.reading(file) as connection:
        facts = oracle.clean(connection)
        ids = sorted(facts.customers)
        some = ids[:: max(len(ids) // max(customers, 1), 1)]
        differences = compare(connection, facts, some)
        listed = ", ".join(f"'{name}'" for name in some)
        compared = sizes(connection, f"customer_id in ({listed})")
        what = _not_proven(unproven(connection, facts))
    return Outcome(
        PART,
        f"shop {seed} with faults",
        **compared,
        differences=[str(difference) for difference in differences],
        what=what,
    )


def _not_proven(names: list[str]) -> str:
    return NOT_PROVEN + ", ".join(names) if names else ""
