"""Posts of a campaign, and the links in them that would be counted wrongly."""

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigned import poster, with_campaigns
from widerview.tagging.links import Tags, plan, tag_link
from widerview.tagging.posts import belongs, untidy_links

WINTER = {
    "key": "winter-bread",
    "hashtags": ["#WinterBread"],
    "channels": [{"channel": "bluesky"}, {"channel": "instagram", "budget": 300}],
    "posts": ["https://bsky.example/by-hand"],
    "partners": [{"name": "Fern", "utm_source": "fern", "posts": ["https://bsky.example/ferns"]}],
    "assets": [poster(utm_source="poster-market"), {"kind": "newsletter", "name": "Mail", "utm_source": "newsletter"}],
}
SPRING = {"key": "spring", "starts": "2027-03-01", "ends": "2027-03-28"}
CLIENT = with_campaigns(WINTER, SPRING, everyday="everyday")
CAMPAIGN = CLIENT.campaigns[0]
SHOP = "https://shop.example/bread"
RIGHT = f"{SHOP}?utm_source=bluesky&utm_medium=social&utm_campaign=winter-bread&utm_content=post&utm_term=bluesky"
FERNS = f"{SHOP}?utm_source=fern&utm_medium=partner&utm_campaign=winter-bread&utm_content=post&utm_term=fern"
EVERYDAY = RIGHT.replace("winter-bread", "everyday")


@dataclass(frozen=True)
class Posted:
    links: tuple[str, ...]
    tags: tuple[str, ...] = ()
    permalink: str = "https://bsky.example/1"
    source: str = "bluesky"
    published_at: dt.datetime = dt.datetime(2026, 11, 10, 9, tzinfo=dt.UTC)


def found(link: str, **more: object) -> tuple[str, str | None] | None:
    untidy = untidy_links(CLIENT, [Posted((link,), **more)])  # type: ignore[arg-type]
    return (untidy[0].what, untidy[0].right) if untidy else None


@pytest.mark.parametrize(
    "link",
    [
        RIGHT,
        EVERYDAY,
        RIGHT.replace("content=post", "content=reel-1"),
        RIGHT.replace("&utm_content=post", ""),
        RIGHT.replace("https://", "https://www."),
        FERNS,
        "https://elsewhere.example/",
        "https://[shop.example/bread",
    ],
)
def test_a_link_as_planned_and_one_to_elsewhere_are_fine(link: str) -> None:
    assert found(link) is None


@pytest.mark.parametrize(
    ("link", "what", "right"),
    [
        (SHOP, "carries no tags", EVERYDAY),
        ("http://www.shop.example/x?a=b#c", "carries no tags", "https://www.shop.example/x?a=b&utm_source=bluesky"),
        (RIGHT.replace("winter-bread", "Winter+Bread"), "written 'Winter Bread' instead of winter-bread", RIGHT),
        (RIGHT.replace("winter-bread", "winter-bred"), "'winter-bred' is none of the client's", RIGHT),
        (RIGHT.replace("winter-bread", "xmas24"), "'xmas24' is none of the client's: another tool's", EVERYDAY),
        (RIGHT.replace("winter-bread", "spring"), "its campaign spring begins on 2027-03-01", EVERYDAY),
        (f"{SHOP}?utm_source=ig&utm_medium=social", "name no campaign", EVERYDAY),
        (f"{SHOP}?mtm_campaign=winter-bread", "mtm_campaign, which the plan does not use", RIGHT),
        (f"{RIGHT}&utm_source=bluesky", "utm_source more than once", RIGHT),
        (RIGHT.replace("=bluesky", "=instagram"), "utm_source is 'instagram' instead of bluesky", RIGHT),
        (RIGHT.replace("source=bluesky", "source=Bluesky"), "utm_source is 'Bluesky' instead of bluesky", RIGHT),
        (RIGHT.replace("=bluesky", "=poster-market"), "utm_source is 'poster-market'", RIGHT),
        (RIGHT.replace("=social", "=Social"), "utm_medium is 'Social' instead of social", RIGHT),
        (RIGHT.replace("&utm_term=bluesky", ""), "lacks utm_term", RIGHT),
        (RIGHT.replace("=post", "=Reel+1"), "utm_content 'Reel 1' has capitals", RIGHT.replace("=post", "=reel-1")),
        ("https://shop.example/Market/", "the short path of 'Poster'", RIGHT),
        (RIGHT.replace("https:", "http:"), "begins with http", RIGHT),
        (FERNS.replace("medium=partner", "medium=social"), "utm_medium is 'social' instead of partner", FERNS),
        (FERNS.replace("source=fern", "source=Fern"), "utm_source is 'Fern'", FERNS),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_link_and_what_it_should_be(link: str, what: str, right: str) -> None:
    said, mended = found(link) or ("", "")
    assert what in said
    assert (mended or "").startswith(right)
    assert found(mended or "") is None


def test_a_link_of_a_campaign_that_is_over() -> None:
    late = dt.datetime(2026, 11, 29, 23, 30, tzinfo=dt.UTC)  # by the client's clock it is the day after the last
    assert found(RIGHT, published_at=late) == ("its campaign winter-bread was over on 2026-11-29", EVERYDAY)
    assert found(RIGHT, published_at=late - dt.timedelta(hours=1)) is None


@pytest.mark.parametrize("post", [{"tags": ("winterbread",)}, {"permalink": "https://bsky.example/by-hand"}])
def test_an_untagged_link_in_a_post_of_a_campaign_was_for_the_campaign(post: dict[str, object]) -> None:
    assert found(SHOP, **post) == ("it carries no tags", RIGHT)


def test_paid_links_are_fine_on_their_own_platform() -> None:
    (paid,) = (line.link for line in plan(CLIENT, CAMPAIGN) if line.tags.utm_source == "instagram-ads")
    assert found(str(paid), source="instagram") is None
    assert "instead of bluesky" in (found(str(paid)) or ("",))[0]


@pytest.mark.parametrize("mistake", [("utm_medium=paid_social&", ""), ("paid_social", "paid"), ("winter-", "Winter-")])
def test_a_paid_link_is_mended_into_a_paid_one(mistake: tuple[str, str]) -> None:
    (paid,) = (line.link for line in plan(CLIENT, CAMPAIGN) if line.tags.utm_source == "instagram-ads")
    assert paid
    what, right = found(paid.replace(*mistake), source="instagram") or ("", None)
    assert what
    assert right == paid


def test_a_shortened_link_cannot_be_read() -> None:
    what, right = found("https://bit.ly/3xyz") or ("", "")
    assert "it is shortened" in what
    assert right is None
    assert found("https://t.co/3xyz") is None, "the platform shortens it, not a person"


def test_a_key_with_an_underscore_is_known_however_it_is_written() -> None:
    client = with_campaigns(WINTER | {"key": "winter_bread"})
    right = RIGHT.replace("winter-bread", "winter_bread")
    assert untidy_links(client, [Posted((right,))]) == []
    for said in ("Winter_Bread", "winter-bread", "Winter+Bread"):
        (each,) = untidy_links(client, [Posted((RIGHT.replace("winter-bread", said),))])
        assert each.what == f"its campaign is written {said.replace('+', ' ')!r} instead of winter_bread"
        assert each.right == right


def test_utm_term_is_asked_for_only_where_matomo_counts() -> None:
    web = [{"platform": "ga4", "site_id": "123", "url": "https://shop.example", "connection": "g"}]
    client = with_campaigns(WINTER, web=web)
    assert untidy_links(client, [Posted((RIGHT.replace("&utm_term=bluesky", ""),))]) == []


def test_without_an_everyday_tag_the_only_campaign_is_suggested_and_of_two_none() -> None:
    overlapping = WINTER | {"key": "other", "hashtags": [], "assets": [], "posts": [], "partners": []}
    assert untidy_links(with_campaigns(WINTER), [Posted((SHOP,))])[0].right == RIGHT
    assert untidy_links(with_campaigns(WINTER, overlapping), [Posted((SHOP,))])[0].right is None


def test_each_link_of_a_post_is_told_once_in_the_order_of_posts() -> None:
    posts = [Posted((SHOP, RIGHT, SHOP)), Posted((f"{SHOP}?utm_source=x",), permalink="https://bsky.example/2")]
    assert [(each.permalink, each.link) for each in untidy_links(CLIENT, posts)] == [
        ("https://bsky.example/1", SHOP),
        ("https://bsky.example/2", f"{SHOP}?utm_source=x"),
    ]


@given(st.text("utm_ca=&?#;%bBwinter-ed SHOP/:.", max_size=40))
def test_whatever_a_post_has_linked_is_judged_and_its_mending_is_fine(rest: str) -> None:
    for link in (f"{SHOP}{rest}", f"{SHOP}?{rest}", rest):
        for each in untidy_links(CLIENT, [Posted((link,))]):
            assert each.right is not None
            assert found(each.right) is None


@given(
    page=st.sampled_from([SHOP, "https://www.shop.example", f"{SHOP}?a=1"]),
    line=st.sampled_from(plan(CLIENT, CAMPAIGN)),
)
def test_what_the_plan_makes_the_linter_takes_and_the_campaign_owns(page: str, line: object) -> None:
    tags: Tags = line.tags  # type: ignore[attr-defined]
    post = Posted((tag_link(CLIENT, page, tags),), source=tags.utm_source.removesuffix("-ads"))
    assert belongs(CLIENT, post, CAMPAIGN)
    assert not belongs(CLIENT, post, CLIENT.campaigns[1])
    if tags.utm_medium not in {"print", "email"}:
        assert untidy_links(CLIENT, [post]) == []


@pytest.mark.parametrize(
    ("post", "belonging"),
    [
        (Posted((), tags=("winterbread",)), True),
        (Posted((), tags=("winter",)), False),
        (Posted((RIGHT,)), True),
        (Posted((f"{SHOP}?mtm_campaign=Winter-Bread",)), True),
        (Posted(("https://[x/?utm_campaign=winter-bread",)), False),
        (Posted((), permalink="https://bsky.example/by-hand"), True),
        (Posted((), permalink="https://bsky.example/ferns"), True),
        (Posted((), permalink=""), False),
    ],
)
def test_a_post_belongs_by_hashtag_by_link_or_by_hand(post: Posted, belonging: bool) -> None:
    assert belongs(CLIENT, post, CAMPAIGN) is belonging


@pytest.mark.parametrize(
    ("at", "belonging"),
    [
        (dt.datetime(2026, 10, 25, 22, 30, tzinfo=dt.UTC), False),  # the last half hour of the 25th in Berlin
        (dt.datetime(2026, 10, 25, 23, 30, tzinfo=dt.UTC), True),  # a week before the first day: the announcement
        (dt.datetime(2026, 11, 29, 22, 30, tzinfo=dt.UTC), True),
        (dt.datetime(2026, 11, 29, 23, 30, tzinfo=dt.UTC), False),
    ],
)
@pytest.mark.parametrize("how", [{"links": (RIGHT,)}, {"links": (), "tags": ("winterbread",)}])
def test_tag_and_hashtag_make_a_post_the_campaigns_from_its_announcement_to_its_end_only(
    at: dt.datetime, belonging: bool, how: dict[str, tuple[str, ...]]
) -> None:
    assert belongs(CLIENT, Posted(**how, published_at=at), CAMPAIGN) is belonging
    by_hand = Posted(**how, published_at=at, permalink="https://bsky.example/by-hand")
    assert belongs(CLIENT, by_hand, CAMPAIGN), "what a person has named stays"


def test_a_link_of_the_announcement_is_as_planned_and_one_before_it_too_early() -> None:
    announced = dt.datetime(2026, 10, 26, 9, tzinfo=dt.UTC)
    assert found(RIGHT, published_at=announced) is None
    early = announced - dt.timedelta(days=1)
    assert found(RIGHT, published_at=early) == ("its campaign winter-bread begins on 2026-11-02", EVERYDAY)
