"""Predictions over HTTP: score the features of one customer, or read what is stored."""

from __future__ import annotations

import os

# one request is one row: threads inside the model only fight over the cores
os.environ.setdefault("OMP_NUM_THREADS", "1")

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
import uvicorn
from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

import warehouse
from core.expected_errors import keep_files_private
from serve import repository, schema
from serve.body_limit import BodyLimit
from serve.changes import MOST_CHANGES, Change, ChangeError
from serve.fetching import follow_store
from serve.serving import OneGeneration, Served, Serving
from serve.what_if import UnknownCustomerError, what_if
from train.forecaster import COLUMNS
from train.registry import artefact as artefacts

log = logging.getLogger(__name__)

CONTRACT = repository.contract()
if TYPE_CHECKING:
    # made when the module is read, from the contract
    Features = BaseModel
else:
    Features = schema.features_model(CONTRACT)
# who sends more of them has sent something else
MOST_ERRORS = 20
# a field that nobody knows bears any name; and a message may quote one
MOST_CHARACTERS = 300
TOO_LARGE = {"model": schema.Problem, "description": "The body has more than 256 KB."}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow the published warehouse; without a model the service starts and says what to run."""
    follow_store()
    app.state.serving = Serving()
    app.state.serving.start()
    yield
    app.state.serving.stop()


app = FastAPI(
    title="Retail forecast",
    description=f"Expected spend of a customer in the next {warehouse.HORIZON_DAYS} days.",
    lifespan=lifespan,
)
app.add_middleware(BodyLimit)
app.add_middleware(OneGeneration)


@app.exception_handler(RequestValidationError)
async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
    """Name the fields that cannot be used, without echoing values: NaN has no JSON."""
    return _invalid([(".".join(map(str, e["loc"][1:])), e["msg"]) for e in error.errors()])


@app.exception_handler(StarletteHTTPException)
async def fail(_: Request, error: StarletteHTTPException) -> JSONResponse:
    """Answer an error; a body that cannot even be read as JSON is one more invalid body."""
    if error.status_code == 400:
        return _invalid([("", "the body is no JSON that can be read")])
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


@app.exception_handler(warehouse.WarehouseError)
async def unavailable(_: Request, error: warehouse.WarehouseError) -> JSONResponse:
    """Say that the warehouse cannot be read now; where it lies and who holds it is for the log."""
    log.warning("%s", error)
    return JSONResponse({"detail": error.shown}, 503)


@app.exception_handler(ChangeError)
async def refuse_change(_: Request, error: ChangeError) -> JSONResponse:
    """Say why a change cannot be made to this customer."""
    return _invalid([("", str(error))])


@app.get("/")
def health(request: Request) -> schema.Health:
    """Tell whether the service can predict; always 200 while it runs."""
    served: Served = request.state.served
    model = served.model
    return schema.Health(
        status="ok" if model else "no model",
        model_loaded=model is not None,
        model_version=model.version if model else None,
        model_as_of=model.card["as_of"] if model else None,
        horizon_days=model.card["horizon_days"] if model else None,
        detail=served.problem,
    )


@app.post(
    "/predict",
    responses={
        413: TOO_LARGE,
        422: {"model": schema.Invalid, "description": "A field is missing or impossible."},
        503: {"model": schema.Problem, "description": "No model is loaded."},
    },
)
def predict(features: Features, request: Request) -> schema.Prediction:
    """Forecast the spend of one customer from the features of the contract."""
    champion = _champion(request)
    row = champion.predict(pd.DataFrame([features.model_dump()])).iloc[0]
    return schema.Prediction.model_validate(_forecast(row, champion))


@app.get(
    "/customers/{customer_id}",
    responses={
        404: {"model": schema.Problem, "description": "Nobody has this id."},
        422: {"model": schema.Invalid, "description": "The id is no text."},
        503: {"model": schema.Problem, "description": "The warehouse cannot be read now."},
    },
)
def customer(customer_id: str) -> schema.Customer:
    """Return the newest stored prediction of a customer and the features it came from."""
    stored = repository.customer(customer_id)
    if stored is None:
        raise HTTPException(404, f"the warehouse has no customer {customer_id!r}")
    return schema.Customer.model_validate(stored)


@app.post(
    "/customers/{customer_id}/what-if",
    responses={
        404: {"model": schema.Problem, "description": "The mart has no such customer."},
        413: TOO_LARGE,
        422: {"model": schema.Invalid, "description": "A change is impossible."},
        503: {"model": schema.Problem, "description": "No model, or no warehouse to read."},
    },
)
def forecast_changed(
    customer_id: str,
    changes: Annotated[list[schema.Change], Body(min_length=1, max_length=MOST_CHANGES)],
    request: Request,
) -> schema.WhatIf:
    """Forecast a customer as if some orders or returns had happened too."""
    champion = _champion(request)
    wanted = [Change(**change.model_dump(exclude_none=True)) for change in changes]
    try:
        answer = what_if(customer_id, wanted, champion)
    except UnknownCustomerError as error:
        raise HTTPException(404, str(error)) from error
    return schema.WhatIf(
        customer_id=customer_id,
        as_of_date=answer.as_of,
        before=schema.Forecast.model_validate(_forecast(answer.before, champion)),
        after=schema.Forecast.model_validate(_forecast(answer.after, champion)),
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


def _champion(request: Request) -> artefacts.Artefact:
    served: Served = request.state.served
    if served.model is None:
        raise HTTPException(503, served.problem)
    return served.model


def _forecast(row: Mapping[str, Any] | pd.Series, champion: artefacts.Artefact) -> dict[str, Any]:
    return {name: float(row[name]) for name in COLUMNS} | {"model_version": champion.version}


def _invalid(problems: list[tuple[str, str]]) -> JSONResponse:
    named = problems[:MOST_ERRORS]
    if more := len(problems) - len(named):
        named.append(("", f"and {more:,} more"))
    detail = [
        schema.InvalidField(field=_short(field) or "body", message=_short(message))
        for field, message in named
    ]
    return JSONResponse(schema.Invalid(detail=detail).model_dump(), 422)


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."


def main(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
) -> None:
    """Serve predictions over HTTP; the documentation is at /docs."""
    keep_files_private()
    uvicorn.run("serve.api:app", host=host, port=port)


if __name__ == "__main__":
    typer.run(main)
