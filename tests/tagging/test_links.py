"""Tagged links: one plan, a clear no to what would be counted wrongly, and never a second set of tags."""

import string
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigned import poster, with_campaigns
from widerview.agency.models import AssetKind
from widerview.tagging.links import (
    MEDIA,
    Sloppy,
    Tags,
    campaign_of,
    campaigns_of,
    plain,
    plan,
    planned,
    tag_link,
    with_content,
)

BREAD = {
    "key": "winter-bread",
    "channels": [
        {"channel": "bluesky"},
        {"channel": "instagram", "budget": 300},
        {"channel": "search_ads", "budget": 9},
    ],
    "partners": [{"name": "Fern", "utm_source": "fern"}, {"name": "Untagged"}],
    "assets": [
        poster(utm_source="poster-market"),
        {"kind": "newsletter", "name": "Mail", "utm_source": "newsletter", "landing_page": "https://shop.example/mail"},
        {"kind": "promo_code", "name": "Ten per cent", "code": "LOAF10"},
        {"kind": "landing_page", "name": "Page", "path": "/bread"},
    ],
}
CLIENT = with_campaigns(BREAD, everyday="everyday")
(CAMPAIGN,) = CLIENT.campaigns
TAGS = Tags("bluesky", "social", "winter-bread", "post", "bluesky")
TAGGED = "utm_source=bluesky&utm_medium=social&utm_campaign=winter-bread&utm_content=post&utm_term=bluesky"


def test_the_plan_has_every_channel_partner_and_tagged_asset_once() -> None:
    lines = plan(CLIENT, CAMPAIGN)
    assert [(line.name, *line.tags) for line in lines] == [
        ("bluesky", "bluesky", "social", "winter-bread", "post", "bluesky"),
        ("instagram", "instagram", "social", "winter-bread", "post", "instagram"),
        ("instagram, paid", "instagram-ads", "paid_social", "winter-bread", "ad", "instagram-ads"),
        ("search_ads, paid", "search_ads", "cpc", "winter-bread", "ad", "search_ads"),
        ("Fern", "fern", "partner", "winter-bread", "post", "fern"),
        ("Poster", "poster-market", "print", "winter-bread", "poster", "poster-market"),
        ("Mail", "newsletter", "email", "winter-bread", "newsletter", "newsletter"),
    ]
    assert [line.printed for line in lines if line.printed] == ["https://shop.example/market"]
    assert lines[0].link == f"https://shop.example/bread?{TAGGED}"
    assert (lines[-1].link or "").startswith("https://shop.example/mail?utm_source=newsletter&")


def test_no_two_lines_of_a_plan_are_counted_together() -> None:
    sources = [line.tags.utm_source for line in plan(CLIENT, CAMPAIGN)]
    assert len(set(sources)) == len(sources)


def test_every_kind_of_asset_but_a_landing_page_has_a_medium() -> None:
    assert {*AssetKind} - MEDIA.keys() == {AssetKind.LANDING_PAGE}


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("/market", "poster-market"),
        ("/Market", "poster-market"),
        ("market/", "poster-market"),
        ("Poster", "poster-market"),
        ("instagram-ads", "instagram-ads"),
        ("fern", "fern"),
    ],
)
def test_a_line_is_found_by_what_people_call_it(said: str, source: str) -> None:
    assert planned(CLIENT, CAMPAIGN, said).tags.utm_source == source


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("tiktok", "write one of bluesky, instagram, instagram-ads, search_ads, fern, poster-market, newsletter"),
        ("LOAF10", "'Ten per cent' of winter-bread has no tag; add a line like utm_source"),
    ],
)
def test_what_is_not_in_the_plan_is_refused(said: str, words: str) -> None:
    with pytest.raises(Sloppy, match=words):
        planned(CLIENT, CAMPAIGN, said)


def test_a_page_has_no_link_of_its_own_and_is_told_so() -> None:
    page = {"kind": "landing_page", "name": "The page", "path": "/bread"}
    client = with_campaigns({"key": "winter", "assets": [page]})
    for said in ("The page", "/bread", "bread"):
        with pytest.raises(Sloppy, match=r"'The page' of winter is a page, which links lead to .* add a qr_code"):
            planned(client, client.campaigns[0], said)


def test_an_unknown_campaign_is_refused_with_the_nearest() -> None:
    with pytest.raises(Sloppy, match="no campaign 'Winter Bread'; did you mean winter-bread"):
        campaign_of(CLIENT, "Winter Bread")
    assert campaign_of(CLIENT, "everyday").key == "everyday"


@pytest.mark.parametrize(
    ("url", "what", "fix"),
    [
        ("http://shop.example/", "begins with http", "write https"),
        ("shop.example/bread", "is not a web address", "https://"),
        ("mailto:a@shop.example", "is not a web address", "https://"),
        ("https://[shop.example/", "is not a web address", "https://"),
        ("https://shop.example:x/", "is not a web address", "https://"),
        ("https://other.example/", "none of the client's websites", "shop.example only"),
        ("https://shop.example.evil.example/", "none of the client's websites", "shop.example"),
        ("https://shop.example@evil.example/", "none of the client's websites", "shop.example"),
        ("https://me@shop.example/", "none of the client's websites", "shop.example"),
        ("https://shop.example:8443/", "none of the client's websites", "shop.example"),
        ("https://shop.example/#order", "has a #fragment", "leave it out"),
        ("https://shop.example/weiß brot", "has blanks, umlauts", "address line"),
        ("https://shop.example/\nx", "has blanks, umlauts", "address line"),
        ('https://shop.example/">', "has blanks, umlauts", "address line"),
        ("https://shop.example/?utm_source=facebook", "utm_source=facebook instead of bluesky", "without tags"),
        ("https://shop.example/?utm_campaign=Winter-Bread", "spelt otherwise", "utm_campaign=winter-bread"),
        ("https://shop.example/?utm_campaign=winter+bread", "spelt otherwise", "utm_campaign=winter-bread"),
        ("https://shop.example/?UTM_Source=bluesky", "spelt otherwise", "utm_source=bluesky"),
        ("https://shop.example/?utm_source=bluesky&utm_source=bluesky", "stands in the link 2 times", "leave"),
        ("https://shop.example/?mtm_campaign=winter-bread", "mtm_campaign, which the plan does not use", "leave it"),
        ("https://shop.example/?a=1&utm_id=7", "utm_id, which the plan does not use", "leave it out"),
    ],
)
def test_a_sloppy_link_is_refused_with_its_mending(url: str, what: str, fix: str) -> None:
    with pytest.raises(Sloppy) as caught:
        tag_link(CLIENT, url, TAGS)
    assert what in caught.value.what
    assert fix in caught.value.fix


@pytest.mark.parametrize("content", ["Reel 1", "REEL", "größe", ""])
def test_a_content_that_would_be_counted_apart_is_refused(content: str) -> None:
    with pytest.raises(Sloppy, match="write it like"):
        with_content(planned(CLIENT, CAMPAIGN, "bluesky"), content)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Winter Bread", "winter-bread"),
        ("Größe & Glück", "groesse-glueck"),
        ("Café", "cafe"),
        ("–", ""),
        ("A.b", "a.b"),
    ],
)
def test_how_a_name_is_written_in_a_tag(text: str, written: str) -> None:
    assert plain(text) == written


@pytest.mark.parametrize("url", ["https://www.shop.example", "https://SHOP.example/", "https://shop.example:443/?a=&b"])
def test_the_clients_pages_are_taken(url: str) -> None:
    assert tag_link(CLIENT, url, TAGS).endswith(TAGGED)


URLS = st.builds(
    "https://{}{}{}".format,
    st.sampled_from(["shop.example", "www.shop.example", "WWW.Shop.example"]),
    st.lists(st.text(string.ascii_letters + string.digits + "-._~%!$&'()*+,;=:@", max_size=8), max_size=4).map(
        lambda parts: "".join(f"/{part}" for part in parts)
    ),
    st.lists(st.text(string.ascii_letters + string.digits + "-._~%!$'()*+,;:@/?=", max_size=10), max_size=4).map(
        lambda parts: "?" + "&".join(parts) if parts else ""
    ),
)


@given(url=URLS, line=st.sampled_from(plan(CLIENT, CAMPAIGN)))
def test_a_tagged_link_is_counted_for_its_campaign_keeps_its_query_and_is_the_same_when_tagged_again(
    url: str, line: object
) -> None:
    tags: Tags = line.tags  # type: ignore[attr-defined]
    link = tag_link(CLIENT, url, tags)

    assert tag_link(CLIENT, link, tags) == link
    assert campaigns_of(link) == {"winter-bread"}
    before, after = parse_qsl(urlsplit(url).query, keep_blank_values=True), parse_qsl(urlsplit(link).query, True)
    assert after == [*before, *tags._asdict().items()]
    assert urlsplit(link).path == (urlsplit(url).path or "/")


@given(st.text(max_size=60))
def test_whatever_a_person_gives_is_tagged_or_refused(url: str) -> None:
    try:
        link = tag_link(CLIENT, url, TAGS)
    except Sloppy:
        return
    assert urlsplit(link).hostname == "shop.example"


@given(st.text("utm_=&?#;%abAB 19/:.", max_size=40))
def test_tags_in_any_query_never_get_past_as_another_campaigns(query: str) -> None:
    try:
        link = tag_link(CLIENT, f"https://shop.example/?{query}", TAGS)
    except Sloppy:
        return
    assert parse_qs(urlsplit(link).query)["utm_source"] == ["bluesky"]
    assert campaigns_of(link) == {"winter-bread"}


def test_what_only_looks_like_a_link_names_no_campaign() -> None:
    assert campaigns_of("https://[foo/bar?utm_campaign=x") == set()
    assert campaigns_of("https://a.example/?mtm_campaign=Winter-Loaf") == {"winter-loaf"}
