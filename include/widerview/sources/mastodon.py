"""### Mastodon: an account's followers, posts and conversations.

**Purpose.** Observe what a Mastodon server tells anyone about an account: its followers and posts, what people did
with each post, and what they wrote under it.

**Inputs.** The account's handle `@name@server.example` in the client's file; the server of the handle is asked. An
Airflow Connection is optional: its host replaces the server (where people's handles name another domain than the
server's own), its password is sent as a Bearer token (some servers answer only to members).

**Outputs.** The account, its own posts and replies since the first day asked for, running totals of followers,
following and posts, and of every post's likes (favourites), reposts (boosts), replies and quotes. The comments under
the ten newest posts of the last seven days asked for that have any, answers to answers included, each with its time
and whether the account itself wrote it; what the account adds to its own thread is a post and no comment. Direct
messages, which a token may make visible, give no rows.

**Calls.** The account; a page for every 40 posts; the conversation of each of at most ten posts.

**Limits.** Mastodon knows no impressions, reach or clicks. All counts are running totals, as this server has heard
of them: reactions on servers that do not talk to it are missing. Servers before 4.5 do not count quotes, which is
stored as "not reported". Without a token a server shows 60 comments of a conversation and no more. 300 calls in five
minutes from one address, for all accounts on a server together.

**When it fails.** *Not found*: the account moved or was deleted; correct the client's file. *Unauthorized*: the
server answers only to members; make a token with the right `read` in the account's settings and put it into a
Connection. *Rate limited* or *unavailable*: the task tries again by itself. *Bad answer*: look at the page in
landing; often a redirect or a proxy's HTML page.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from typing import Literal
from urllib.parse import parse_qs, quote

import msgspec
from requests import codes
from requests.utils import parse_header_links

from widerview.sources import conversations
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    PostRow,
    RawPage,
    Row,
    Source,
    Stamp,
    Target,
    Walk,
    Window,
    Written,
    counts,
    stamp,
)
from widerview.sources.http import Count, HttpClient, Moment, Turn, about, check, decode, paginate, utc
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
    created_at: Moment
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

    def __post_init__(self) -> None:
        self.created_at = utc(self.created_at)


class _Context(msgspec.Struct):
    """What answers a status, each answer after the one it answers."""

    descendants: list[_Status]


class Mastodon(Source):
    """Mastodon, through the client API of the account's own server."""

    name = "mastodon"
    title = _TITLE
    kind = "social"
    reference = Written(
        "a Mastodon handle", r"@[A-Za-z0-9_.-]+@([a-z0-9-]+\.)+[a-z0-9-]+", '"@name@server.example" (with the quotes)'
    )
    needs_connection = False
    evidence = ("recording",)
    api_version = "v1 of Mastodon 4.6"
    streams = ("account", "posts", "comments")
    tells_all_replies = True
    lookback_days = 28
    dictionary = load_dictionary(files(__package__) / "mastodon.yaml")
    pool_slots = 4
    walks = (Walk("posts", 40, "https://docs.joinmastodon.org/methods/accounts/#statuses"),)
    call_budget = 100

    def fixed_calls(self, *, days: int) -> int:
        """The account; the page beyond the window; ten conversations at most."""
        return 2 + conversations.MOST

    def base_url(self, target: Target) -> str:
        """The server of the handle."""
        return f"https://{_server(target)}"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """The account, its posts from the newest to the first day of the window, then the newest conversations."""
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
        answered: dict[str, _Status] = {}

        def ask(max_id: str | None) -> RawPage:
            params = {"limit": "40", "exclude_reblogs": "true"} | ({"max_id": max_id} if max_id else {})
            return http.request(
                "GET", f"api/v1/accounts/{account_id}/statuses", stream="posts", params=params, headers=headers
            )

        def read(page: RawPage) -> Turn:
            check(page, source=_TITLE, account=target.ref, renew=_RENEW)
            statuses = decode(page, list[_Status], source=_TITLE)
            answered.update((status.id, status) for status in statuses if _begins_conversation(status))
            reached = bool(statuses) and statuses[-1].created_at < opens
            return Turn(None if reached else _next_max_id(page), len(statuses))

        yield from paginate(ask, read, source=_TITLE)

        published = {id_: status.created_at for id_, status in answered.items()}
        for id_ in conversations.newest(published, window, target.time_zone):
            # A context does not hold the status it belongs to.
            about = {"id": id_, "uri": answered[id_].uri, "account": answered[id_].account.id}
            path = f"api/v1/statuses/{quote(id_, safe='')}/context"
            page = http.request("GET", path, stream="comments", headers=headers, about=about)
            yield page
            if page.status not in {codes.not_found, codes.gone}:  # deleted after the list had told of it
                check(page, source=_TITLE, account=target.ref, renew=_RENEW)
                decode(page, _Context, source=_TITLE)

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of an account, a page of posts or a conversation; boosts and direct messages give none."""
        if page.status != codes.ok:
            return
        stamped, server = stamp(target, page), _server(target)
        match page.stream:
            case "account":
                yield from _account(stamped, server, decode(page, _Account, source=_TITLE))
            case "comments":
                yield from _comments(stamped, server, page, decode(page, _Context, source=_TITLE).descendants)
            case _:
                for status in decode(page, list[_Status], source=_TITLE):
                    if status.reblog is None and status.visibility != "direct":
                        yield from _post(stamped, server, status)


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


def _begins_conversation(status: _Status) -> bool:
    """Whether it is a post of the account's own that answers nothing and has been answered."""
    begins = status.reblog is None and status.in_reply_to_id is None and status.visibility != "direct"
    return begins and bool(status.replies_count)


def _answered(server: str, status: _Status) -> str | None:
    """The status that this one answers; None within the author's own thread."""
    if status.in_reply_to_id is None or status.in_reply_to_account_id == status.account.id:
        return None
    return f"{server}/{status.in_reply_to_id}"


def _post(stamp: Stamp, server: str, status: _Status) -> Iterator[Row]:
    account_id = f"{server}/{status.account.id}"
    written, links = _words(status)
    if status.card:
        links.append(status.card.url)
    links = [link for link in dict.fromkeys(links) if re.match(r"https?://", link)]
    tags = dict.fromkeys(tag.name.lower() for tag in status.tags)
    yield PostRow(
        **stamp,
        account_id=account_id,
        post_id=status.uri,
        published_at=status.created_at,
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


def _words(status: _Status) -> tuple[str, list[str]]:
    """What it says, its content warning first, and the links in it."""
    text, links = read_html(status.content)
    return "\n\n".join(part for part in (status.spoiler_text, text) if part), links


def _comments(stamp: Stamp, server: str, page: RawPage, descendants: list[_Status]) -> Iterator[Row]:
    """What stands under a post of the account's, answers to answers included.

    The account's next posts in its own thread are no comments; what is written under one of them stands under that.
    """
    noted = about(page, "id", "uri", "account", what="post", source=_TITLE)
    root, own = noted["id"], noted["account"]
    uris = {status.id: status.uri for status in descendants}
    own_thread = {root: noted["uri"]}
    post_of = dict(own_thread)
    for status in descendants:
        answered = status.in_reply_to_id or root
        if status.account.id == own and answered in own_thread:
            own_thread[status.id] = post_of[status.id] = status.uri
            continue
        post_of[status.id] = post_of.get(answered, own_thread[root])
        if status.visibility == "direct":
            continue
        yield CommentRow(
            **stamp,
            account_id=f"{server}/{own}",
            comment_id=status.uri,
            post_id=post_of[status.id],
            published_at=status.created_at,
            author=f"{server}/{status.account.id}",
            own=status.account.id == own,
            text=_words(status)[0],
            permalink=status.url or status.uri,
            reply_to=None if answered in own_thread else uris.get(answered, f"{server}/{answered}"),
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
