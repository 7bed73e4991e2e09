"""The limit: the least work that an idempotent load of these rows can be. The bar for a loader, not one.

Three threads fetch over connections that are kept alive and decode into typed structs; one database connection copies
them as tuples into an unlogged table and merges every few accounts with one guarded statement. No raw answers are
kept, nothing is judged, and there is no history: a row that differs is overwritten.

    python -m bench.ingest.limit ROWS VERSION FOLDER [DELAY_MS] [CONNECTIONS]
"""

import datetime as dt
import os
import queue
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import msgspec
import psycopg

from bench.ingest.workload import HOST, PORT, POSTS_OF_A_PAGE, SERVER, accounts

ROWS_A_MERGE = 10_000  # of 1,000, 10,000, 25,000 and 50,000 the one with the least CPU
METRICS = (
    "post_impressions", "post_impressions_unique", "post_impressions_organic", "post_impressions_paid",
    "post_engaged_users", "post_clicks", "post_reactions_like_total", "post_reactions_love_total",
    "post_reactions_wow_total", "post_reactions_haha_total", "post_reactions_sorry_total",
    "post_reactions_anger_total", "post_video_views", "post_video_views_organic", "post_video_avg_time_watched",
    "post_video_view_time", "post_media_view", "post_negative_feedback",
)  # fmt: skip
COLUMNS = {
    "id": "text",
    "created_time": "timestamptz",
    "updated_time": "timestamptz",
    "message": "text",
    "permalink_url": "text",
    "full_picture": "text",
    "status_type": "text",
    "is_published": "boolean",
    "from_id": "text",
    "from_name": "text",
    "shares_count": "bigint",
} | dict.fromkeys(METRICS, "bigint")

CREATE = f"""
    create table if not exists limit_post (
        {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())}, primary key (id)
    );
    drop table if exists limit_stage;
    create unlogged table limit_stage (like limit_post)
"""
MERGE = f"""
    insert into limit_post select * from limit_stage
    on conflict (id) do update set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "id")}
    where (limit_post.*) is distinct from (excluded.*)
"""


class Author(msgspec.Struct, gc=False):
    id: str
    name: str


class Shares(msgspec.Struct, gc=False):
    count: int


Metrics: Any = msgspec.defstruct("Metrics", [(name, int | None, None) for name in METRICS], gc=False)


class Post(msgspec.Struct, gc=False):
    id: str
    created_time: dt.datetime
    updated_time: dt.datetime
    message: str | None
    permalink_url: str
    full_picture: str | None
    status_type: str
    is_published: bool
    author: Author = msgspec.field(name="from")
    metrics: Metrics
    shares: Shares | None = None


class Paging(msgspec.Struct, gc=False):
    next: str | None = None


class Page(msgspec.Struct, gc=False):
    data: list[Post]
    paging: Paging


def flat(post: Post) -> tuple[object, ...]:
    return (
        post.id, post.created_time, post.updated_time, post.message, post.permalink_url, post.full_picture,
        post.status_type, post.is_published, post.author.id, post.author.name,
        post.shares.count if post.shares else None, *msgspec.structs.astuple(post.metrics),
    )  # fmt: skip


def fetch(todo: queue.SimpleQueue[str], pages: queue.Queue[list[Post] | Exception | None], query: str) -> None:
    """Fetch account after account; None says that none is left."""
    connection = HTTPConnection(HOST, PORT)
    decode = msgspec.json.Decoder(Page).decode
    try:
        while True:
            path: str | None = f"/v19.0/{todo.get_nowait()}/posts?limit={POSTS_OF_A_PAGE}&{query}"
            while path:
                connection.request("GET", path)
                page = decode(connection.getresponse().read())
                pages.put(page.data)
                path = page.paging.next and page.paging.next.removeprefix(SERVER)
    except queue.Empty:
        pages.put(None)
    except Exception as error:  # the main thread raises it
        pages.put(error)


def arriving(rows: int, query: str, connections: int) -> Iterator[list[Post]]:
    """The pages of all accounts as they come, with a few waiting at most."""
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for account in accounts(rows):
        todo.put(account)
    pages: queue.Queue[list[Post] | Exception | None] = queue.Queue(maxsize=2 * connections)
    for _ in range(connections):
        threading.Thread(target=fetch, args=(todo, pages, query), daemon=True).start()
    running = connections
    while running:
        match pages.get():
            case None:
                running -= 1
            case Exception() as error:
                raise error
            case page:
                yield page


def merge(database: psycopg.Connection, pages: Iterator[list[Post]], rows: int) -> None:
    """Take `rows` rows from the pages, copy them to staging as they come, and merge them: one transaction."""
    with database.transaction(), database.cursor() as cursor:
        cursor.execute("truncate limit_stage")
        with cursor.copy("copy limit_stage from stdin (format binary)") as copy:  # half the CPU of text, on both sides
            copy.set_types(list(COLUMNS.values()))
            while rows > 0:
                page = next(pages)
                rows -= len(page)
                for post in page:
                    copy.write_row(flat(post))
        cursor.execute(MERGE)


def main(rows: int, version: int, delay_ms: int = 0, connections: int = 3) -> None:
    pages = arriving(rows, f"v={version}&delay_ms={delay_ms}", connections)
    with psycopg.connect(os.environ["PEERS_DSN"]) as database:
        database.execute(CREATE)
        database.commit()
        for begun in range(0, rows, ROWS_A_MERGE):
            merge(database, pages, min(ROWS_A_MERGE, rows - begun))


if __name__ == "__main__":
    rows, version, _, *options = sys.argv[1:]
    main(int(rows), int(version), *map(int, options))
