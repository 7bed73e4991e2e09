"""The landing store: raw answers addressed by their content, and a manifest for every pull.

    raw/<aa>/<sha256>.gz                                          the body of an answer, once
    pulls/<source>/<run>/<client>/<ref>/<started at, UTC>.json    what one pull asked and got

Neither is ever edited or replaced. The manifest is written last, so what it names exists. Later steps may keep
documents beside them, which can be made again from the answers.
"""

import datetime as dt
import gzip
import hashlib
import os
import re
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from widerview.sources.base import RawPage, Request, Source, Target, Window
from widerview.sources.errors import SourceError
from widerview.sources.http import HttpClient

_MEND = "Restore it from a backup, or remove it and pull the days anew."


class LandingError(Exception):
    """Something in landing cannot be used; the message says what, where and how to mend it."""


class Missing(LandingError):
    """A file that should be there is not."""


class Corrupt(LandingError):
    """A file does not hold what was once written to it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One answer within a pull: everything but its body, which lies under `sha256`; `size` is in bytes."""

    stream: str
    request: Request
    status: int
    headers: dict[str, str]
    fetched_at: dt.datetime
    sha256: str
    size: int


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """One pull of one target: what was asked, when, and every answer in order.

    Attributes:
        target: The account or web property.
        window: The days asked for.
        run: The Airflow run, or whatever else called for it.
        started_at: When it began (UTC).
        ended_at: When it ended (UTC).
        complete: Whether the source gave everything it was asked for.
        error: What went wrong, if not.
        entries: The answers, in the order they came.
    """

    target: Target
    window: Window
    run: str
    started_at: dt.datetime
    ended_at: dt.datetime
    complete: bool
    error: str | None
    entries: tuple[Entry, ...]


class Landing:
    """Raw answers and manifests below `root`: a `pathlib.Path`, or an object store with the same interface."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, page: RawPage) -> Entry:
        """Keep an answer's body, unless the same bytes are here already.

        A process that dies on the way leaves no half body under a final name.
        """
        sha256 = page.sha256
        path = self._body(sha256)
        if not path.exists():
            self._write(path, gzip.compress(page.body, compresslevel=6, mtime=0))
        return Entry(
            stream=page.stream,
            request=page.request,
            status=page.status,
            headers=page.headers,
            fetched_at=page.fetched_at,
            sha256=sha256,
            size=len(page.body),
        )

    def write_pull(self, pull: Pull) -> str:
        """Write a pull's manifest.

        Returns:
            Its path relative to the root: the pull's name for everybody else.

        Raises:
            LandingError: Another pull already bears that name.
        """
        started = f"{pull.started_at.astimezone(dt.UTC):%Y%m%dT%H%M%S.%fZ}.json"
        path = self._pulls_of(pull.target.source, pull.run, pull.target) / started
        content = msgspec.json.format(msgspec.json.encode(pull), indent=1)
        if not path.exists():
            self._write(path, content)
        elif path.read_bytes() != content:
            raise LandingError(f"{path} already holds another pull, and landing is never edited. Start the pull anew.")
        return _name(path)

    def read_pull(self, path: str) -> Pull:
        """Read the manifest of this name.

        Raises:
            Missing: There is none.
            Corrupt: It cannot be read.
        """
        file = self._root / path
        try:
            return msgspec.json.decode(file.read_bytes(), type=Pull)
        except FileNotFoundError as error:
            raise Missing(f"there is no manifest {file}. Restore it from a backup, or pull the days anew.") from error
        except msgspec.MsgspecError as error:
            raise Corrupt(f"the manifest {file} cannot be read: {error}. {_MEND}") from error

    def latest_pull(self, source: str, run: str, target: Target) -> tuple[str, Pull] | None:
        """The newest pull of a target in a run, with its name; None if there is none."""
        paths = sorted(self._pulls_of(source, run, target).glob("*.json"), key=lambda path: path.name)
        return (_name(paths[-1]), self.read_pull(_name(paths[-1]))) if paths else None

    def pulls(self, client: str | None = None, source: str | None = None) -> Iterator[tuple[str, Pull]]:
        """All pulls with their names, oldest first; optionally of one client or source."""
        pattern = f"pulls/{_slug(source) if source else '*'}/*/{_slug(client) if client else '*'}/*/*.json"
        names = [_name(path) for path in self._root.glob(pattern)]
        for name in sorted(names, key=lambda name: (name.rsplit("/", 1)[-1], name)):
            yield name, self.read_pull(name)

    def pages(self, pull: Pull) -> Iterator[RawPage]:
        """The answers of a pull as they were received.

        Raises:
            Missing: A body is gone.
            Corrupt: A body is not what its address says.
        """
        for entry in pull.entries:
            yield RawPage(
                stream=entry.stream,
                request=entry.request,
                status=entry.status,
                headers=entry.headers,
                fetched_at=entry.fetched_at,
                body=self._verified_body(entry.sha256),
            )

    def write_document(self, path: str, content: bytes) -> None:
        """Write what a later step needs to know of pulls, e.g. the gate's findings; a new writing replaces the old."""
        self._write(self._root / path, content)

    def read_document(self, path: str) -> bytes:
        """Read what `write_document` has written.

        Raises:
            Missing: There is nothing of this name.
        """
        file = self._root / path
        try:
            return file.read_bytes()
        except FileNotFoundError as error:
            raise Missing(f"there is no document {file}. Clear the step that writes it, to run it again.") from error

    def _verified_body(self, sha256: str) -> bytes:
        path = self._body(sha256)
        try:
            packed = path.read_bytes()
        except FileNotFoundError as error:
            raise Missing(f"the raw answer {path} is gone. Restore it from a backup, or pull the days anew.") from error
        try:
            body = gzip.decompress(packed)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise Corrupt(f"the raw answer {path} cannot be unpacked ({error}). {_MEND}") from error
        if (actual := hashlib.sha256(body).hexdigest()) != sha256:
            raise Corrupt(f"the raw answer {path} has the sha256 {actual}, not that of its name. {_MEND}")
        return body

    def _body(self, sha256: str) -> Path:
        return self._root / "raw" / sha256[:2] / f"{sha256}.gz"

    def _pulls_of(self, source: str, run: str, target: Target) -> Path:
        return self._root / "pulls" / _slug(source) / _slug(run) / _slug(target.client_id) / _slug(target.ref)

    def _write(self, path: Path, content: bytes) -> None:
        if not isinstance(path, Path):
            path.write_bytes(content)  # object stores show an object only when it is whole
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()


def _name(path: Path) -> str:
    """`pulls/<source>/<run>/<client>/<ref>/<started at>.json`."""
    return "/".join(path.parts[-6:])


def _slug(text: str) -> str:
    """A name fit for any file system; where it had to be changed, a hash keeps it apart from others."""
    slug = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip(".-")[:80] or "_"
    return slug if slug == text else f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def open_landing(url: str, connection: str | None = None) -> Landing:
    """Open the landing store at a URL (`file:///srv/landing`, `s3://bucket/landing`).

    Args:
        url: As Airflow's ObjectStoragePath understands it.
        connection: Airflow Connection of the object store.
    """
    if url.startswith("file://"):
        return Landing(Path(url2pathname(urlsplit(url).path)))
    from airflow.sdk import ObjectStoragePath  # noqa: PLC0415 - two seconds that a local folder need not pay

    return Landing(cast("Path", ObjectStoragePath(url, conn_id=connection)))


def record(
    landing: Landing,
    source: Source,
    target: Target,
    window: Window,
    run: str,
    http: HttpClient,
    clock: Callable[[], dt.datetime],
) -> tuple[str, Pull]:
    """Pull a target and land every answer, then the manifest; a source's failure is kept in it, too.

    Returns:
        The pull's name and the pull.

    Raises:
        SourceError: As the source raised it, after the manifest has been written.
    """
    started_at = clock()
    entries: list[Entry] = []
    failure: SourceError | None = None
    try:
        for page in source.fetch(target, window, http):
            entries.append(landing.put(page))
    except SourceError as error:
        failure = error
    pull = Pull(
        target=target,
        window=window,
        run=run,
        started_at=started_at,
        ended_at=clock(),
        complete=failure is None,
        error=f"{type(failure).__name__}: {failure}" if failure else None,
        entries=tuple(entries),
    )
    name = landing.write_pull(pull)
    if failure:
        raise failure
    return name, pull
