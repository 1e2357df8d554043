"""Routes that tell of the service itself: whether it can answer, by which model, how fast."""

from __future__ import annotations

import tomllib

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

import warehouse
from serve import schema
from serve.web import errors, keys, metrics
from serve.web.served import copy_of, model_of, served_by

router = APIRouter()

# not what is installed: an image runs the code without installing it
VERSION = tomllib.loads((warehouse.ROOT / "pyproject.toml").read_text())["project"]["version"]


@router.get("/")
def health(request: Request) -> schema.Health:
    """Tell whether the service can predict; always 200 while it runs."""
    served = served_by(request)
    model = served.model
    return schema.Health(
        generation=served.generation,
        status="ok" if model else "no model",
        model_loaded=model is not None,
        model_version=model.version if model else None,
        model_as_of=model.card["as_of"] if model else None,
        horizon_days=model.card["horizon_days"] if model else None,
        detail=served.problem,
    )


@router.get("/livez")
async def livez() -> schema.Alive:
    """Answer while the process runs: who gets no answer may start it anew."""
    return schema.Alive(status="ok")


@router.get("/readyz", responses=errors.NOT_READY)
async def readyz(request: Request) -> schema.Alive:
    """Tell whether requests can be sent here: there are a warehouse and a model."""
    served = served_by(request)
    copy_of(served)
    model_of(served)
    return schema.Alive(status="ok")


@router.get("/version")
async def code_version(request: Request) -> schema.Version:
    """Return which code and which model answer."""
    served = served_by(request)
    return schema.Version(
        generation=served.generation,
        version=VERSION,
        model_version=served.model.version if served.model else None,
    )


@router.get("/model", dependencies=[keys.reader], responses={**errors.NOT_READY, **keys.ERRORS})
def model(request: Request) -> schema.Model:
    """Return the card of the model that answers."""
    served = served_by(request)
    card = model_of(served).card
    said = {name: card[name] for name in schema.Model.model_fields if name in card}
    return schema.Model(
        **{**said, "generation": served.generation, "contract": card["contract"]["hash"]}
    )


@router.get(
    "/metrics",
    dependencies=[keys.reader],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **keys.ERRORS},
)
def prometheus(request: Request) -> Response:
    """Return what Prometheus reads."""
    return Response(metrics.text(served_by(request)), media_type=CONTENT_TYPE_LATEST)
