"""Many seeded runs of the send path with senders killed at random: what became of every mail.

RUNS of them (2,000), from the seed FIRST (0) on. The table goes to the terminal and to build/bench/soak.md.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, make_url

from bench.machine import BUILD, machine
from postfix_server import why_not
from sending_runs import runs
from widerview.demo.postgres import wheel
from widerview.warehouse.tables import metadata

_EVERY = 100


def main() -> None:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the scripted server's: its connections break on purpose
    first, count = int(os.environ.get("FIRST", "0")), int(os.environ.get("RUNS", "2000"))
    without = why_not()
    if without:
        print(f"Without a real mail server: {without}")
    with tempfile.TemporaryDirectory(prefix="wv-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = wheel().get_server(folder / "data", cleanup_mode="stop")
        engine = create_engine(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
        try:
            metadata.create_all(engine)
            with runs(engine, folder, real=without is None) as many:
                for seed in range(first, first + count):
                    many.run(seed)
                    if (seed - first + 1) % _EVERY == 0:
                        print(f"{seed - first + 1} of {count} runs", flush=True)
                table = many.table()
        finally:
            engine.dispose()
            server.stop()
    facts = machine()
    told = f"{table}\n\n{facts['date']}, {facts['processor']}, {facts['cores']} cores, Python {facts['python']}\n"
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "soak.md").write_text(told)
    print(told)
    wrong = [*table.duplicates, *table.silent_losses, *table.untrue]
    if wrong:
        sys.exit("\n".join(wrong))


main()
