"""An environment for each peer, so that nobody's pins meet ours."""

import subprocess
import sys
from pathlib import Path

from bench.ingest.contenders import python
from bench.machine import BUILD

UV = Path(sys.executable).with_name("uv")
LISTS = Path(__file__).with_name("peers")


def make(name: str) -> None:
    """Install a peer's list of packages, compiled; nothing is done if that list is installed already."""
    wanted = LISTS / f"{name}.txt"
    folder = BUILD / "envs" / name
    installed = folder / "installed.txt"
    if installed.exists() and installed.read_bytes() == wanted.read_bytes():
        return
    print(f"Installing the peer {name} into {folder} ...", flush=True)
    subprocess.run([UV, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python(name), "-r", wanted], check=True
    )
    installed.write_bytes(wanted.read_bytes())


def packages(name: str) -> list[str]:
    """What is installed for a peer, as `name==version`."""
    command = [str(UV), "pip", "freeze", "--quiet", "--python", python(name)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
