"""Servers without a disk of their own: fetch the generation that an object store publishes.

Where `GENERATION_URL` is set, API and app serve what is published there. A generation is laid into
a folder for temporary files as a night lays it beside the warehouse, so all else stays as it is.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from functools import cache
from pathlib import Path

import warehouse
from core.generations import MODELS, WORK, Generations
from core.scratch import alone, folder_for_copies, remove_abandoned
from core.store import MANIFEST, Manifest, Store, StoreError, read_manifest
from train.registry import artefact as artefacts
from train.registry import trust

log = logging.getLogger(__name__)

SECONDS = 5.0
# after failures the pause doubles, up to this one
MOST_SECONDS = 300.0
KEPT = 3
FILE = "warehouse.duckdb"


class Fetcher:
    """Fetches what a store publishes into a local folder.

    Parameters
    ----------
    url
        See `core.store.Store`.
    cache_folder
        Where generations lie; processes of one machine may share it.
    """

    def __init__(self, url: str, cache_folder: Path) -> None:
        self._store = Store(url)
        self._tag: str | None = None
        self._cache = cache_folder
        self.generations = Generations(cache_folder / FILE)

    def fetch(self) -> bool:
        """Fetch and put in place what is published now; return whether that is another.

        Raises
        ------
        StoreError, train.registry.artefact.ArtefactError
            If something does not arrive, is not what the manifest says, or cannot be served by
            this version of the code; what was in place stays.
        """
        found = self._store.news(self._tag)
        if found is None:
            return False
        manifest, tag = found
        with alone(self._cache):
            is_new = self._made(self.generations.current) != manifest.created_at
            if is_new and self._made(manifest.generation) == manifest.created_at:
                # a roll-back to one that is still here
                self.generations.show(manifest.generation)
            elif is_new:
                self._take(manifest)
            self.generations.prune(KEPT)
        self._tag = tag
        return is_new

    def follow(self, stopped: threading.Event) -> None:
        """Fetch again and again; what goes wrong is logged, and tried again after a pause."""
        pause, said = SECONDS, ""
        while not stopped.wait(pause):
            said, failed = self.try_to_fetch(said)
            pause = min(2 * pause, MOST_SECONDS) if failed else SECONDS

    def try_to_fetch(self, said: str = "") -> tuple[str, bool]:
        """Fetch; log a problem, unless it is the one `said` before. Return it and whether it is."""
        try:
            if self.fetch():
                log.info("fetched generation %s", self.generations.current)
        except (warehouse.ShopError, OSError) as error:
            if str(error) != said:
                log.warning("what is served stays what it was: %s", error)
            return str(error), True
        return "", False

    def _take(self, manifest: Manifest) -> None:
        folder = self.generations.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_abandoned(folder, WORK)
        with tempfile.TemporaryDirectory(prefix=f"{WORK}{os.getpid()}-", dir=folder) as scratch:
            # renamed below: what is removed then is its empty parent
            work = Path(scratch) / "generation"
            work.mkdir(mode=0o700)
            for file in manifest.files:
                # docs and Parquet are for people
                if file.path == FILE or file.path.startswith(f"{MODELS}/"):
                    self._store.fetch(file, work)
            if not (work / FILE).is_file():
                raise StoreError(f"the manifest of generation {manifest.generation} has no {FILE}")
            with warehouse.pinned(work / FILE):
                artefacts.load(artefacts.folder_of(manifest.model_version), first_use=True)
            (work / MANIFEST).write_text(manifest.text())
            self.generations.take(work, manifest.generation)

    def _made(self, number: int | None) -> str | None:
        """Return when a generation that is here was made."""
        if number is None:
            return None
        try:
            text = (self.generations.folder_of(number) / MANIFEST).read_text()
            return read_manifest(text).created_at
        except (OSError, StoreError):
            return None


@cache
def follow_store() -> None:
    """Where `GENERATION_URL` is set, make what is published there the warehouse of this process.

    The first fetch ends before this does, well or not; later ones are made by a thread.

    Raises
    ------
    StoreError
        If the address is none.
    """
    url = os.environ.get("GENERATION_URL")
    if not url:
        return
    if not trust.has_key():
        log.warning(
            "%s is not set: of the models that are fetched only the first one will be trusted; "
            "set it here and for the night",
            trust.KEY,
        )
    fetcher = Fetcher(url, folder_for_copies(url))
    os.environ["WAREHOUSE_PATH"] = str(fetcher.generations.place)
    fetcher.try_to_fetch()
    thread = threading.Thread(
        target=fetcher.follow, args=[threading.Event()], name="fetching", daemon=True
    )
    thread.start()
