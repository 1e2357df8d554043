"""An object store that holds generations: S3, Google Cloud Storage, Azure, or a folder.

    current.json                        the manifest of the published generation; the one thing
                                        that is ever replaced
    generations/000012/manifest.json    the same of each generation, written last
    generations/000012/...              its files

A reader follows `current.json`; what it names is complete, and is never written again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotModifiedError
from obstore.store import from_url

import warehouse
from core.generations import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import ClientConfig, RetryConfig

CURRENT, MANIFEST = "current.json", "manifest.json"
SCHEMES = ("s3", "gs", "az", "file")
# a request counts as lost when all of its answer took so long: the largest file must fit in
_CLIENT: ClientConfig = {"timeout": "1h", "connect_timeout": "5s"}
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
# what may stand in an address and is not for a log
_SECRETS = re.compile(r"(?<=://)[^/@\s]*@|\?\S*")


class StoreError(warehouse.ShopError):
    """A store cannot be used, or does not hold what it says; the message says what."""


@dataclass(frozen=True)
class File:
    """A file of a generation.

    Attributes
    ----------
    path
        Where it lies in the folder of the generation, as `models/2024-05-03-ab/card.json`.
    key
        Where it lies in the store.
    size
        In bytes.
    """

    path: str
    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a generation is made of; no two are made at the same moment, `created_at`."""

    generation: int
    run_id: str | None
    model_version: str
    as_of_date: str
    created_at: str
    files: tuple[File, ...]

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_manifest(text: str) -> Manifest:
    """Read a manifest.

    Raises
    ------
    StoreError
        If it is none, or a file in it would lie elsewhere than in its generation.
    """
    try:
        read = json.loads(text)
        files = tuple(File(**each) for each in read.pop("files"))
        manifest = Manifest(**read, files=files)
        folder = folder_of(manifest.generation)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"the manifest cannot be read ({type(error).__name__}: {error})"
        ) from error
    for file in manifest.files:
        parts = PurePosixPath(file.path).parts
        if not parts or ".." in parts or file.path.startswith("/") or "\\" in file.path:
            raise StoreError(f"the manifest names {file.path!r}, which is no place in a folder")
        if file.key != f"{folder}/{file.path}":
            raise StoreError(f"the manifest names {file.key!r}, which is not in {folder}")
    return manifest


def folder_of(number: int) -> str:
    """Return where the objects of a generation lie."""
    return f"{FOLDER}/{number:06d}"


class Store:
    """The generations in one store.

    Parameters
    ----------
    url
        As `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix` or
        `file:///folder`. Keys and endpoints are those of the cloud's own environment variables
        (`AWS_...`, `GOOGLE_...`, `AZURE_...`), or of the machine's role.

    Raises
    ------
    StoreError
        If no store can be made of it.
    """

    def __init__(self, url: str) -> None:
        self.shown = shown(url)
        scheme = url.partition("://")[0]
        if scheme not in SCHEMES:
            known = ", ".join(f"{each}://" for each in SCHEMES)
            raise StoreError(f"{self.shown} is no address of a store: begin it with one of {known}")
        try:
            if scheme == "file":
                folder = Path(url.removeprefix("file://"))
                if not folder.is_absolute():
                    raise StoreError(f"{self.shown}: give the whole path, as in file:///folder")
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = from_url(url, automatic_cleanup=True)
            else:
                # the library reads it only where no other option of the client is given
                client: ClientConfig = {**_CLIENT}
                client["allow_http"] = os.environ.get("AWS_ALLOW_HTTP") == "true"
                self._store = from_url(url, client_options=client, retry_config=_RETRIES)
        except (BaseError, ValueError, OSError) as error:
            raise StoreError(f"{self.shown} cannot be used: {_words(error)}") from error

    def manifest(self, number: int | None = None) -> Manifest | None:
        """Return the manifest of a generation, of the published one by default; None if none."""
        key = CURRENT if number is None else f"{folder_of(number)}/{MANIFEST}"
        found = self._get(key)
        return None if found is None else read_manifest(found[0])

    def news(self, tag: str | None) -> tuple[Manifest, str | None] | None:
        """Return the published manifest and its tag, None where the tag is what it was, or none is.

        Raises
        ------
        StoreError
            If the store does not answer, or the manifest is broken.
        """
        found = self._get(CURRENT, tag)
        return None if found is None else (read_manifest(found[0]), found[1])

    def fetch(self, file: File, into: Path) -> None:
        """Write a file of a generation into a folder.

        Raises
        ------
        StoreError
            If it does not arrive, or is not what the manifest says of it.
        """
        sha256, size = hashlib.sha256(), 0
        for chunk in self._chunks(file.key, into / file.path):
            sha256.update(chunk)
            size += len(chunk)
        if (size, sha256.hexdigest()) != (file.size, file.sha256):
            raise StoreError(
                f"{self.shown}/{file.key} is not the file that the manifest describes "
                f"({size:,} bytes instead of {file.size:,}, or another sha256)"
            )

    def fetch_all(self, into: Path, suffix: str) -> None:
        """Write all files below the address whose names end so into a folder, each in its place.

        Raises
        ------
        StoreError
            If there is none, or one does not arrive.
        """
        try:
            entries = [each for batch in obstore.list(self._store) for each in batch]
        except BaseError as error:
            raise StoreError(f"{self.shown} cannot be listed: {_words(error)}") from error
        keys = sorted(each["path"] for each in entries if each["path"].endswith(suffix))
        if not keys:
            raise StoreError(f"{self.shown} holds no file that ends in {suffix}")
        for key in keys:
            for _ in self._chunks(key, into / key):
                pass

    def put(self, source: Path, key: str) -> None:
        """Upload a file.

        Raises
        ------
        StoreError
            If the store does not take it.
        """
        self._put(key, source)

    def publish(self, manifest: Manifest) -> None:
        """Make a generation whose files are all there the published one."""
        text = manifest.text().encode()
        self._put(f"{folder_of(manifest.generation)}/{MANIFEST}", text)
        self._put(CURRENT, text)

    def numbers(self) -> list[int]:
        """Return the numbers of the generations in the store, whole or not, in order."""
        try:
            found = obstore.list_with_delimiter(self._store, FOLDER)["common_prefixes"]
        except BaseError as error:
            raise StoreError(f"{self.shown} cannot be listed: {_words(error)}") from error
        names = [PurePosixPath(prefix).name for prefix in found]
        return sorted(int(name) for name in names if name.isdigit())

    def prune(self, keep: int) -> list[int]:
        """Remove the oldest generations beyond a number, and return which.

        The published one stays in any case, and the one before it unless just one is to stay.
        """
        numbers, current = self.numbers(), self.manifest()
        before = [number for number in numbers if current and number < current.generation]
        stay = {*(before[-1:] if keep > 1 else []), *([current.generation] if current else [])}
        gone = [number for number in numbers if number not in stay][: max(0, len(numbers) - keep)]
        for number in gone:
            folder = folder_of(number)
            try:
                # without its manifest it is nobody's any more, however far the rest gets; an upload
                # that broke has none
                with suppress(FileNotFoundError):
                    obstore.delete(self._store, f"{folder}/{MANIFEST}")
                for entries in obstore.list(self._store, f"{folder}/"):
                    obstore.delete(self._store, [entry["path"] for entry in entries])
            except BaseError as error:
                raise StoreError(f"{self.shown}/{folder} stays: {_words(error)}") from error
        return gone

    def _chunks(self, key: str, target: Path) -> Iterator[bytes]:
        """Write an object to a new file, and give each part of it that is written."""
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with target.open("xb") as written:
                for chunk in obstore.get(self._store, key).stream():
                    written.write(chunk)
                    yield chunk
        except (BaseError, OSError) as error:
            raise StoreError(f"{self.shown}/{key} does not arrive: {_words(error)}") from error

    def _get(self, key: str, tag: str | None = None) -> tuple[str, str | None] | None:
        try:
            found = obstore.get(self._store, key, options={"if_none_match": tag} if tag else None)
            return bytes(found.bytes()).decode(), found.meta["e_tag"]
        except (FileNotFoundError, NotModifiedError):
            return None
        except (BaseError, ValueError, OSError) as error:
            raise StoreError(f"{self.shown}/{key} cannot be read: {_words(error)}") from error

    def _put(self, key: str, content: Path | bytes) -> None:
        try:
            obstore.put(self._store, key, content)
        except (BaseError, OSError) as error:
            raise StoreError(f"{self.shown} does not take {key}: {_words(error)}") from error


def described(source: Path, path: str, number: int) -> File:
    """Describe a file of a generation as the manifest does."""
    with source.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return File(path, f"{folder_of(number)}/{path}", source.stat().st_size, sha256)


def shown(url: str) -> str:
    """Return an address as it may stand in a log: without user, password and query."""
    return _SECRETS.sub("", url).rstrip("/")


def _words(error: Exception) -> str:
    # debug output of the library follows on further lines
    return _SECRETS.sub("", " ".join(str(error).split("\n\n")[0].split()))[:300]
