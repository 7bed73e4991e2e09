"""The landing store: raw answers in packs addressed by their content, and a manifest for every pull.

    raw/<aa>/<pack>.gz                                            the answers of a pull, one after another
    pulls/<source>/<run>/<client>/<ref>/<started at, UTC>.json    what one pull asked and got

Neither is ever edited or replaced; both go when a client is forgotten or when they are older than they are kept. The
manifest is written last, so what it names exists. A pull that got the same answers as an earlier one shares its pack.
Later steps may keep documents beside them, which can be made again from the answers.
"""

import datetime as dt
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, NamedTuple, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec
from isal import igzip, isal_zlib

from widerview.sources.base import RawPage, Request, Source, Target, Window
from widerview.sources.http import HttpClient

_IN_MEMORY = 8 * 2**20
"""Bytes of a running pull's answers that are held in memory; what is more waits on the disk."""

_MEND = "Restore it from a backup, or remove it and pull the days anew."


class LandingError(Exception):
    """Something in landing cannot be used; the message says what, where and how to mend it."""


class Missing(LandingError):
    """A file that should be there is not."""


class Corrupt(LandingError):
    """A file does not hold what was once written to it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One answer within a pull: everything but its body, of which it tells the sha256 and the size in bytes."""

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
        pack: Name of the pack in which the bodies lie, in the order of `entries`; None if there was no answer.
        entries: The answers, in the order they came.
    """

    target: Target
    window: Window
    run: str
    started_at: dt.datetime
    ended_at: dt.datetime
    complete: bool
    error: str | None
    pack: str | None
    entries: tuple[Entry, ...]


class Removed(NamedTuple):
    """What was removed from landing.

    Attributes:
        pulls: Manifests.
        documents: What later steps had kept beside them.
        packs: The names of the packs of raw answers that were there.
        strays: Packs that no manifest names: what a pull that was killed had left.
        shared: Packs that stay, because pulls that stay have received the very same answers.
    """

    pulls: int
    documents: int
    packs: frozenset[str]
    strays: int
    shared: int


class Answers:
    """The answers of a pull that is running, in the order they came; many of them wait on the disk."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._bodies = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - `close` does it

    def add(self, page: RawPage) -> None:
        """Take in an answer."""
        self._bodies.write(page.body)
        self.entries.append(
            Entry(
                stream=page.stream,
                request=page.request,
                status=page.status,
                headers=page.headers,
                fetched_at=page.fetched_at,
                sha256=page.sha256,
                size=len(page.body),
            )
        )

    def name(self) -> str:
        """The name of their pack: sha256 over the sha256 of each, as text."""
        return hashlib.sha256("".join(entry.sha256 for entry in self.entries).encode()).hexdigest()

    def bodies(self) -> Iterator[bytes]:
        """The bodies, one after another."""
        self._bodies.seek(0)
        return (self._bodies.read(entry.size) for entry in self.entries)

    def close(self) -> None:
        """Let go of the bodies."""
        self._bodies.close()


class Landing:
    """Raw answers and manifests below `root`: a `pathlib.Path`, or an object store with the same interface."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write_pack(self, answers: "Answers") -> str | None:
        """Keep the answers of a pull, unless the same are here already.

        They are on the disk when it returns. A process that dies on the way leaves no half pack under a final name.

        Returns:
            The pack's name; None if there are no answers.
        """
        if not answers.entries:
            return None
        name = answers.name()
        if not self.holds(name):
            self._write(self._pack(name), (igzip.compress(body, compresslevel=2, mtime=0) for body in answers.bodies()))
        return name

    def write_pull(self, pull: Pull) -> str:
        """Write a pull's manifest.

        Returns:
            Its path relative to the root: the pull's name for everybody else.

        Raises:
            LandingError: Another pull already bears that name.
        """
        path = self._pulls_of(pull.target.source, pull.run, pull.target) / _started(pull.started_at)
        content = msgspec.json.format(msgspec.json.encode(pull), indent=1)
        if not path.exists():
            self._write(path, [content])
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

    def pulls(
        self, client: str | None = None, source: str | None = None, run: str | None = None
    ) -> Iterator[tuple[str, Pull]]:
        """All pulls with their names, oldest first; optionally of one client, source or run."""
        kind, when, who = (_slug(part) if part else "*" for part in (source, run, client))
        for name in self._in_order(f"pulls/{kind}/{when}/{who}/*/*.json"):
            yield name, self.read_pull(name)

    def documents(self, folder: str, target: Target) -> list[str]:
        """The names of a target's pulls beside which a later step keeps a document in a folder, oldest first."""
        of_target = "/".join(map(_slug, (target.client_id, target.ref)))
        return self._in_order(f"{folder}/pulls/{_slug(target.source)}/*/{of_target}/*.json")

    def pages(self, pull: Pull) -> Iterator[RawPage]:
        """The answers of a pull as they were received.

        Raises:
            Missing: They are gone.
            Corrupt: They are not what the manifest says.
        """
        if pull.pack is None:
            return
        path = self._pack(pull.pack)
        try:
            with _opened(path) as file, igzip.IGzipFile(fileobj=file) as bodies:  # type: ignore[no-untyped-call]
                for entry in pull.entries:
                    yield _page(entry, bodies.read(entry.size), path)
        except FileNotFoundError as error:
            raise Missing(
                f"the raw answers {path} are gone. Restore them from a backup, or pull the days anew."
            ) from error
        except (igzip.BadGzipFile, isal_zlib.IsalError, EOFError) as error:  # type: ignore[misc]
            raise Corrupt(f"the raw answers {path} cannot be unpacked ({error}). {_MEND}") from error

    def write_document(self, path: str, content: bytes) -> None:
        """Write what a later step needs to know of pulls, e.g. the gate's findings; a new writing replaces the old."""
        self._write(self._root / path, [content])

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

    def holds(self, pack: str) -> bool:
        """Whether the pack of this name is here."""
        return self._pack(pack).exists()

    def raw_names(self, pull: Pull) -> dict[str, str]:
        """Where the answers of a pull lie, by their sha256: `raw/<aa>/<pack>.gz#<which of its answers, from 1>`."""
        if pull.pack is None:
            return {}
        pack = self._relative(self._pack(pull.pack))
        names = enumerate((entry.sha256 for entry in pull.entries), start=1)
        return {sha256: f"{pack}#{place}" for place, sha256 in reversed(list(names))}

    def address(self, name: str) -> str:
        """The file path or URL of something in landing, from its name there."""
        return str(self._root / name)

    def forget(self, client: str) -> Removed:
        """Remove a client's pulls, what is kept beside them, and the packs that no other client's pull names.

        Interrupted, it can be called again.
        """
        inside = f"*/*/{_slug(client)}/*/*"
        return self._remove(self._root.glob(f"pulls/{inside}"), self._root.glob(f"*/pulls/{inside}"))

    def expire(self, before: dt.datetime, *, dry_run: bool = False) -> Removed:
        """Remove the pulls begun before a moment, what is kept beside them, and the packs that no later pull names.

        Interrupted, it can be called again. A dry run removes nothing and says what would be removed.
        """
        first = _started(before)
        old, beside = (
            (path for path in self._root.glob(f"{top}/*/*/*/*/*.json") if path.name < first)
            for top in ("pulls", "*/pulls")
        )
        return self._remove(old, beside, dry_run=dry_run)

    def search(self, pattern: re.Pattern[bytes]) -> list[str]:
        """Name the files and folders outside `raw` whose path or content matches."""
        tops = (top for top in self._root.iterdir() if top.name != "raw")
        paths = (path for top in tops for path in (top, *top.rglob("*")))
        found = ((self._relative(path), path) for path in paths)
        return sorted(
            name
            for name, path in found
            if pattern.search(name.encode()) or (path.is_file() and pattern.search(path.read_bytes()))
        )

    def _remove(self, manifests: Iterable[Path], documents: Iterable[Path], *, dry_run: bool = False) -> Removed:
        going, beside = set(manifests), list(documents)
        named = _named(going)
        staying = _named(path for path in self._root.glob("pulls/*/*/*/*/*.json") if path not in going)
        packs = frozenset(filter(self.holds, named - staying))
        strays = list(self._strays(named | staying))
        if not dry_run:
            # The manifests last: as long as they are here, it is known which packs have to go.
            for path in (*map(self._pack, packs), *strays, *beside, *going):
                path.unlink(missing_ok=True)
            for folder in {path.parent for path in (*beside, *going)}:
                self._remove_empty(folder)
        return Removed(len(going), len(beside), packs, len(strays), len(named & staying))

    def _strays(self, named: set[str]) -> Iterator[Path]:
        """Packs, whole or not, that no manifest names, unless their pull may still be running."""
        if not isinstance(self._root, Path):
            return  # object stores tell no age that all of them agree on
        yesterday = time.time() - dt.timedelta(days=1).total_seconds()
        for path in self._root.glob("raw/*/*"):
            with suppress(FileNotFoundError):  # a pack that has just been made whole
                if path.name.removesuffix(".gz") not in named and path.stat().st_mtime < yesterday:
                    yield path

    def _remove_empty(self, folder: Path) -> None:
        """Remove a folder and those above it, as far as they are empty; object stores have no folders."""
        if isinstance(folder, Path):
            with suppress(OSError):
                while folder != self._root:
                    folder.rmdir()
                    folder = folder.parent

    def _in_order(self, pattern: str) -> list[str]:
        """The names of the pulls whose files match, oldest first."""
        names = map(_name, self._root.glob(pattern))
        return sorted(names, key=lambda name: (name.rsplit("/", 1)[-1], name))

    def _relative(self, path: Path) -> str:
        return "/".join(path.parts[len(self._root.parts) :])

    def _pack(self, name: str) -> Path:
        return self._root / "raw" / name[:2] / f"{name}.gz"

    def _pulls_of(self, source: str, run: str, target: Target) -> Path:
        return self._root / "pulls" / _slug(source) / _slug(run) / _slug(target.client_id) / _slug(target.ref)

    def _write(self, path: Path, parts: Iterable[bytes]) -> None:
        if not isinstance(path, Path):
            path.write_bytes(b"".join(parts))  # object stores show an object only when it is whole
            return
        partial = path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            file = partial.open("wb")
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = partial.open("wb")
        try:
            with file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                partial.unlink()
            raise


def _opened(path: Path) -> BinaryIO:
    # An object store's own `open` reports to Airflow's lineage, method by method.
    return path.open("rb") if isinstance(path, Path) else BytesIO(path.read_bytes())


def _page(entry: Entry, body: bytes, pack: Path) -> RawPage:
    page = RawPage(
        stream=entry.stream,
        request=entry.request,
        status=entry.status,
        headers=entry.headers,
        fetched_at=entry.fetched_at,
        body=body,
    )
    if page.sha256 != entry.sha256:
        raise Corrupt(
            f"the raw answers {pack} hold one with the sha256 {page.sha256}, where the manifest has {entry.sha256}. "
            f"{_MEND}"
        )
    return page


def _name(path: Path) -> str:
    """`pulls/<source>/<run>/<client>/<ref>/<started at>.json`."""
    return "/".join(path.parts[-6:])


def _started(moment: dt.datetime) -> str:
    """Name the manifest of a pull begun at a moment; by these names pulls stand in order."""
    return f"{moment.astimezone(dt.UTC):%Y%m%dT%H%M%S.%fZ}.json"


def _named(manifests: Iterable[Path]) -> set[str]:
    """The packs that some manifests name, those that are damaged included."""
    found: set[str] = set()
    for path in manifests:
        with suppress(FileNotFoundError):
            found.update(name.decode() for name in re.findall(rb'"pack": ?"([0-9a-f]{64})"', path.read_bytes()))
    return found


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
        Exception: What the source, or the counting of its calls, raised, after the manifest has been written: what had
            been received, and perhaps paid for, is kept whatever went wrong.
    """
    started_at = clock()
    failure: BaseException | None = None
    with closing(Answers()) as answers:
        try:
            for page in source.fetch(target, window, http):
                answers.add(page)
        except BaseException as error:
            failure = error
        pack = landing.write_pack(answers)
    pull = Pull(
        target=target,
        window=window,
        run=run,
        started_at=started_at,
        ended_at=clock(),
        complete=failure is None,
        error=f"{type(failure).__name__}: {failure}" if failure else None,
        pack=pack,
        entries=tuple(answers.entries),
    )
    name = landing.write_pull(pull)
    if failure:
        raise failure
    return name, pull
