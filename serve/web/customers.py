"""Routes that tell what the warehouse holds on customers, and what would be if."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor

from serve import look_up, repository, schema
from serve.changes import MOST_CHANGES, Change
from serve.serving import Served
from serve.web import errors, keys
from serve.web.limiter import Limiter
from serve.web.served import copy_of, model_of, served_by
from serve.web.strict_json import StrictRoute, invalid
from serve.what_if import UnknownCustomerError, changed_by

MOST_LISTED = 1000
# 4 KB each
MOST_KEPT = 5000
# one is answered after the other, in a tenth of a second: so many wait for one
WHAT_IFS = 10
COMMON = {**errors.INVALID, **errors.NOT_READY, **keys.ERRORS}


class _AnyId(StringConvertor):
    """An id as it is: with slashes, and with line breaks, which `path` ends at."""

    regex = r"(?s:.*)"


register_url_convertor("id", _AnyId())

router = APIRouter(route_class=StrictRoute)
_what_ifs = Limiter(WHAT_IFS)


@router.get("/customers", dependencies=[keys.reader], responses=COMMON, response_model=schema.Page)
def customers(
    request: Request,
    segment: Annotated[str | None, Query(description="segment_id, as the list has it.")] = None,
    region: str | None = None,
    min_expected: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    sort: Annotated[look_up.Sort, Query(description="With a minus the largest first.")] = (
        "-predicted_30d_spend"
    ),
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
    cursor: Annotated[str | None, Query(description="The cursor of the part before.")] = None,
) -> Response:
    """List customers by the newest forecast, a part at a time."""
    served = served_by(request)
    wanted = look_up.Wanted(
        segment, region, min_expected, sort, limit, _read_cursor(cursor, sort) if cursor else None
    )
    with copy_of(served).cursor() as connection:
        rows = look_up.page(connection, wanted)
    page = schema.Page(
        generation=served.generation,
        customers=[schema.Listed.model_validate(row) for row in rows],
        cursor=_write_cursor(rows[-1], sort) if len(rows) == limit else None,
    )
    # made here, in a thread: a thousand customers take a while
    return Response(page.model_dump_json(), media_type="application/json")


@router.get(
    "/customers/{customer_id:id}",
    dependencies=[keys.reader],
    responses={**errors.NOT_FOUND, **COMMON},
    response_model=schema.Customer,
)
async def customer(customer_id: str, request: Request) -> Response:
    """Return the newest stored prediction of a customer and the features it came from."""
    served = served_by(request)
    # a thread costs a quarter of what an answer does that is known
    answer = copy_of(served).answers.get(customer_id)
    if answer is None:
        answer = await run_in_threadpool(_look_up, served, customer_id)
    return Response(answer, media_type="application/json")


def _look_up(served: Served, customer_id: str) -> bytes:
    """Return what is said of a customer, and keep it for the next who asks."""
    copy = copy_of(served)
    with copy.cursor() as connection:
        found = look_up.customer(connection, customer_id, copy.date)
    if found is None:
        raise HTTPException(404, f"the warehouse has no customer {customer_id!r}")
    said = schema.Customer(generation=served.generation, **found)
    answer = said.model_dump_json().encode()
    # any spelling of an id finds it; one of them is kept
    if customer_id == found["customer_id"] and len(copy.answers) < MOST_KEPT:
        copy.answers[customer_id] = answer
    return answer


@router.get(
    "/features/{customer_id:id}",
    dependencies=[keys.reader],
    responses={**errors.NOT_FOUND, **COMMON},
)
def features(
    customer_id: str,
    request: Request,
    as_of: Annotated[
        dt.date | None,
        Query(description="One that the mart has; the current one if not given."),
    ] = None,
) -> schema.FeatureRow:
    """Return the mart's row of a customer on an as-of date."""
    served = served_by(request)
    copy = copy_of(served)
    day = as_of or copy.date
    with copy.cursor() as connection:
        spelt = look_up.spelt(connection, customer_id)
        row = look_up.features(connection, spelt, day)
    if row is None:
        raise HTTPException(404, f"the mart has no row of customer {customer_id!r} as of {day}")
    return schema.FeatureRow(
        generation=served.generation, customer_id=spelt, as_of_date=day, features=row
    )


@router.post("/totals", dependencies=[keys.reader], responses={**errors.WITH_BODY, **COMMON})
def totals(wanted: schema.CustomerList, request: Request) -> schema.Total:
    """Return what the customers of a list will spend together, with the interval of the sum."""
    served = served_by(request)
    with copy_of(served).cursor() as connection:
        total = look_up.total_of(connection, look_up.IDS, {"ids": wanted.customer_ids})
    if total is None:
        raise HTTPException(503, "there are no forecasts yet: run `make score`")
    return schema.Total(generation=served.generation, **total)


@router.post(
    "/customers/{customer_id:id}/what-if",
    dependencies=[keys.predictor],
    responses={**errors.NOT_FOUND, **errors.WITH_BODY, **errors.TOO_MANY, **COMMON},
)
def what_if(
    customer_id: str,
    changes: Annotated[list[schema.Change], Body(min_length=1, max_length=MOST_CHANGES)],
    request: Request,
) -> schema.WhatIf:
    """Forecast a customer as if some orders or returns had happened too."""
    served = served_by(request)
    champion, copy = model_of(served), copy_of(served)
    assert served.known is not None  # comes with the model
    wanted = [Change(**change.model_dump(exclude_none=True)) for change in changes]
    with _what_ifs, copy.one_customer() as one:
        spelt = look_up.spelt(one.warehouse, customer_id)
        try:
            answer = changed_by(one, spelt, wanted, copy.date, champion, served.known)
        except UnknownCustomerError as error:
            raise HTTPException(404, f"the mart has no customer {customer_id!r}") from error
    before, after = (
        schema.Forecast(model_version=champion.version, **forecast)
        for forecast in (answer.before, answer.after)
    )
    return schema.WhatIf(
        generation=served.generation,
        customer_id=spelt,
        as_of_date=answer.as_of,
        before=before,
        after=after,
        changed=[
            schema.ChangedFeature(
                feature=name,
                before=repository.json_value(before),
                after=repository.json_value(after),
            )
            for name, (before, after) in answer.changed.items()
        ],
        warnings=answer.warnings,
    )


def _write_cursor(last: dict[str, object], sort: look_up.Sort) -> str:
    text = json.dumps([sort, last[look_up.sorted_by(sort)], last["customer_id"]])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str, sort: look_up.Sort) -> tuple[float | str, str]:
    try:
        of_sort, value, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        kind = str if sort == "customer_id" else float
        if of_sort == sort and isinstance(value, kind) and isinstance(last, str):
            schema.encodable(f"{value}{last}")
            return value, last
    except (ValueError, TypeError, RecursionError):
        pass
    raise invalid("cursor", "is not the cursor of an answer to the same sort")
