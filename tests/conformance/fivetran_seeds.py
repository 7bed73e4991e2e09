"""The source tables that another implementation was given, as Widerview would have observed what they tell.

One client has all accounts. A pull is what one account was heard to say within an hour. The tables' flaws of time are
settled here, because an observation is never older than what it tells:

- A snapshot of a day (Facebook) was taken by the day's end. `_fivetran_synced` cannot be its time: the platform tells
  a post's total as it stands when asked, so snapshots of three days cannot have been taken on one.
- A report of a day (X, YouTube) is a flow. Each day's end is an observation of the post's running total up to then,
  so the day's flow is the difference of two, nothing is counted twice, and a total needs no sum over days.
- A version edited after its row was synchronised was observed when it was edited.

A media of Instagram has columns for each placement (story, photo or video, carousel, reel). They are parts of one
number and are added up; impressions and views are two numbers.
"""

import csv
import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import Engine

from widerview.quality.verdict import Rejected
from widerview.sources.base import AccountRow, CounterRow, PostRow, Row, Stamp, Target, Window
from widerview.vocabulary.sums import total
from widerview.warehouse.load import load_pull

CLIENT = "fictional-bakery"
Native = Mapping[str, str | None]

FACEBOOK = {
    "clicks": ["post_clicks"],
    "impressions": ["post_impressions"],
    "views": ["post_media_view"],
    "video_views": ["post_video_views"],
    "likes": ["post_reactions_like_total"],
}
INSTAGRAM = {
    "impressions": ["story_impressions", "video_photo_impressions"],
    "views": ["story_views", "video_photo_views", "carousel_album_views", "reel_views"],
    "reach": ["video_photo_reach"],
    "likes": ["like_count"],
    "replies": ["comment_count"],
}
LINKEDIN = {
    "clicks": ["click_count"],
    "impressions": ["impression_count"],
    "likes": ["like_count"],
    "shares": ["share_count"],
    "replies": ["comment_count"],
}
TWITTER = {
    "clicks": ["clicks"],
    "impressions": ["impressions"],
    "likes": ["likes"],
    "reposts": ["retweets"],
    "replies": ["replies"],
    "engagements": ["engagements"],
}
YOUTUBE = {"views": ["views"], "likes": ["likes"], "shares": ["shares"], "replies": ["comments"]}

_DAY = dt.timedelta(days=1)


def read_table(engine: Engine, path: Path) -> list[Native]:
    """Read a CSV file as PostgreSQL reads it: an empty cell is NULL, and one with quotes is an empty text."""
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        columns = ", ".join(f'"{name}" text' for name in names)
        cursor.execute(f"CREATE TEMPORARY TABLE native ({columns})")
        with cursor.copy("COPY native FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(path.read_bytes())
        cursor.execute("SELECT * FROM native")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        connection.rollback()
        connection.close()


def moment(written: str | None) -> dt.datetime:
    """The moment a cell tells; cells carry no zone and mean UTC."""
    assert written
    return dt.datetime.fromisoformat(written.removesuffix(" UTC")).replace(tzinfo=dt.UTC)


class Seeds:
    """The source tables of a folder, and the rows Widerview makes of them.

    `answers` holds what each receipt stands for, as landing would: the native record a row was read from.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self.answers: dict[str, Native] = {}

    def rows(self) -> Iterator[Row]:
        """Every row, in no particular order; totals of a post that is in no listing have no `published_at`."""
        yield from self.facebook()
        yield from self.instagram()
        yield from self.linkedin()
        yield from self.twitter()
        yield from self.youtube()

    def table(self, name: str) -> list[Native]:
        return read_table(self._engine, self._folder / f"{name}.csv")

    def facebook(self) -> Iterator[Row]:
        for page in self.table("facebook_pages_page_data"):
            stamp = self._stamp("facebook", moment(page["_fivetran_synced"]), page)
            yield self._account(stamp, page["id"], page["id"], page["name"], f"https://facebook.com/{page['id']}")
        posts = {}
        for post in self.table("facebook_pages_post_history_data"):
            row = PostRow(
                **self._stamp("facebook", moment(post["_fivetran_synced"]), post),
                account_id=post["page_id"], post_id=post["id"], published_at=moment(post["created_time"]),
                kind="image" if post["status_type"] == "added_photos" else "text",
                text=post["message"] or "", permalink="https://facebook.com/{}/posts/{}".format(*post["id"].split("_")),
            )  # fmt: skip
            posts[row.post_id] = row.published_at
            yield row
        for snapshot in self.table("facebook_pages_lifetime_post_metrics_total_data"):
            post_id = snapshot["post_id"]
            yield CounterRow(
                **self._stamp("facebook", moment(snapshot["date"]) + _DAY, snapshot),
                account_id=post_id.split("_")[0], post_id=post_id, published_at=posts.get(post_id),
                counts=_counts(FACEBOOK, [snapshot]),
            )  # fmt: skip

    def instagram(self) -> Iterator[Row]:
        for user in self.table("instagram_business_user_history_data"):
            stamp = self._stamp("instagram", moment(user["_fivetran_synced"]), user)
            url = f"https://www.instagram.com/{user['username']}/"
            counts = {"followers": int(user["followers_count"]), "following": int(user["follows_count"])}
            yield self._account(stamp, user["id"], user["username"], user["name"], url, counts)
        medias = self.table("instagram_business_media_history_data")
        insights = self.table("instagram_business_media_insights_data")
        answers: dict[tuple[str | None, str | None], Native] = defaultdict(dict)
        for each in (*medias, *insights):  # the platform gives both in one answer
            answers[each["id"], each["_fivetran_synced"]] |= each
        posts = {}
        for media in medias:
            at = media["_fivetran_synced"]
            row = PostRow(
                **self._stamp("instagram", moment(at), answers[media["id"], at]),
                account_id=media["user_id"], post_id=media["id"], published_at=moment(media["created_time"]),
                kind="video" if media["media_type"] in {"VIDEO", "REELS"} else "image",
                text=media["caption"] or "", permalink=media["permalink"],
            )  # fmt: skip
            posts[row.post_id] = row
            yield row
        for told in insights:
            post, at = posts[told["id"]], told["_fivetran_synced"]
            yield CounterRow(
                **self._stamp("instagram", moment(at), answers[told["id"], at]),
                account_id=post.account_id, post_id=post.post_id, published_at=post.published_at,
                counts=_counts(INSTAGRAM, [told]),
            )  # fmt: skip

    def linkedin(self) -> Iterator[Row]:
        for page in self.table("linkedin_pages_organization_data"):
            stamp = self._stamp("linkedin", moment(page["_fivetran_synced"]), page)
            url = f"https://www.linkedin.com/company/{page['id']}/"
            yield self._account(stamp, page["id"], page["id"], page["localized_name"], url)
        contents = {content["post_id"]: content for content in self.table("linkedin_pages_post_content_data")}
        posts = {}
        for post in self.table("linkedin_pages_ugc_post_history_data"):
            at = max(moment(post["_fivetran_synced"]), moment(post["last_modified_time"]))
            content = contents.get(post["id"], {})
            row = PostRow(
                **self._stamp("linkedin", at, {**content, **post}),
                account_id=_number_of(post["author"]), post_id=post["id"], published_at=moment(post["created_time"]),
                kind="link" if content.get("type") == "article" else "text", text=post["commentary"] or "",
                permalink=f"https://www.linkedin.com/embed/feed/update/{post['id']}",
            )  # fmt: skip
            posts[_number_of(row.post_id)] = row
            yield row
        statistics = {each["_fivetran_id"]: each for each in self.table("linkedin_pages_share_statistic_data")}
        for owner in self.table("linkedin_pages_ugc_post_share_statistic_data"):
            statistic, post = statistics[owner["share_statistic_id"]], posts[owner["ugc_post_id"]]
            yield CounterRow(
                **self._stamp("linkedin", moment(owner["_fivetran_synced"]), {**statistic, **owner}),
                account_id=post.account_id, post_id=post.post_id, published_at=post.published_at,
                counts=_counts(LINKEDIN, [statistic]),
            )  # fmt: skip

    def twitter(self) -> Iterator[Row]:
        tweets = self.table("tweet")
        names = {user["id"]: user["screen_name"] for user in self.table("twitter_user_history")}
        handles = {tweet["account_id"]: names[tweet["user_id"]] for tweet in tweets}
        for account in self.table("account_history"):
            stamp = self._stamp("twitter", moment(account["_fivetran_synced"]), account)
            handle = handles[account["id"]]
            yield self._account(stamp, account["id"], handle, account["name"], f"https://twitter.com/{handle}")
        reports = _by_post(self.table("organic_tweet_report"), "organic_tweet_id")
        for tweet in tweets:
            post = PostRow(
                **self._stamp("twitter", moment(tweet["_fivetran_synced"]), tweet),
                account_id=tweet["account_id"], post_id=tweet["id"], published_at=moment(tweet["created_at"]),
                kind="text", text=tweet["full_text"] or "", permalink=f"https://twitter.com/p/status/{tweet['id']}",
            )  # fmt: skip
            yield post
            yield from self._running_totals(post, TWITTER, reports.pop(post.post_id, []))
        assert not reports

    def youtube(self) -> Iterator[Row]:
        videos = self.table("youtube_video_data")
        for channel in {video["snippet_channel_id"]: video for video in videos}.values():
            stamp = self._stamp("youtube", moment(channel["_fivetran_synced"]), channel)
            channel_id = channel["snippet_channel_id"]
            url = f"https://www.youtube.com/channel/{channel_id}"
            yield self._account(stamp, channel_id, channel_id, channel["snippet_channel_title"], url)
        reports = _by_post(self.table("youtube_channel_basic_data"), "video_id")
        for video in videos:
            post = PostRow(
                **self._stamp("youtube", moment(video["_fivetran_synced"]), video),
                account_id=video["snippet_channel_id"], post_id=video["id"],
                published_at=moment(video["snippet_published_at"]), kind="video",
                text="\n\n".join(filter(None, (video["snippet_title"], video["snippet_description"]))),
                permalink=f"https://www.youtube.com/watch?v={video['id']}",
            )  # fmt: skip
            yield post
            yield from self._running_totals(post, YOUTUBE, reports.pop(post.post_id, []))
        assert not reports

    def _running_totals(
        self, post: PostRow, metrics: Mapping[str, list[str]], days: list[Native]
    ) -> Iterator[CounterRow]:
        for count, day in enumerate(days, start=1):
            yield CounterRow(
                **self._stamp(post.source, moment(day["date"]) + _DAY, day),
                account_id=post.account_id, post_id=post.post_id, published_at=post.published_at,
                counts=_counts(metrics, days[:count]),
            )  # fmt: skip

    def _account(self, stamp: Stamp, account_id: str, handle: str, name: str, url: str, counts=None) -> AccountRow:
        return AccountRow(**stamp, account_id=account_id, handle=handle, name=name, url=url, counts=counts or {})

    def _stamp(self, source: str, at: dt.datetime, native: Native) -> Stamp:
        receipt = hashlib.sha256(json.dumps(native, sort_keys=True).encode()).hexdigest()
        self.answers[receipt] = native
        return {"client_id": CLIENT, "source": source, "observed_at": at, "receipt": receipt}


def load_seeds(engine: Engine, rows: Iterable[Row]) -> None:
    """Load the rows as successive pulls: one for each account and each hour in which it was heard.

    Totals of a post that is in no listing are held back: without a post they belong nowhere, and they are not lost.
    """
    heard = defaultdict(list)
    for row in rows:
        heard[row.observed_at.replace(minute=0, second=0), row.source, row.account_id].append(row)
    for (hour, source, account_id), told in sorted(heard.items(), key=lambda pull: pull[0]):
        load_id = f"{source}/{account_id}/{hour:%Y-%m-%dT%H}"
        ended_at = max(row.observed_at for row in told)
        load_pull(
            engine,
            load_id=load_id,
            target=Target(client_id=CLIENT, source=source, ref=account_id, time_zone="UTC"),
            window=Window(hour.date(), hour.date()),
            started_at=hour,
            ended_at=ended_at,
            digest=hashlib.sha256(load_id.encode()).digest(),
            recorded_at=ended_at,
            rows=told,
            rejected=[
                Rejected(index=index, reason="totals of a post that is in no listing")
                for index, row in enumerate(told)
                if isinstance(row, CounterRow) and row.published_at is None
            ],
        )


def _counts(metrics: Mapping[str, list[str]], records: list[Native]) -> dict[str, int | None]:
    """The native columns of some records under canonical metrics; those that no record knows are not reported."""
    return {metric: _count(metric, columns, records) for metric, columns in metrics.items()}


def _count(metric: str, columns: list[str], records: list[Native]) -> int | None:
    cells = [record[column] for record in records for column in columns]
    values = [None if cell is None else int(cell) for cell in cells]
    return values[0] if len(values) == 1 else total(metric, values)


def _by_post(days: list[Native], column: str) -> dict[str, list[Native]]:
    """Group daily reports by post, each post's in the order of the days."""
    posts = defaultdict(list)
    for day in sorted(days, key=lambda each: each["date"]):
        posts[day[column]].append(day)
    return posts


def _number_of(urn: str) -> str:
    return urn.rsplit(":", 1)[1]
