"""What a server serves: a copy of one state of the warehouse and its model.

It is changed over between two requests: each is answered from one state, all of it.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import warehouse
from core.generations import number_of, state
from serve import serving_copy
from serve.open_copy import OpenCopy
from serve.ranges import Ranges
from train.registry import artefact as artefacts

log = logging.getLogger(__name__)

# how often a server looks for a new generation or model
SECONDS = 1.0
# a file that is written by hand was left alone for so long: commands come one after the other
SETTLED = 1.0
# a state that could not be copied is tried again after so long
PAUSE = 30.0


@dataclass(frozen=True)
class Served:
    """A state of the warehouse and the model whose forecasts it holds.

    Attributes
    ----------
    file
        The warehouse file, which a link may have led to.
    copy
        What is read in its place.
    model
        The model that made the published forecasts; the champion where there are none.
    known
        What that learned from.
    made_at
        When the file was written last, in seconds since 1970.
    unreadable, problem
        Why there is no copy, or no model, and what to do; None where there is one.
    """

    file: Path
    copy: OpenCopy | None = None
    model: artefacts.Artefact | None = None
    known: Ranges | None = None
    made_at: float | None = None
    unreadable: str | None = None
    problem: str | None = None

    @property
    def generation(self) -> int | None:
        """The number of the generation; None where no night has published."""
        return number_of(self.file)


class Serving:
    """Follows the published warehouse; `now` is what a request that begins now is answered from."""

    def __init__(self) -> None:
        self._seen: object = None
        self._failed: object = None
        self._again = 0.0
        self._stopped = threading.Event()
        self.now = Served(warehouse.path())
        self.look()
        self._thread = threading.Thread(target=self._follow, name="serving", daemon=True)

    def start(self) -> None:
        """Look again and again, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End with the look that is on."""
        self._stopped.set()
        self._thread.join()

    def look(self) -> None:
        """Take what is published now, if it is another or was written since."""
        file = warehouse.path()
        found = state(file)
        if (file, found) == self._seen:
            return
        if (file, found) == self._failed and time.monotonic() < self._again:
            return
        made_at = max((written for _, _, written in found), default=0) / 1e9
        goes_on = file == self.now.file and self.now.copy is not None
        if goes_on and time.time() - made_at < SETTLED:
            return
        try:
            copy = OpenCopy(serving_copy.of_state(file, found))
            if goes_on and not copy.is_whole():
                # the next state has the marts, too; until then what is served is whole
                self._failed, self._again = (file, found), time.monotonic() + PAUSE
                log.info("the marts are older than the forecasts: `make score` builds both")
                return
        except (warehouse.WarehouseError, duckdb.Error, OSError) as error:
            if not isinstance(error, warehouse.HeldError):
                # half built, say, or the disk is full: to try at once again would hold the file
                self._failed, self._again = (file, found), time.monotonic() + PAUSE
                log.warning("the warehouse cannot be copied: %s", error)
            # what is served goes on, of another generation too
            if self.now.copy is None:
                shown = getattr(error, "shown", "the warehouse cannot be copied")
                self._take(Served(file, unreadable=shown, problem=_words(shown)))
            return
        with warehouse.pinned(copy.file):
            try:
                model = self._model()
                known = copy.ranges_of(model.version)
                served = Served(file, copy, model, known, made_at)
            except (artefacts.ArtefactError, warehouse.WarehouseError) as error:
                log.warning("no model is loaded: %s", error)
                served = Served(file, copy, made_at=made_at, problem=_words(error.shown))
        self._seen = (file, found)
        self._take(served)

    def _take(self, served: Served) -> None:
        if served != self.now:
            version = served.model.version if served.model else "no model"
            log.info("serving %s with %s", served.file, version)
        self.now = served

    def _model(self) -> artefacts.Artefact:
        published = _published_version()
        present = self.now.model
        if published:
            version, sha256 = published
            # a model is what its bytes are, in whichever generation's folder they lie
            if present and present.version == version and present.card["sha256"] == sha256:
                return present
            try:
                model = artefacts.registered(version, sha256)
                with warehouse.connect(read_only=True) as connection:
                    artefacts.check_horizon(model.card, connection)
                return model
            except artefacts.ArtefactError as error:
                log.warning("%s", error)
        return artefacts.champion()

    def _follow(self) -> None:
        while not self._stopped.wait(SECONDS):
            try:
                self.look()
            except Exception:
                # the server answers from what it has, and the log says why it has no more
                log.exception("the published warehouse cannot be followed")


def _words(why: str) -> str:
    return (
        f"no model is loaded: {why}. Once `python train/fit.py` has run, the model is "
        "served without a new start"
    )


def _published_version() -> tuple[str, str] | None:
    """Return version and sha256 of the model whose forecasts of the current date are published.

    All routes answer by it, so that a model which was promoted and has scored nothing yet does not
    contradict what is stored.
    """
    with warehouse.connect(read_only=True) as connection:
        try:
            return connection.execute(
                """
                select registry.version, registry.sha256
                from main.scoring_runs as runs
                inner join intermediate.int_snapshots_scheduled as snapshots using (as_of_date)
                inner join main.model_registry as registry
                    on runs.model_version = registry.version
                where snapshots.is_current
                """
            ).fetchone()
        except duckdb.CatalogException:
            return None


class OneState:
    """ASGI middleware: a request is answered from one state, which its answer names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep what is served now for the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        serving: Serving = scope["app"].state.serving
        served: Served = serving.now
        scope.setdefault("state", {})["served"] = served

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                if served.generation is not None:
                    message["headers"] += [(b"x-generation", str(served.generation).encode())]
                if served.model:
                    message["headers"] += [(b"x-model-version", served.model.version.encode())]
            await send(message)

        await self.app(scope, receive, named)
