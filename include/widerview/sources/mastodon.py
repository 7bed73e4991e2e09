"""### Mastodon: an account's followers and posts.

**Purpose.** Observe what a Mastodon server tells anyone about an account: its followers and posts, and what people
did with each post.

**Inputs.** The account's handle `@name@server.example` in the client's file; the server of the handle is asked. An
Airflow Connection is optional: its host replaces the server (where people's handles name another domain than the
server's own), its password is sent as a Bearer token (some servers answer only to members).

**Outputs.** The account, its own posts and replies since the first day asked for, running totals of followers,
following and posts, and of every post's likes (favourites), reposts (boosts), replies and quotes. Direct messages,
which a token may make visible, give no rows.

**Limits.** Mastodon knows no impressions, reach or clicks. All counts are running totals, as this server has heard
of them: reactions on servers that do not talk to it are missing. Servers before 4.5 do not count quotes, which is
stored as "not reported". 300 calls in five minutes from one address, for all accounts on a server together.

**When it fails.** *Not found*: the account moved or was deleted; correct the client's file. *Unauthorized*: the
server answers only to members; make a token with the right `read` in the account's settings and put it into a
Connection. *Rate limited* or *unavailable*: the task tries again by itself. *Bad answer*: look at the page in
landing; often a redirect or a proxy's HTML page.
"""

import datetime as dt
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from typing import Annotated, Literal
from urllib.parse import parse_qs, quote

import msgspec
from requests import codes
from requests.utils import parse_header_links

from widerview.sources.base import (
    AccountRow,
    Kind,
    PostRow,
    RawPage,
    Row,
    Stamp,
    Target,
    Window,
    counts,
    stamp,
)
from widerview.sources.http import Count, HttpClient, Turn, check, decode, paginate
from widerview.vocabulary.dictionaries import load_dictionary

_TITLE = "Mastodon"
_RENEW = "Make a token with the right `read` in the account's settings and put it into its Airflow Connection."


class _Account(msgspec.Struct):
    id: str
    acct: str
    url: str
    display_name: str = ""
    followers_count: Count | None = None
    following_count: Count | None = None
    statuses_count: Count | None = None


class _Tag(msgspec.Struct):
    name: str


class _Media(msgspec.Struct):
    type: str


class _Card(msgspec.Struct):
    url: str


class _Status(msgspec.Struct):
    """A post; where the API has objects whose content does not matter here, presence is enough."""

    id: str
    uri: str
    account: _Account
    created_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    content: str
    spoiler_text: str = ""
    visibility: str = "public"
    url: str | None = None
    in_reply_to_id: str | None = None
    in_reply_to_account_id: str | None = None
    reblog: dict[str, msgspec.Raw] | None = None
    quote: dict[str, msgspec.Raw] | None = None
    poll: dict[str, msgspec.Raw] | None = None
    card: _Card | None = None
    media_attachments: list[_Media] = []
    tags: list[_Tag] = []
    favourites_count: Count | None = None
    reblogs_count: Count | None = None
    replies_count: Count | None = None
    quotes_count: Count | None = None


class Mastodon:
    """Mastodon, through the client API of the account's own server."""

    name = "mastodon"
    title = _TITLE
    kind: Kind = "social"
    api_version = "v1 of Mastodon 4.6"
    streams: tuple[str, ...] = ("account", "posts")
    lookback_days = 28
    dictionary = load_dictionary(files(__package__) / "mastodon.yaml")
    metrics = dictionary.metrics
    pool_slots = 4
    call_budget = 100

    def base_url(self, target: Target) -> str:
        """The server of the handle."""
        return f"https://{_server(target)}"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account, then its posts from the newest to the first day of the window."""
        headers = {"Authorization": f"Bearer {http.token}"} if http.token else {}
        page = http.request(
            "GET",
            "api/v1/accounts/lookup",
            stream="account",
            params={"acct": target.ref.removeprefix("@")},
            headers=headers,
        )
        yield page
        check(page, source=_TITLE, account=target.ref, renew=_RENEW)
        account_id = quote(decode(page, _Account, source=_TITLE).id, safe="")
        opens = window.opens(target.time_zone)

        def ask(max_id: str | None) -> RawPage:
            params = {"limit": "40", "exclude_reblogs": "true"} | ({"max_id": max_id} if max_id else {})
            return http.request(
                "GET", f"api/v1/accounts/{account_id}/statuses", stream="posts", params=params, headers=headers
            )

        def read(page: RawPage) -> Turn:
            check(page, source=_TITLE, account=target.ref, renew=_RENEW)
            statuses = decode(page, list[_Status], source=_TITLE)
            reached = bool(statuses) and statuses[-1].created_at < opens
            return Turn(None if reached else _next_max_id(page), len(statuses))

        yield from paginate(ask, read, source=_TITLE)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of an account or of a page of posts; boosts and direct messages give none."""
        if page.status != codes.ok:
            return
        stamped = stamp(target, page)
        if page.stream == "account":
            yield from _account(stamped, _server(target), decode(page, _Account, source=_TITLE))
        else:
            for status in decode(page, list[_Status], source=_TITLE):
                if status.reblog is None and status.visibility != "direct":
                    yield from _post(stamped, _server(target), status)


def _server(target: Target) -> str:
    return target.ref.rsplit("@", 1)[-1].lower()


def _next_max_id(page: RawPage) -> str | None:
    """The cursor in the `next` link; the link itself may name a server's inner address."""
    for link in parse_header_links(page.headers.get("link", "")):
        if link.get("rel") == "next":
            return parse_qs(link["url"].partition("?")[2]).get("max_id", [None])[0]
    return None


def _account(stamp: Stamp, server: str, account: _Account) -> Iterator[Row]:
    account_id = f"{server}/{account.id}"
    yield AccountRow(
        **stamp,
        account_id=account_id,
        handle=f"@{account.acct}" if "@" in account.acct else f"@{account.acct}@{server}",
        name=account.display_name or account.acct,
        url=account.url,
        counts=counts(
            followers=account.followers_count, following=account.following_count, posts=account.statuses_count
        ),
    )


def _answered(server: str, status: _Status) -> str | None:
    """The status that this one answers; None within the author's own thread."""
    if status.in_reply_to_id is None or status.in_reply_to_account_id == status.account.id:
        return None
    return f"{server}/{status.in_reply_to_id}"


def _post(stamp: Stamp, server: str, status: _Status) -> Iterator[Row]:
    account_id = f"{server}/{status.account.id}"
    text, links = read_html(status.content)
    if status.card:
        links.append(status.card.url)
    links = [link for link in dict.fromkeys(links) if re.match(r"https?://", link)]
    written = "\n\n".join(part for part in (status.spoiler_text, text) if part)
    tags = dict.fromkeys(tag.name.lower() for tag in status.tags)
    yield PostRow(
        **stamp,
        account_id=account_id,
        post_id=status.uri,
        published_at=status.created_at.astimezone(dt.UTC),
        kind=_kind(status, has_links=bool(links)),
        text=written,
        permalink=status.url or status.uri,
        tags=tuple(sorted(tags, key=lambda tag: written.lower().find(f"#{tag}"))),
        links=tuple(links),
        reply_to=_answered(server, status),
        counts=counts(
            likes=status.favourites_count,
            reposts=status.reblogs_count,
            replies=status.replies_count,
            quotes=status.quotes_count,
        ),
    )


def _kind(status: _Status, *, has_links: bool) -> Literal["text", "image", "video", "link", "poll", "quote"]:
    """What a post is at first sight; a quote with a picture is a quote."""
    if status.poll:
        return "poll"
    if status.quote:
        return "quote"
    media = {media.type for media in status.media_attachments}
    if "video" in media or "gifv" in media:
        return "video"
    if "image" in media:
        return "image"
    return "link" if has_links else "text"


class _Words(HTMLParser):
    """Collects the words and links of a post's HTML.

    Mastodon hides parts of a link by the class `invisible`; with them, the text is what the author wrote. The
    paragraph of class `quote-inline` repeats the address of a quoted post for software that knows no quotes.
    """

    _BLOCKS = frozenset({"p", "div", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.links: list[str] = []
        self._in_quote = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        if tag in self._BLOCKS:
            self._in_quote = "quote-inline" in classes
            self.parts.append("\n\n")
        elif tag in {"br", "li"}:
            self.parts.append("\n")
        elif tag == "a" and not self._in_quote and not {"mention", "hashtag"} & set(classes):
            self.links.append(values.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self._in_quote = False
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._in_quote:
            self.parts.append(re.sub(r"[ \t\r\n]+", " ", data))


def read_html(html: str) -> tuple[str, list[str]]:
    """The plain text of a post's HTML, paragraphs apart by an empty line, and the links in it (no mentions)."""
    words = _Words()
    words.feed(html.replace("<!", "&lt;!"))  # posts hold no declarations, and the parser breaks on bad ones
    words.close()
    text = re.sub(r" *\n *", "\n", "".join(words.parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip(), words.links


SOURCE = Mastodon()
