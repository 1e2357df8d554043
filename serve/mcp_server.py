"""Forecasts for assistants that speak MCP: read-only tools over stdio, from the marts alone.

shop mcp
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import numpy as np
import pandas as pd
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import AfterValidator, Field

import warehouse
from core.generations import number_of
from serve import customer_list, month, moves, repository
from serve.customer_list import SORTS, Filters, Order
from serve.fetching import follow_store

# rows that one answer holds at most
MOST_ROWS = 200
MOST_IDS = 10_000
READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

server = MCPServer(
    "retail-forecast",
    instructions=(
        "Forecasts of what each customer of a shop will spend in the 30 days from as_of_date on, "
        "in the shop's own money. predicted_30d_spend is a mean: it may be summed and ranked; "
        "intervals may not be added up: totals_of_list has the interval of a sum. low and high "
        "hold what happens with a chance of 80 %. Expected spend does not say whom a letter moves."
    ),
)

EVERYBODY = Filters()


def _sort(by: str) -> str:
    if by not in SORTS:
        raise ValueError(f"a list can be sorted by {', '.join(SORTS)}")
    return by


SortBy = Annotated[str, AfterValidator(_sort), Field(json_schema_extra={"enum": list(SORTS)})]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows at most.")]
Answer = dict[str, Any]


def tool(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Make a function a tool: answered from one generation, which the answer names."""

    @wraps(function)
    def answered(*arguments: Any, **options: Any) -> Answer:  # noqa: ANN401
        try:
            file = warehouse.path()
            with warehouse.pinned(file):
                return {"generation": number_of(file)} | function(*arguments, **options)
        except warehouse.WarehouseError as error:
            # the message itself may name a path or a process
            raise ToolError(error.shown) from error

    return server.tool(annotations=READ_ONLY)(answered)


@tool
def expected_revenue() -> Answer:
    """Expected revenue of the days ahead with its interval: shop, newcomers, segments, regions.

    Beside it what came in before, what earlier forecasts said and what came of them, and how the
    last 30 days differ from those before, with the reason in words.
    """
    shown = month.read()
    if shown.expected is None:
        raise ToolError("there are no forecasts yet")
    windows = moves.read()
    return {
        "as_of_date": shown.newest["as_of_date"].date(),
        "days": int(shown.newest["horizon_days"]),
        "model_version": shown.newest["model_version"],
        "expected": records(shown.sums.reset_index()),
        "last_30_days": shown.last,
        "same_days_last_year": shown.year_ago,
        "earlier_forecasts": records(shown.said.head(12)),
        "moved": {
            kind: records(moves.moves(windows.loc[kind], "before").reset_index().head(10))
            for kind in windows.index.get_level_values(0).unique()
        },
    }


@tool
def customer_forecast(
    customer_id: Annotated[str, Field(description="The id, as list_customers spells it.")],
) -> Answer:
    """One customer's forecast with its reasons, what is known of them, and two years of revenue."""
    row = customer_list.one(customer_id)
    if row is None:
        raise ToolError(f"no customer {customer_id!r}: list_customers finds ids by a part of them")
    return {
        **records(row.to_frame().T)[0],
        "revenue_by_30_days": records(customer_list.history(customer_id)),
    }


@tool
def list_customers(
    filters: Filters = EVERYBODY,
    sort_by: SortBy = "expected spend",
    descending: bool = True,
    limit: Limit = 25,
    offset: Annotated[int, Field(ge=0, description="Rows to pass over.")] = 0,
) -> Answer:
    """Customers by filters, sorted, with forecast and first reason; and the sum of all of them."""
    total = customer_list.total(filters)
    rows = customer_list.page(filters, Order(sort_by, descending), limit, offset)
    return {
        "total": total,
        "customers": records(rows[[*customer_list.SHOWN]]),
    }


@tool
def totals_of_list(
    customer_ids: Annotated[list[str], Field(min_length=1, max_length=MOST_IDS)],
) -> Answer:
    """What the customers of a list will spend together, with the interval of the sum.

    Ids in any spelling; `customers` says how many of them are known, `unknown` how many not.
    """
    return {"asked": len(customer_ids), **customer_list.total_of_ids(customer_ids)}


@tool
def feature_catalog(
    text: Annotated[str, Field(description="Part of a name or description.")] = "",
    limit: Limit = MOST_ROWS,
) -> Answer:
    """Look up the features that forecasts are made from: meaning, unit, sources, importance."""
    rows = repository.frame(
        """
        select
            name, description, unit, time_window, role, source_columns, null_share, minimum,
            median, maximum, most_frequent, importance, drift
        from marts.feature_catalog
        where contains(
            lower(concat_ws(' ', name, replace(name, '_', ' '), description)), lower($text)
        )
        order by importance desc nulls last, position
        limit $limit
        """,
        {"text": text, "limit": limit},
    )
    return {"features": records(rows)}


@tool
def data_quality_and_alarms() -> Answer:
    """What is wrong now, the worst first and what to do; and what the cleaning did to raw rows."""
    alarms = repository.frame(
        "select * from marts.alarms order by place limit $most", {"most": MOST_ROWS}
    )
    quality = repository.frame(
        "select * from marts.data_quality order by table_name, rows desc, rule limit $most",
        {"most": MOST_ROWS},
    )
    return {"alarms": records(alarms), "data_quality": records(quality)}


def records(rows: pd.DataFrame) -> list[Answer]:
    """Return the rows of a frame as JSON can write them."""
    return [
        {str(name): _json(value) for name, value in row.items()} for row in rows.to_dict("records")
    ]


def _json(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return [_json(each) for each in value.tolist()]
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date() if value == value.normalize() else value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value


def main() -> None:
    """Serve forecasts to an assistant over stdio (MCP), read-only; its client starts this."""
    follow_store()
    server.run("stdio")


if __name__ == "__main__":
    main()
