"""What a request is answered from."""

from __future__ import annotations

from fastapi import HTTPException, Request

from serve.open_copy import OpenCopy
from serve.serving import Served
from train.registry.artefact import Artefact


def served_by(request: Request) -> Served:
    """Return the state that answers a request."""
    return request.state.served


def copy_of(served: Served) -> OpenCopy:
    """Return the copy of the warehouse, or answer 503 and why there is none."""
    if served.copy is None:
        raise HTTPException(503, served.unreadable)
    return served.copy


def model_of(served: Served) -> Artefact:
    """Return the model, or answer 503 and why there is none."""
    if served.model is None:
        raise HTTPException(503, served.problem)
    return served.model
