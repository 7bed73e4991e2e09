"""A real Bluesky network on loopback: PLC directory, PDS and AppView, with their PostgreSQL and Redis.

`.ci/bluesky_network.sh` installs it. The AppView gets a PostgreSQL of Debian's: it needs the extension pg_trgm, which
the server of the warehouse's tests does not have.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from bluesky_people import Network, wait_for

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("WIDERVIEW_SHARED", REPOSITORY.parent / "shared"))
TOOLS = SHARED / "tools" / "bluesky_network"
INSTALLED = Path(os.environ.get("WIDERVIEW_BLUESKY_NETWORK", REPOSITORY / "build" / "bluesky_network"))
PDS, APPVIEW = 2583, 2584
PORTS = (2581, 2582, PDS, APPVIEW, 2587, 2590)
AS_POSTGRES = ("--reuid=postgres", "--regid=postgres", "--init-groups")


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A network with nobody on it yet; it ends with the tests of the module."""
    postgres_programs = _programs()
    with ExitStack() as stack:
        # Not below pytest's own folders: PostgreSQL's user must get there, and a socket's path must be short.
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="widerview-bsky-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o755)
        database = stack.enter_context(_postgres(postgres_programs, folder / "postgres"))
        redis = stack.enter_context(_redis(folder / "redis"))
        stack.enter_context(_bluesky(folder / "bluesky", database, redis))
        yield Network(pds=f"http://127.0.0.1:{PDS}", appview=f"http://127.0.0.1:{APPVIEW}")


def _programs() -> Path:
    """Skip the test if something is missing; give the folder of PostgreSQL's programs."""
    if missing := [name for name in ("node", "redis-server", "setpriv") if shutil.which(name) is None]:
        pytest.skip(f"no {', '.join(missing)} on the PATH; run .ci/bluesky_network.sh")
    extensions = sorted(
        Path("/usr/share/postgresql").glob("*/extension/pg_trgm.control"), key=lambda path: int(path.parts[4])
    )
    if not extensions:
        pytest.skip("no PostgreSQL with pg_trgm below /usr/share/postgresql; run .ci/bluesky_network.sh")
    if not (INSTALLED / "installed").is_file():
        pytest.skip(f"no Bluesky network in {INSTALLED}; run .ci/bluesky_network.sh or set WIDERVIEW_BLUESKY_NETWORK")
    if not (TOOLS / "start.js").is_file():
        pytest.skip(f"no tools in {TOOLS}; set WIDERVIEW_SHARED")
    if taken := [str(port) for port in PORTS if not _is_free(port)]:
        pytest.skip(f"the network needs port {', '.join(taken)}, where another program listens; end that first")
    return Path("/usr/lib/postgresql") / extensions[-1].parts[4] / "bin"


@contextmanager
def _postgres(programs: Path, folder: Path) -> Iterator[str]:
    folder.mkdir()
    owner: tuple[str, ...] = ()
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        owner = AS_POSTGRES
    data = str(folder / "data")
    subprocess.run(
        ["setpriv", *owner, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    url = f"postgresql://postgres@/postgres?host={folder}"
    server = [str(programs / "postgres"), "-D", data, "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
    with _running(server, folder, options=owner) as (process, log):
        _wait_for_start(process, log, "PostgreSQL", lambda: _answers(url))
        yield url


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    folder.mkdir()
    port = _free_port()
    server = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _running(server, folder) as (process, log):
        _wait_for_start(process, log, "Redis", lambda: not _is_free(port))
        yield f"127.0.0.1:{port}"


@contextmanager
def _bluesky(folder: Path, database: str, redis: str) -> Iterator[None]:
    folder.mkdir()
    environment = {
        "NODE_PATH": str(INSTALLED / "node_modules"),
        "DB_POSTGRES_URL": database,
        "DB_POSTGRES_SCHEMA": "devenv",
        "REDIS_HOST": redis,
        "TMPDIR": str(folder),
    }
    with _running(["node", "-r", str(TOOLS / "loopback.js"), str(TOOLS / "start.js")], folder, environment) as started:
        process, log = started
        _wait_for_start(process, log, "the Bluesky network", lambda: "READY" in log.read_text())
        yield


@contextmanager
def _running(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None, options: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a server in a process group of its own, which ends with the block, or with a test session that is killed."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["setpriv", *options, "--pdeathsig=KILL", *command],
            env=os.environ | (environment or {}),
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for_start(process: subprocess.Popen[bytes], log: Path, name: str, holds: Callable[[], bool]) -> None:
    def started() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended at once: {log.read_text()[-2000:]}")
        return holds()

    try:
        wait_for(f"{name} to start", started)
    except TimeoutError as error:
        error.add_note(log.read_text()[-2000:])
        raise


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) != 0


def _free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
