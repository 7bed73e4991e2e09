"""People on a Bluesky network: what they write, like and repost, and what the network shows of it to anyone."""

import datetime as dt
import time
from collections.abc import Callable, Collection, ItemsView, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import requests

Json = dict[str, Any]
LONGEST_WAIT = 60.0
_POSTS_AT_ONCE = 25  # as many as getPosts answers
_WRITES_AT_ONCE = 100


class Post(NamedTuple):
    """How records refer to a post."""

    uri: str
    cid: str

    @property
    def ref(self) -> Json:
        return self._asdict()


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Look again and again until it holds; the network's servers tell each other with a delay.

    Raises:
        TimeoutError: It did not come to hold; the message says what.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {LONGEST_WAIT:.0f} s in vain for {what}")
        time.sleep(0.05)


def replying(parent: Post, root: Post | None = None) -> Json:
    """What makes a post a reply; the root is the post that began the thread, if not the parent itself."""
    return {"root": (root or parent).ref, "parent": parent.ref}


def quoting(post: Post) -> Json:
    """What makes a post a quote."""
    return {"$type": "app.bsky.embed.record", "record": post.ref}


@dataclass
class Network:
    """The two servers people meet: `pds` keeps their records, `appview` shows and counts them."""

    pds: str
    appview: str
    session: requests.Session = field(default_factory=requests.Session)

    def join(self, name: str) -> "Person":
        """Open an account `<name>.test`."""
        handle = f"{name}.test"
        account = self.tell(
            "com.atproto.server.createAccount",
            {"handle": handle, "email": f"{name}@mail.example", "password": "not-a-secret"},
        )
        person = Person(self, account["did"], account["accessJwt"])
        wait_for(f"the account {handle}", lambda: self.profile(handle).ok)
        return person

    def tell(self, method: str, content: Json | bytes, token: str | None = None, mime: str | None = None) -> Json:
        """Call a procedure of the PDS."""
        answer = self.session.post(
            f"{self.pds}/xrpc/{method}",
            **({"json": content} if isinstance(content, dict) else {"data": content}),
            headers=({"Authorization": f"Bearer {token}"} if token else {}) | ({"Content-Type": mime} if mime else {}),
            timeout=30,
        )
        assert answer.ok, f"{method}: HTTP {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def profile(self, actor: str) -> requests.Response:
        return self._ask("app.bsky.actor.getProfile", {"actor": actor})

    def wait_until_shown(self, posts: Collection[Post], counts: Mapping[Post, Mapping[str, int]] | None = None) -> None:
        """Wait until anyone can see all these posts, with these counts (`likeCount` and so on)."""
        wanted = [(post.uri, (counts or {}).get(post, {}).items()) for post in posts]
        for start in range(0, len(wanted), _POSTS_AT_ONCE):
            some = wanted[start : start + _POSTS_AT_ONCE]

            def shown(some: list[tuple[str, ItemsView[str, int]]] = some) -> bool:
                answer = self._ask("app.bsky.feed.getPosts", {"uris": [uri for uri, _ in some]})
                found = {view["uri"]: view for view in answer.json()["posts"]}
                return all(uri in found and known <= found[uri].items() for uri, known in some)

            told = counts or f"{len(some)} posts"
            wait_for(str(told), shown)

    def wait_until_counted(self, person: "Person", **counts: int) -> None:
        """Wait until anyone can see these counts (`followersCount` and so on) of somebody's account."""
        wait_for(f"{person.did}: {counts}", lambda: counts.items() <= self.profile(person.did).json().items())

    def _ask(self, method: str, params: Json) -> requests.Response:
        return self.session.get(f"{self.appview}/xrpc/{method}", params=params, timeout=30)


@dataclass(frozen=True)
class Person:
    """Somebody with an account; everything they do can be dated back."""

    network: Network
    did: str
    token: str

    def post(self, text: str, at: dt.datetime, **more: object) -> Post:
        return self._write("app.bsky.feed.post", at, text=text, **more)

    def post_many(self, drafts: Sequence[tuple[str, dt.datetime]]) -> list[Post]:
        """Write plain posts, many in one call."""
        made: list[Post] = []
        for start in range(0, len(drafts), _WRITES_AT_ONCE):
            writes = [
                {
                    "$type": "com.atproto.repo.applyWrites#create",
                    "collection": "app.bsky.feed.post",
                    "value": _record("app.bsky.feed.post", at, text=text),
                }
                for text, at in drafts[start : start + _WRITES_AT_ONCE]
            ]
            results = self._tell("com.atproto.repo.applyWrites", {"repo": self.did, "writes": writes})["results"]
            made += [Post(result["uri"], result["cid"]) for result in results]
        return made

    def like(self, post: Post, at: dt.datetime) -> None:
        self._write("app.bsky.feed.like", at, subject=post.ref)

    def repost(self, post: Post, at: dt.datetime) -> None:
        self._write("app.bsky.feed.repost", at, subject=post.ref)

    def follow(self, other: "Person", at: dt.datetime) -> None:
        self._write("app.bsky.graph.follow", at, subject=other.did)

    def describe(self, name: str, pinned: Post) -> None:
        """Set the name shown to people, and the post that stands on top."""
        profile = {"$type": "app.bsky.actor.profile", "displayName": name, "pinnedPost": pinned.ref}
        self._tell(
            "com.atproto.repo.putRecord",
            {"repo": self.did, "collection": "app.bsky.actor.profile", "rkey": "self", "record": profile},
        )

    def bookmark(self, post: Post) -> None:
        self._tell("app.bsky.bookmark.createBookmark", post.ref)

    def upload(self, content: bytes, mime: str) -> Json:
        """Store a file that a post can then embed."""
        blob: Json = self._tell("com.atproto.repo.uploadBlob", content, mime)["blob"]
        return blob

    def rename(self, name: str) -> None:
        handle = f"{name}.test"
        self._tell("com.atproto.identity.updateHandle", {"handle": handle})
        wait_for(f"the handle {handle}", lambda: self.network.profile(handle).ok)

    def deactivate(self) -> None:
        self._tell("com.atproto.server.deactivateAccount", {})
        wait_for(f"{self.did} to be gone", lambda: not self.network.profile(self.did).ok)

    def _write(self, collection: str, at: dt.datetime, **content: object) -> Post:
        made = self._tell(
            "com.atproto.repo.createRecord",
            {"repo": self.did, "collection": collection, "record": _record(collection, at, **content)},
        )
        return Post(made["uri"], made["cid"])

    def _tell(self, method: str, content: Json | bytes, mime: str | None = None) -> Json:
        return self.network.tell(method, content, self.token, mime)


def _record(collection: str, at: dt.datetime, **content: object) -> Json:
    return {"$type": collection, "createdAt": at.isoformat(timespec="milliseconds"), **content}
