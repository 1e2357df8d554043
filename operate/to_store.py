"""Publish the current generation to an object store as well, for readers on other machines."""

from __future__ import annotations

from pathlib import Path

import warehouse
from core.generations import DOCS, EXPORT, MODELS, REPORTS, Generations
from core.scratch import scratch
from core.store import Manifest, Store, StoreError, described
from serve import serving_copy
from serve.export_tables import export_tables


def publish_to(url: str, keep: int) -> Manifest:
    """Upload the published generation, then name it in `current.json`.

    Serving copy, the published model, docs, reports, and Parquet of `main` and `marts`. A
    generation that the store has whole, as after a roll-back, is only named again.

    Parameters
    ----------
    url
        See `core.store.Store`.
    keep
        How many generations stay in the store; 1 leaves no way back, as after an erasure.

    Raises
    ------
    StoreError
        If the store cannot be written, or holds another generation of this number; what it names
        stays what it was.
    warehouse.WarehouseError
        If no night has published yet.
    """
    store = Store(url)
    generations = Generations(warehouse.published())
    number = generations.current
    if number is None:
        raise StoreError("no night has published yet: run `shop nightly` first")
    with warehouse.pinned(warehouse.path()):
        run_id, model_version, as_of_date, created_at = _signature(number)
        manifest = store.manifest(number)
        if manifest is None:
            with scratch() as made:
                files = _files(generations.folder_of(number), made, model_version)
                entries = tuple(described(source, path, number) for path, source in files.items())
                for entry in entries:
                    store.put(files[entry.path], entry.key)
            manifest = Manifest(number, run_id, model_version, as_of_date, created_at, entries)
        elif manifest.created_at != created_at:
            raise StoreError(
                f"{store.shown} holds another generation {number}, made at {manifest.created_at}: "
                "here it was changed by hand since, and the next night makes the next one; or the "
                "store is another warehouse's: publish under another prefix"
            )
    store.publish(manifest)
    store.prune(keep)
    return manifest


def _signature(number: int) -> tuple[str | None, str, str, str]:
    with warehouse.connect(read_only=True) as connection:
        row = None
        if warehouse.has_table(connection, "main", "generation"):
            row = connection.execute(
                "select run_id, model_version, as_of_date::varchar, created_at::varchar"
                " from main.generation"
            ).fetchone()
    if row is None or row[1] is None:
        raise StoreError(f"generation {number} has no forecasts: publish one that a night made")
    return row


def _files(generation: Path, made: Path, model_version: str) -> dict[str, Path]:
    """Return the files to upload, by where they lie in a generation; some are made for it."""
    serving = made / "serving.duckdb"
    serving_copy.write(serving)
    exported = generation / EXPORT
    if not exported.is_dir():
        exported = made / EXPORT
        export_tables(exported)
    folders = {
        f"{MODELS}/{model_version}": generation / MODELS / model_version,
        REPORTS: generation / REPORTS,
        DOCS: generation / DOCS,
        EXPORT: exported,
    }
    files = {
        f"{path}/{file.relative_to(folder).as_posix()}": file
        for path, folder in folders.items()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    return {"warehouse.duckdb": serving, **files}
