"""A hundred seeded runs with senders killed at random, against a scripted mail server and a real one."""

import tempfile
from pathlib import Path

import pytest
from sqlalchemy import Engine

from postfix_server import why_not
from sending_runs import runs

RUNS = 50


def check(engine: Engine, seeds: range, *, real: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="wv-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with runs(engine, Path(folder), real=real) as many:
            for seed in seeds:
                many.run(seed)
            table = many.table()
    assert (table.duplicates, table.silent_losses, table.untrue) == ([], [], [])
    assert table.killed > RUNS / 4
    assert table.sent > table.mails / 4
    assert table.uncertain_arrived + table.uncertain_not, "or the faults did not reach where they hurt"
    assert table.failed
    counted = table.sent + table.failed + table.put_off + table.uncertain_arrived + table.uncertain_not
    assert counted == table.mails, "every mail is in one of these states"


def test_no_mail_twice_and_none_lost_silently(warehouse: Engine) -> None:
    check(warehouse, range(RUNS), real=False)


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_no_mail_twice_and_none_lost_silently_with_a_real_mail_server(warehouse: Engine) -> None:
    check(warehouse, range(RUNS, 2 * RUNS), real=True)
