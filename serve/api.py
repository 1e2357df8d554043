"""Forecasts over HTTP: from features, of stored customers, as if they had bought more."""

from __future__ import annotations

import os

# one request is one row: threads inside the model only fight over the cores
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

import warehouse
from core.expected_errors import expected_errors
from serve import serving_copy
from serve.fetching import follow_store
from serve.serving import OneState, Serving
from serve.web import access, customers, docs, errors, keys, metrics, predict, state
from serve.web.connections import Connection

MOST_CONNECTIONS = 512
# a request that is being answered when the server is told to stop
GRACE_SECONDS = 30
YOUNG_OBJECTS = 20_000


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow the published warehouse; without a model the service starts and says what to run."""
    follow_store()
    app.state.serving = Serving()
    app.state.serving.start()
    # what is there now stays: to look through all of it for garbage takes a tenth of a second
    gc.collect()
    gc.freeze()
    # a request makes hundreds of objects that die with it: to look for rings among them after every
    # 700, as Python does, took a twentieth of a forecast
    gc.set_threshold(YOUNG_OBJECTS)
    yield
    app.state.serving.stop()
    # nothing of customers stays behind; another process that has one open reads on
    serving_copy.remove(warehouse.published().resolve())


app = FastAPI(
    title="Retail forecast",
    description=f"Expected spend of a customer in the next {warehouse.HORIZON_DAYS} days.",
    version=state.VERSION,
    lifespan=lifespan,
    docs_url=None,
    redoc_url=None,
)
# the last one added is the outermost
app.add_middleware(OneState)
app.add_middleware(access.Access)
errors.answer_errors(app)
# those asked for most come first: paths are compared one after the other
for part in (predict, customers, state, docs):
    app.include_router(part.router)


@expected_errors()
def main(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="How many processes answer.")] = 1,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Listen to others without keys: something in front asks."),
    ] = False,
) -> None:
    """Serve forecasts over HTTP; the documentation is at /docs."""
    keys.refuse_open_door(host, insecure=insecure)
    with ExitStack() as stack:
        if workers > 1:
            # their figures are added up
            os.environ[metrics.SHARED] = stack.enter_context(tempfile.TemporaryDirectory())
        uvicorn.run(
            "serve.api:app",
            host=host,
            port=port,
            workers=workers,
            http=Connection,
            log_config=access.LOG_CONFIG,
            access_log=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )


if __name__ == "__main__":
    typer.run(main)
