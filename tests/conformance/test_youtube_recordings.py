"""YouTube against what it answered (recorded by the authors of a client library, 2019 to 2023) and its discovery.

Of the Analytics API no answer is recorded: its machine-readable contract is the nearest to it. The recorded videos and
lists were asked for fewer parts than the source asks for; the parts that are missing are taken from other recordings.
"""

import datetime as dt
import json
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft202012Validator

from widerview.sandbox import youtube as sandbox
from widerview.sandbox.answer import Call
from widerview.sandbox.model import Simulation
from widerview.sources import youtube
from widerview.sources.base import AccountRow, CommentRow, RawPage, Request, Target, Window
from widerview.sources.errors import BadAnswer, Unauthorized
from widerview.sources.youtube import SOURCE

DEVELOPERS = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
CHANNEL = Target(client_id="tester", source="youtube", ref=DEVELOPERS, time_zone="UTC")
MODEL = Simulation(46, dt.date(2026, 11, 16))
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
DATA, ANALYTICS = "https://youtube.googleapis.com/", "https://youtubeanalytics.googleapis.com/"


@pytest.fixture(scope="module")
def recorded(shared):
    """Reads a recording by its name."""
    folder = shared / "recordings" / "youtube_python-youtube" / "testdata"
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def data_api(shared):
    return json.loads((shared / "recordings/specs/youtube.v3.json").read_text())


@pytest.fixture(scope="module")
def analytics_api(shared):
    return json.loads((shared / "recordings/specs/youtubeAnalytics.v2.json").read_text())


def rows(stream, value, status=200, about=None, **params):
    request = Request("GET", "https://youtube.googleapis.com/youtube/v3/x", params, about=about or {})
    body = json.dumps(value).encode()
    page = RawPage(stream=stream, request=request, status=status, headers={}, fetched_at=NOW, body=body)
    return list(SOURCE.parse(CHANNEL, page))


# -- what YouTube answered -------------------------------------------------------------------------------------------


def test_channels(recorded):
    channels = [*recorded("apidata/channels/info_multiple")["items"], recorded("modeldata/channels/channel_info")]
    assert len(channels) == 3
    found = rows("account", {"items": channels})
    for row, channel in zip(found, channels, strict=True):
        assert isinstance(row, AccountRow)
        assert (row.account_id, row.name) == (channel["id"], channel["snippet"]["title"])
        numbers = channel["statistics"]
        assert row.counts == {"followers": int(numbers["subscriberCount"]), "posts": int(numbers["videoCount"])}
    assert [row.url for row in found] == [
        "https://www.youtube.com/@google",
        "https://www.youtube.com/@googledevelopers",
        f"https://www.youtube.com/channel/{DEVELOPERS}",
    ]


def test_whole_videos(recorded):
    videos = [*recorded("modeldata/videos/video_api_response")["items"], recorded("modeldata/videos/video_info")]
    first, later = rows("posts", {"items": videos})
    assert first.counts == {"views": 7920, "likes": 190, "replies": 32}
    assert later.counts == {"views": 8087, "likes": 190, "replies": 32}
    assert first.post_id == later.post_id == "D-lhorsDlUQ"
    assert first.account_id == DEVELOPERS
    assert first.published_at == dt.datetime(2019, 3, 21, 20, 37, 49, tzinfo=dt.UTC)
    assert first.text.startswith("What are Actions on Google (Assistant on Air)\n\nIn the first episode")
    assert first.links == ("http://bit.ly/2YabdS5", "https://bit.ly/googledevs")


LISTS = ("videos_chart_paged_1", "videos_chart_paged_2", "videos_info_multi", "videos_myrating_paged_1")


def test_videos_of_many_channels(recorded):
    status = recorded("modeldata/videos/video_status")
    videos = [video | {"status": status} for name in LISTS for video in recorded(f"apidata/videos/{name}")["items"]]
    found = rows("posts", {"items": videos})
    assert len(found) == len(videos) == 12
    for row, video in zip(found, videos, strict=True):
        snippet = video["snippet"]
        assert (row.post_id, row.account_id) == (video["id"], snippet["channelId"])
        assert row.published_at == dt.datetime.fromisoformat(snippet["publishedAt"])
        assert row.text == "\n\n".join(part for part in (snippet["title"], snippet["description"]) if part)
        assert all(link in snippet["description"] for link in row.links)
        assert all(f"#{tag}" in row.text.lower() for tag in row.tags)
        assert row.counts == {"views": None, "likes": None, "replies": None}
    # Several of them name many links in their descriptions.
    assert sum(len(row.links) for row in found) > 40


THREADS = {"all_to_me": 2, "by_channel": 0, "by_video_paged_1": 5, "by_video_paged_2": 5, "multi": 2, "with_search": 0}


def test_threads_under_videos_and_under_none(recorded):
    for name, under_videos in THREADS.items():
        answer = recorded(f"apidata/comment_threads/comment_threads_{name}")
        found = rows("comments", answer, allThreadsRelatedToChannelId=DEVELOPERS)
        threads = [thread for thread in answer["items"] if "videoId" in thread["snippet"]]
        assert len(found) == len(threads) == under_videos
        for row, thread in zip(found, threads, strict=True):
            said = thread["snippet"]["topLevelComment"]["snippet"]
            assert isinstance(row, CommentRow)
            assert (row.comment_id, row.post_id) == (thread["id"], thread["snippet"]["videoId"])
            assert (row.author, row.text) == (said["authorChannelId"]["value"], said["textOriginal"])
            assert row.published_at == dt.datetime.fromisoformat(said["publishedAt"])
            assert (row.account_id, row.own, row.reply_to) == (DEVELOPERS, False, None)


def test_a_thread_with_its_answer(recorded):
    thread = recorded("modeldata/comments/comment_thread_info")
    question, answer = rows("comments", {"items": [thread]}, allThreadsRelatedToChannelId=DEVELOPERS)
    assert (question.comment_id, question.reply_to) == ("UgydxWWoeA7F1OdqypJ4AaABAg", None)
    assert (answer.comment_id, answer.reply_to) == (
        "UgydxWWoeA7F1OdqypJ4AaABAg.8wWQ3tdHcFx8xcDheui-qb",
        "UgydxWWoeA7F1OdqypJ4AaABAg",
    )
    assert answer.published_at == dt.datetime(2019, 7, 20, 20, 22, 27, tzinfo=dt.UTC)
    assert question.post_id == answer.post_id == "D-lhorsDlUQ"


def test_answers_that_were_asked_for_by_their_comment_name_no_video(recorded):
    found = []
    for name in ("comments_by_parent_paged_1", "comments_by_parent_paged_2"):
        answer = recorded(f"apidata/comments/{name}")
        assert not any("videoId" in comment["snippet"] for comment in answer["items"])
        found += rows("replies", answer, about={"channel": "UCa-vrCLQHviTOVnEKDOdetQ", "video": "JE8xdDp5B8Q"})
    assert [row.text for row in found] == [
        "this is the third reply!",
        "this is the second reply!",
        "hey, this is the replay",
    ]
    assert {(row.post_id, row.reply_to) for row in found} == {("JE8xdDp5B8Q", "Ugw5zYU6n9pmIgAZWvN4AaABAg")}


def test_uploads_are_walked_by_the_recorded_token(recorded, replay):
    """Thirteen uploads in two pages; the videos themselves were not recorded, so none is found."""
    pages = []
    for name in ("playlist_items_paged_1", "playlist_items_paged_2"):
        page = recorded(f"apidata/playlist_items/{name}")
        for item in page["items"]:
            snippet = item["snippet"]
            item["contentDetails"] = {
                "videoId": snippet["resourceId"]["videoId"],
                "videoPublishedAt": snippet["publishedAt"],
            }
        pages.append(page)
    channel = recorded("apidata/channels/info_multiple")
    channel["items"] = channel["items"][1:]
    asked = []

    def answer(request):
        path, params = urlsplit(request.url).path, dict(parse_qsl(urlsplit(request.url).query))
        asked.append((path, params))
        content = {"channels": channel, "videos": {"items": []}}.get(path.split("/")[-1])
        if path.endswith("playlistItems"):
            content = pages[1 if params.get("pageToken") == "CAoQAA" else 0]
        return 200, {}, json.dumps(content).encode()

    http = replay(answer, "https://youtube.googleapis.com")
    http.token = "ya29.token"
    window = Window(dt.date(2019, 11, 1), dt.date(2019, 12, 1))
    streams = Counter()
    with pytest.raises(BadAnswer, match="refused to ask another server"):
        for page in SOURCE.fetch(CHANNEL, window, http):
            streams[page.stream] += 1
    assert streams == {"account": 1, "uploads": 2, "posts": 1}
    [videos] = [params["id"].split(",") for path, params in asked if path.endswith("/videos")]
    assert len(videos) == 13
    assert videos[0] == "CvTApw9X8aA"


@pytest.mark.parametrize(
    ("name", "status", "raised", "says"),
    [
        ("apidata/error_permission_resp", 403, Unauthorized, "The caller does not have permission"),
        ("error_response", 400, Unauthorized, "Bad Request"),
        ("error_response_simple", 400, BadAnswer, "error message"),
    ],
)
def test_refusals(recorded, replay, name, status, raised, says):
    body = json.dumps(recorded(name)).encode()
    http = replay(
        lambda request: (status, {"content-type": "application/json"}, body), "https://youtube.googleapis.com"
    )
    http.token = "ya29.token"
    with pytest.raises(raised, match=says):
        list(SOURCE.fetch(CHANNEL, WEEK, http))
    for stream in SOURCE.streams:
        assert rows(stream, recorded(name), status) == []


# -- what the contract says ------------------------------------------------------------------------------------------


def validator(discovery, name):
    """Google's schema as JSON Schema, in which nothing may be named that the document does not name."""

    def converted(schema):
        if "$ref" in schema:
            return {"$ref": f"#/$defs/{schema['$ref']}"}
        # "any" is Google's word for whatever it may be.
        kept = {key: schema[key] for key in ("type", "enum") if key in schema and schema[key] != "any"}
        if "items" in schema:
            kept["items"] = converted(schema["items"])
        if "properties" in schema:
            kept["properties"] = {key: converted(part) for key, part in schema["properties"].items()}
            kept["additionalProperties"] = False
        if schema.get("format") in {"int64", "uint64"}:
            kept["pattern"] = r"^-?[0-9]+$"
        if schema.get("format") == "date-time":
            kept["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
        return kept

    schemas = {key: converted(schema) for key, schema in discovery["schemas"].items()}
    return Draft202012Validator({"$defs": schemas, "$ref": f"#/$defs/{name}"})


ANSWERS = {
    "account": ("channels", "ChannelListResponse"),
    "uploads": ("playlistItems", "PlaylistItemListResponse"),
    "posts": ("videos", "VideoListResponse"),
    "comments": ("commentThreads", "CommentThreadListResponse"),
    "replies": ("comments", "CommentListResponse"),
}


@pytest.fixture
def pull(replay, monkeypatch):
    """What the source asks of the sandbox, without a server between, and what it gets; threads are cut short."""
    # So that one replayed server can stand for both, as a Connection's host does.
    monkeypatch.setattr(youtube, "_ANALYTICS", DATA.rstrip("/"))
    monkeypatch.setattr(sandbox, "_MOST_INLINE", 0)
    handlers = {route.path: route.handler for route in sandbox.ROUTES}

    def answer(request):
        parts = urlsplit(request.url)
        call = Call(params=dict(parse_qsl(parts.query)), now=NOW, headers={"authorization": f"Bearer {sandbox.TOKEN}"})
        said = handlers[f"/youtube{parts.path}"](MODEL, call)
        return said.status, dict(said.headers), said.body

    http = replay(answer, DATA)
    http.token = sandbox.TOKEN
    target = Target(client_id="tidewater-cycles", source="youtube", ref="@tidewatercycles", time_zone="Europe/Dublin")
    return list(SOURCE.fetch(target, WEEK, http))


def test_the_sandbox_speaks_as_the_contract_has_it(data_api, analytics_api, pull):
    assert Counter(page.stream for page in pull).keys() == {*ANSWERS, "days"}
    for page in pull:
        discovery, name = (
            (analytics_api, "QueryResponse") if page.stream == "days" else (data_api, ANSWERS[page.stream][1])
        )
        content = json.loads(page.body)
        assert [error.message for error in validator(discovery, name).iter_errors(content)] == []
        assert content.get("items") or content.get("rows")


def test_every_question_is_one_that_the_contract_knows(data_api, analytics_api, pull):
    for page in pull:
        if page.stream == "days":
            method, discovery = analytics_api["resources"]["reports"]["methods"]["query"], analytics_api
        else:
            method, discovery = data_api["resources"][ANSWERS[page.stream][0]]["methods"]["list"], data_api
        assert page.request.method == method["httpMethod"] == "GET"
        assert page.request.url == DATA + method["path"]
        known = method["parameters"] | discovery["parameters"]
        for name, value in page.request.params.items():
            most = known[name].get("maximum")
            assert most is None or int(value) <= int(most)
        needed = {name for name, parameter in method["parameters"].items() if parameter.get("required")}
        assert needed <= page.request.params.keys()
        assert set(method["scopes"]) & set(youtube._SCOPES)
    assert (data_api["rootUrl"], analytics_api["rootUrl"]) == (DATA, ANALYTICS)
    assert SOURCE.base_url(CHANNEL) + "/" == DATA
    assert ANALYTICS.rstrip("/") in SOURCE.servers


def test_what_the_source_reads_is_in_the_contract(data_api):
    """Every field it declares, whatever the answers at hand happen to hold."""
    pairs = {
        youtube._Statistics: ("ChannelStatistics", "VideoStatistics"),
        youtube._ChannelSnippet: ("ChannelSnippet",),
        youtube._ChannelDetails: ("ChannelContentDetails",),
        youtube._UploadDetails: ("PlaylistItemContentDetails",),
        youtube._Uploads: ("PlaylistItemListResponse",),
        youtube._VideoSnippet: ("VideoSnippet",),
        youtube._VideoStatus: ("VideoStatus",),
        youtube._ThreadSnippet: ("CommentThreadSnippet",),
        youtube._Thread: ("CommentThread",),
        youtube._CommentSnippet: ("CommentSnippet",),
        youtube._Author: ("CommentSnippetAuthorChannelId",),
    }
    for read, names in pairs.items():
        promised = {key for name in names for key in data_api["schemas"][name]["properties"]}
        assert set(read.__struct_encode_fields__) <= promised


def test_the_sandboxs_errors_have_the_recorded_keys(recorded):
    answer = sandbox.ROUTES[0].handler(MODEL, Call(params={}, now=NOW))
    assert answer.status == 401
    theirs = recorded("apidata/error_permission_resp")["error"]
    ours = json.loads(answer.body)["error"]
    assert ours.keys() == theirs.keys()
    assert ours["errors"][0].keys() == theirs["errors"][0].keys()
