"""Routes that forecast from features: one row, or many at once."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from serve import repository, schema
from serve.web import batch, errors, keys, metrics
from serve.web.limiter import Limiter
from serve.web.served import model_of, served_by
from serve.web.strict_json import StrictRoute, receive
from serve.web.together import Together

if TYPE_CHECKING:
    # made when the module is read, from the contract
    Features = BaseModel
else:
    Features = schema.features_model(repository.contract())

# a batch takes a core for seconds
AT_ONCE = 2
# those that arrive, or wait for a core, lie on the disk
ARRIVING = 8
BATCH_SECONDS = 120.0
# slower than any line that such a body is sent over
LEAST_RATE = 64 * 1024.0

router = APIRouter(route_class=StrictRoute, dependencies=[keys.predictor])
_arriving = Limiter(ARRIVING)
_cores = asyncio.Semaphore(AT_ONCE)
_together = Together()


@router.post(
    "/predict",
    response_model=schema.Prediction,
    responses={**errors.WITH_BODY, **errors.INVALID, **errors.NOT_READY, **keys.ERRORS},
)
async def predict(features: Features, request: Request) -> Response:
    """Forecast the spend of one customer from the features of the contract."""
    served = served_by(request)
    champion = model_of(served)
    # each field is a plain value: there is nothing in it to be copied
    row = vars(features)
    forecast = await _together.forecast(champion, row)
    metrics.observe_forecast(forecast["predicted_30d_spend"], forecast["purchase_probability"])
    said = schema.Prediction(
        **forecast,
        model_version=champion.version,
        generation=served.generation,
        warnings=served.known.beyond(row) if served.known else [],
    )
    return Response(said.model_dump_json(), media_type=batch.JSON)


def _any_of(what: str, of_json: dict[str, Any]) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "description": what,
        "content": {batch.JSON: of_json, batch.ARROW: binary, batch.PARQUET: binary},
    }


@router.post(
    "/predict/batch",
    openapi_extra={
        "requestBody": {
            "required": True,
            **_any_of(
                f"Up to {batch.MOST_ROWS:,} rows: a list in JSON, an Arrow stream that is not "
                "compressed, or a Parquet file, by snappy at most; a column for each feature.",
                {
                    "schema": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Features"},
                        "maxItems": batch.MOST_ROWS,
                    }
                },
            ),
        }
    },
    responses={
        200: {
            "model": schema.Predictions,
            **_any_of("The forecasts, in the order of the rows and in their format.", {}),
        },
        415: {"model": schema.Problem, "description": "The body is in none of the three formats."},
        **errors.WITH_BODY,
        **errors.INVALID,
        **errors.TOO_MANY,
        **errors.NOT_READY,
        **keys.ERRORS,
    },
)
async def predict_batch(request: Request) -> StreamingResponse:
    """Forecast many rows; each forecast is, to the last bit, what `/predict` says of the row."""
    served = served_by(request)
    champion = model_of(served)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in batch.FORMATS:
        raise HTTPException(415, f"send {', '.join(batch.FORMATS)}, and name it as Content-Type")
    with _arriving, tempfile.TemporaryFile() as body:
        await receive(request, body.write, batch.MOST_BYTES, BATCH_SECONDS, LEAST_RATE)
        body.seek(0)
        async with _cores:
            made = await run_in_threadpool(batch.forecasts, body, kind, Features, champion)
    return StreamingResponse(
        batch.answer(made, kind, champion.version, served.generation), media_type=kind
    )
