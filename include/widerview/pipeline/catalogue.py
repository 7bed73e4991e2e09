"""What all DAGs share: owner, tags, retries, assets. A test holds every DAG to it."""

import datetime as dt
import inspect
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from widerview.agency.load import BrokenFile
from widerview.agency.models import Client
from widerview.settings import Settings
from widerview.sources.base import Source
from widerview.sources.registry import SOURCES


class Tag(StrEnum):
    """The tags a DAG may carry, for the filter in the Airflow UI."""

    INGEST = "ingest"
    REPORT = "report"
    WATCH = "watch"
    SOCIAL = "social"
    WEB = "web"
    OFFLINE = "offline"
    BROKEN = "broken"
    HOUSEKEEPING = "housekeeping"
    DELIVERY = "delivery"


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "widerview",
    "retries": 3,
    "retry_delay": dt.timedelta(minutes=2),
    "retry_exponential_backoff": 2,
    "max_retry_delay": dt.timedelta(minutes=30),
}
"""Retries ride out a short outage; what a person must mend fails at once."""


def ingest_dag_id(source: str) -> str:
    """Name the DAG that ingests a source."""
    return f"ingest_{source}"


def source_of_ingest_dag(dag_id: str) -> Source | None:
    """Give the source that an ingest DAG belongs to; None for any other DAG."""
    return SOURCES.get(dag_id.removeprefix("ingest_")) if dag_id.startswith("ingest_") else None


PAGES_PREFIX = "/widerview"
"""Where the plugin's pages are, below the address of the Airflow UI."""

UNSUBSCRIBE_PATH = f"{PAGES_PREFIX}/unsubscribe"
"""The one page that is open to everybody: recipients unsubscribe there."""


def report_dag_id(client_id: str) -> str:
    """Name the DAG that reports to a client."""
    return f"report_{client_id}"


def client_of_report_dag(dag_id: str) -> str:
    """Give the client that a report DAG belongs to."""
    return dag_id.removeprefix("report_")


def preview_path(client_id: str, period: str, revision: int) -> str:
    """Give the page that shows a composed report as its reader will see it."""
    return f"{archive_path(client_id)}/{period}/{revision}"


def archive_path(client_id: str) -> str:
    """Give the page that lists all reports to a client."""
    return f"{PAGES_PREFIX}/reports/{report_dag_id(client_id)}"


def run_path(dag_id: str, run_id: str) -> str:
    """Give the page of a run in the Airflow UI."""
    return f"/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def checks_path(dag_id: str, run_id: str) -> str:
    """Give the page that shows what the gate found in a run of an ingest DAG."""
    return f"{PAGES_PREFIX}/checks/{quote(dag_id, safe='')}/{quote(run_id, safe='')}"


def pool_of(source: str) -> str:
    """Name the Airflow pool that keeps a platform's rate limit."""
    return f"platform_{source}"


def pools() -> dict[str, dict[str, Any]]:
    """Describe all pools as `airflow pools import` reads them."""
    return {
        pool_of(source.name): {
            "slots": source.pool_slots,
            "description": f"Accounts of {source.title} pulled at once",
            "include_deferred": False,
        }
        for source in SOURCES.values()
    }


def observations_asset(source: str) -> str:
    """Name the asset that a source's load updates."""
    return f"observations_{source}"


CRISIS_ASSET = "crisis"
"""The asset that is updated when an account manager was told of a rush of comments."""


_TOKENS = """\
`tokens` exchanges tokens that are due for new ones, and fails while a token dies within 14 days
that a person has to renew; the rest goes on. """


def ingest_doc(source: Source) -> str:
    """Write the page that operators see on a source's ingest DAG: the docstring of the source's file, and the steps."""
    return f"""\
{inspect.getdoc(inspect.getmodule(type(source))) or ""}

**Steps.** {_TOKENS if source.renewal_page else ""}`plan` lists the accounts of all clients.
`pull` asks for each of them and lands every answer as received;
the tasks are named after the accounts. `check` puts the rows through the gate; its link *What the gate found* opens a
page with every check. `load` stores what changed.

**Again and over a longer time.** Clearing `pull` asks only for the accounts that had failed. Clearing `check` or
`load` works from landing, with no call to the platform. Days that were missed come with the next pull of the account,
up to 30 of them; for more use Airflow's own *backfill* (its range ends with a moment: for one day, give the next day as
its end); for a whole history trigger a run with `first` and `last`.
"""


def report_doc(client: Client) -> str:
    """Write the page that operators see on a client's report DAG."""
    to = ", ".join(recipient.email for recipient in client.recipients)
    return f"""\
# The weekly report to {client.name}

**Purpose.** One email ({client.report.cadence}) that ties the client's social activity to the wider campaign: about the
last week that was complete when its review began. Sent on {client.report.weekday.capitalize()}s from
{client.report.time} on ({client.time_zone}).

**Inputs.** What the ingest DAGs have loaded for `{client.client}`: {_inputs(client)}.

**Outputs.** A report row in the warehouse; after approval one mail each to {to}. All reports that are kept, as readers
got them and as PDFs: [archive]({archive_path(client.client)}).

**Steps.** `due` waits until the agency is at work, and skips weeks without a report. `ready` waits until every source
has the whole week, or for {client.report.wait_hours} hours. `compose` works out the numbers; what is still missing
makes the report say so, or, if it leads with it, holds it. {_review_doc(client)} `decide` records what was answered.
`send` checks it again, waits for the planned time and for office hours, and sends each mail once. *Send back* goes to
`compose_again`: a new run with a new revision. A report with a red verdict goes to `hold` instead, which tells
{", ".join(client.reviewers)} what is wrong, since when, and what to do.

**When it fails.**

- `ready`: its log names the source that is missing. Run that source's ingest DAG for the week.
- `hold`: nothing has failed; a number the report leads with is wrong or absent. Mend it and answer *Compose again*.
- `review`: an answer that got lost is asked again. Held or unanswered means not sent; clear `compose` to ask anew.
- `decide`: its message says what cannot be carried out, or that nobody could be told that no answer has come.
- `send`: deferred mails are tried again by themselves. A refused mail, or an *uncertain* one (docs/delivery.md),
  waits for a person. Clearing `send` never sends a mail twice.
"""


def _review_doc(client: Client) -> str:
    if client.report.without_review:
        return "Nobody is asked: the client has agreed to reports that nobody has read before."
    return (
        f"`review` asks {', '.join(client.reviewers)} under *Required actions*, {client.report.review_hours} hours "
        "before it is sent; no answer means not sent."
    )


def watch_doc() -> str:
    """Write the page that operators see on the watch."""
    return """\
# The watch

**Purpose.** When far more people than ever write to a client at this time of day, a person should read it soon. Each
client is held against its own last eight weeks.

**Inputs.** Comments under the clients' posts, as the ingest DAGs have read them: by when they were written, however
late they came.

**Outputs.** A row in the table `crisis`, and one mail to the account manager (`crisis.alert` in the client's file, else
the sender) inside the client's office hours, unless the file says `on_call: true`. One more when it is over, or lasts.
The client gets nothing. Each mail is an event of the asset `crisis`.

**Steps.** `look` judges every client; its log names the accounts that are not watched, and why, and every crisis.
`tell`, one task a client that there is something to tell of, looks again and sends; when the office is closed it is
skipped, and a later run sends. No task `tell`: nothing to tell.

**When it fails.**

- `look`: nobody was looked at; usually the warehouse does not answer. Trouble with one client is that client's, and
  fails its `tell`.
- `tell`: what the mail server put off is tried again by itself. A refused mail, or an *uncertain* one
  (docs/delivery.md), waits for a person: tell the account manager yourself. Clearing `tell` never sends a mail twice.

**To be quiet.** Pause this DAG, or write `crisis: {alert: []}` into one client's file: crises then show here only.
"""


def canary_doc() -> str:
    """Write the page that operators see on the canary."""
    return """\
# The canary

**Purpose.** Platforms give up metrics, often without a word. This asks each platform for each metric alone, days before
the reports, so that a person learns of it first and a client never.

**Inputs.** For each API of each source, the first account in the client files; where its token or its Connection does
not let us in, or its client's calls are spent, the next one.

**Outputs.** For each source the metrics that it gave, as the result of its task. What is missing is remembered in the
table `missing_metric` of the warehouse, and told by one mail an account to the account managers and the agency's owner.

**Steps.** `sources` lists the platforms in use; `sing` asks each of them. Its calls count against the day's budget.
`tell` mails what is missing, once, and anew only when the platform gives another reason or has given it in between; it
waits until somebody is at the agency. It is a teardown, so that the run of a red `sing` stays red.

**When it fails.** The task of a platform that has given up a metric fails, and its message names the metric and what
the platform says. Reports go out all the same: the metric is missing there, and never zero. Look for what took its
place in the platform's documents, and write the day of the change into the source's dictionary. Where the platform says
that a right or people are missing, it withholds the metric from this account, and other accounts may have it; the
canary asks the first account in the client files, so put one first that has all. A platform that let us in through none
of its accounts fails, too.
"""


def outbox_doc() -> str:
    """Write the page that operators see on the DAG that sends what is due."""
    return """\
# The outbox

**Purpose.** To send what was approved and has not left yet: mails that a mail server has put off, that a person found
had not arrived, let go, or sends again. And to find what a sender that died has left behind.

**Inputs.** The table `outbox` of the warehouse.

**Outputs.** One mail for each that was due, inside its client's office hours; the counts as the result of `drain`.

**Steps.** `drain` sends what is due over one connection with the mail server. It can run beside any `send`: each mail
goes out once.

**When it fails.** A mail waits for a person: the message names it, and the page *Outbox* and `widerview outbox list`
show what can be done. It fails only when that is new. Clearing it never sends a mail twice.
"""


def bounces_doc() -> str:
    """Write the page that operators see on the DAG that reads what comes back."""
    return """\
# What comes back

**Purpose.** To learn which mails did not arrive though our mail server took them, and which readers called one spam.

**Inputs.** The mailbox of the Airflow Connection `widerview_bounces`; without it, `read` is skipped.

**Outputs.** Recipients to whom nothing is sent any more, in the table `suppression`; the mails in `outbox` that came
back.

**Steps.** `read` takes every notification and complaint about a mail of ours, and leaves all other mails unread.

**When it fails.** Somebody has to be told: the message names the recipients. Correct the address in the client's file,
or ask the person in another way; then `widerview outbox resend`. A mailbox that cannot be opened is named, too.
"""


def housekeeping_doc(settings: Settings) -> str:
    """Write the page that operators see on the DAG that keeps house."""
    return f"""\
# Keeping house

**Purpose.** To keep clients' data no longer than was agreed with them: raw answers for {settings.keep_raw_days} days
(`WIDERVIEW_KEEP_RAW_DAYS`), observations for {settings.keep_observations_months} months
(`WIDERVIEW_KEEP_OBSERVATIONS_MONTHS`).

**Inputs.** Landing and the warehouse.

**Outputs.** The number of files and rows that went, in the log of `retention` and as its result. Reports and mails
stay.

**Steps.** `retention` does what `widerview retention` does; `widerview retention --dry-run` says beforehand what would
go.

**When it fails.** Nothing is lost: what was not removed goes with the next run. A lock that was not to be had in ten
seconds means that a long load was under way; the retries come later. A file that cannot be read is named.
"""


def broken_doc(file: BrokenFile) -> str:
    """Write the page that operators see for a client whose file has mistakes."""
    return f"""\
# Left out: {file.path.name}

**Purpose.** To show that this client gets no report, and why; all other clients go on.

**Inputs.** The client file.

**Outputs.** None.

**When it fails.** It always does. Mend the file, and this page turns into the client's report:

```
{file}
```
"""


def _inputs(client: Client) -> str:
    accounts = [f"{account.platform} {account.handle}" for account in client.accounts]
    return ", ".join(accounts + [f"{site.platform} site {site.site_id}" for site in client.web])
