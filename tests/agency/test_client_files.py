"""Client files as people write them: what is read, and what every kind of mistake is answered with."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from widerview import yaml_lines
from widerview.agency import load
from widerview.agency.load import BrokenFileError, NoFolder, Problem, load_agency, load_client
from widerview.agency.models import SOCIAL, WEB

EXAMPLE = Path(__file__).parents[2] / "examples" / "client.yaml"

SMALL = """\
client: bakery
name: Harbour Bakery
time_zone: Europe/Berlin
office_hours:
  monday: {opens: 08:00, closes: 17:00}
reviewers: [mira]
sender:
  name: Mira Example
  email: mira@agency.example
  agency: Wide Angle
  postal_address: 1 Sample Street
recipients:
  - name: Ada Example
    email: ada@bakery.example
accounts:
  - platform: bluesky
    handle: bakery.example
web:
  - platform: matomo
    site_id: 1
    url: https://bakery.example
    connection: matomo_agency
campaigns:
  - key: winter
    name: Winter bread
    goal: More orders
    starts: 2026-11-02
    ends: 2026-11-29
    hashtags: ["#WinterBread"]
    assets:
      - kind: poster
        name: Poster
        cost: 480.50
goals:
  - metric: campaign_visits
    campaign: winter
    target: 500
    starts: 2026-11-02
    ends: 2026-11-29
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str | bytes, name: str = "bakery.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(BrokenFileError) as caught:
        load_client(path)
    assert caught.value.broken.path == path
    return caught.value.broken.problems


def the_problem(path: Path) -> Problem:
    (problem,) = problems(path)
    return problem


def test_the_example_is_valid() -> None:
    client = load_client(EXAMPLE)

    assert client.office_hours["friday"].closes == "13:30"
    assert client.accounts[1].handle == "@bakery@social.example"
    assert client.campaigns[0].assets[0].cost == 480.5


# What to replace in the small file by what, where the mistake is, and words that its two sentences must hold.
MISTAKES = [
    # keys
    ("office_hours:", "offce_hours:", 4, 1, "offce_hours", "no key 'offce_hours'", "did you mean office_hours?"),
    ("  monday:", "  mondy:", 5, 3, "office_hours.mondy", "no key 'mondy'", "did you mean monday?"),
    ("name: Harbour Bakery\n", "", 1, 1, "name", "the key name is missing", "name: Harbour Bakery"),
    ("  agency: Wide Angle\n", "", 7, 1, "sender.agency", "the key agency is missing", "agency: Wide Angle"),
    ("reviewers: [mira]\n", "", 1, 1, "reviewers", "the key reviewers is missing", "reviewers: [mira]"),
    ("recipients:", "recipient:", 12, 1, "recipient", "no key 'recipient'", "did you mean recipients?"),
    ("    handle: bakery.example\n", "", 16, 5, "accounts[0].handle", "handle is missing", "handle: name.bsky"),
    ("reviewers: [mira]", "reviewers: [mira]\nname: Twice", 7, 1, "name", "twice, first in line 2", "remove one"),
    ("    site_id: 1", "    site_id: 1\n    token: s3cret", 21, 5, "web[0].token", "secret", "Airflow Connection"),
    # types
    ("name: Harbour Bakery", "name: 4711", 2, 7, "name", "4711 is read as a number", 'quotes: "4711"'),
    ("name: Harbour Bakery", "name: 1.10", 2, 7, "name", "1.10 is read as a number", 'quotes: "1.10"'),
    ("name: Harbour Bakery", "name: true", 2, 7, "name", "true is read as a yes or no", 'quotes: "true"'),
    ("name: Harbour Bakery", "name: [a]", 2, 7, "name", "not a list", "like Harbour Bakery"),
    ("name: Harbour Bakery", 'name: ""', 2, 7, "name", "at least 1 character", "like Harbour Bakery"),
    ("name: Harbour Bakery", f"name: {'x' * 201}", 2, 7, "name", "at most 200 characters", "like Harbour Bakery"),
    ("site_id: 1", "site_id: [1]", 20, 14, "web[0].site_id", "not a list", "like 1"),
    ("site_id: 1", "site_id: 0", 20, 14, "web[0].site_id", "'0' is not a site id of Matomo", "like 1"),
    ("cost: 480.50", "cost: 480 EUR", 33, 15, "campaigns[0].assets[0].cost", "not a number", "digits"),
    ("cost: 480.50", "cost: 1e999", 33, 15, "campaigns[0].assets[0].cost", "not a number", "digits"),
    ("cost: 480.50", "cost: .inf", 33, 15, "campaigns[0].assets[0].cost", "not a number", "digits"),
    ("reviewers: [mira]", "reviewers: mira", 6, 12, "reviewers", "a list is wanted", "hyphen"),
    ("reviewers: [mira]", "reviewers: []", 6, 12, "reviewers", "at least one", "like mira"),
    ("reviewers: [mira]", "reviewers:", 6, 11, "reviewers", "no value", "like mira"),
    ("  - name: Ada Example\n    email: ada@bakery.example\n", "  - Ada\n", 13, 5, "recipients[0]",
     "keys with values", "name, email"),
    ('["#WinterBread"]', "\n      - #WinterBread", 30, 8, "campaigns[0].hashtags[0]", "no value", '"#WinterBread"'),
    # words and shapes
    ("platform: bluesky", "platform: blusky", 16, 15, "accounts[0].platform", f"not one of {', '.join(SOCIAL)}",
     "did you mean bluesky?"),
    ("platform: matomo", "platform: google", 19, 15, "web[0].platform", f"not one of {', '.join(WEB)}", "matomo"),
    ("kind: poster", "kind: posters", 31, 15, "campaigns[0].assets[0].kind", "not one of poster", "mean poster?"),
    ("key: winter", "key: Winter Bread", 24, 10, "campaigns[0].key", "'Winter Bread' is not a UTM", "winter-bread"),
    ("time_zone: Europe/Berlin", "time_zone: Berlin", 3, 12, "time_zone", "not an IANA time zone", "Europe/Berlin"),
    ("name: Harbour Bakery", "name: Bakery\ncurrency: Euro", 3, 11, "currency", "not an ISO 4217", "EUR"),
    ("name: Harbour Bakery", "name: Bakery\nlocale: klingon", 3, 9, "locale", "not a known locale", "en_GB"),
    ("opens: 08:00", "opens: 8:00", 5, 19, "office_hours.monday.opens", "'8:00' is not a time of day", "09:00"),
    ("closes: 17:00", "closes: 07:00", 5, 34, "office_hours.monday.closes", "must come after opens", "in order"),
    ("ada@bakery.example", "ada at bakery", 14, 12, "recipients[0].email", "'ada at bakery' is not one email", "@"),
    ("mira@agency.example", "mïra@agency.example", 9, 10, "sender.email", "outside ASCII before the @", "@"),
    ("handle: bakery.example", "handle: Bakery", 17, 13, "accounts[0].handle", "not a Bluesky handle", "bsky"),
    ("platform: bluesky", "platform: mastodon", 17, 13, "accounts[0].handle", "not a Mastodon handle", "quotes"),
    ("url: https://", "url: ", 21, 10, "web[0].url", "not a web address", "https://"),
    ("#WinterBread", "Winter Bread", 29, 16, "campaigns[0].hashtags[0]", "not a hashtag", '"#WinterBread"'),
    ("starts: 2026-11-02", "starts: 02.11.2026", 27, 13, "campaigns[0].starts", "not a date", "2026-11-02"),
    ("starts: 2026-11-02", "starts: 2026-11-31", 27, 13, "campaigns[0].starts", "not a date", "2026-11-02"),
    ("starts: 2026-11-02", "starts: 20261102", 27, 13, "campaigns[0].starts", "20261102 is not a date", "2026-11-02"),
    ("starts: 2026-11-02", "starts: 2026-12-02", 28, 11, "campaigns[0].ends", "is before starts", "earlier day"),
    ("target: 500", "target: 0", 37, 13, "goals[0].target", "", ""),
    ("metric: campaign_visits", "metric: followers", 35, 13, "goals[0].metric", "not one of visits", ""),
    # what fits together
    ("    campaign: winter", "    campaign: winterr", 36, 15, "goals[0].campaign", "no campaign 'winterr'", "winter"),
    ("metric: campaign_visits", "metric: visits", 36, 15, "goals[0].campaign", "visits are not counted by campaign",
     "campaign_visits"),
    ("500\n    starts: 2026-11-02", "500\n    starts: 2025-11-01", 39, 11, "goals[0].ends", "longer than a year",
     "for a year at most"),
    ("client: bakery", "client: other", 1, 9, "client", "'other', but the file's name says 'bakery'", "client: bakery"),
    ("recipients:\n", "recipients:\n  - {name: Ada, email: ADA@bakery.example}\n", 14, 5, "recipients[1]",
     "the same recipient stands here twice: ada@bakery.example", "remove one"),
    ("reviewers: [mira]", "reviewers: [mira]\nholidays: {country: ZZ}", 7, 21, "holidays.country", "ZZ", "DE"),
    ("reviewers: [mira]", "reviewers: [mira]\nholidays: {country: DE, subdivision: XX}", 7, 38,
     "holidays.subdivision", "'XX' is not a region of DE", "BB, BE"),
    ("reviewers: [mira]", "reviewers: [mira]\nholidays: {subdivision: BE}", 7, 25, "holidays.subdivision",
     "needs a country", "country: DE"),
    # YAML
    ("handle: bakery.example", "handle: @b@s.example", 17, 13, "", "cannot start with @", "quotes"),
    ("name: Harbour Bakery", "name: Harbour: Bakery", 2, 14, "", "second colon", "quotes"),
    ("  email: mira@", "\temail: mira@", 9, 1, "", "a tab", "spaces"),
    ("  agency: Wide", "   agency: Wide", 10, 10, "", "wrong indentation", "align"),
    ("reviewers: [mira]", "reviewers: [mira", 6, 12, "", "brackets that open here", "close"),
    ("cost: 480.50", "cost: '480", 33, 15, "", "quotes that open here are not closed", "close"),
    ("name: Harbour Bakery", "name: 'Harbour' Bakery", 2, 17, "", "after closing quotes", "all of the value"),
    ("name: Harbour Bakery", 'name: "C:\\Users"', 2, 7, "", "backslash", "single quotes"),
    ("reviewers: [mira]", "reviewers: &all [mira]", 6, 12, "reviewers", "references", "quotes"),
    ("reviewers: [mira]", "reviewers: [*mira]", 6, 13, "reviewers[0]", "references", "quotes"),
    ("name: Harbour Bakery", "name: !!python/name:os.system", 2, 7, "name", "tag", "quotes"),
    ("name: Harbour Bakery", "[name]: Bakery", 2, 1, "", "one plain word", "key: value"),
    ("name: Harbour Bakery", "name: Harbour \x07Bakery", 2, 15, "", "'\\x07' cannot stand", "delete"),
    ("name: Harbour Bakery", "Harbour Bakery", 2, 1, "", "a line without a colon", "key: value"),
    ("client: bakery", "  client: bakery", 2, 1, "", "further left than the first", "align"),
    ("web:\n", "---\nweb:\n", 18, 1, "", "second document", "a file of its own"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "path", "what", "fix"), MISTAKES, ids=[repr(each[1])[:50] for each in MISTAKES]
)
def test_a_mistake_is_told_with_its_place_and_its_fix(
    write: Write, old: str, new: str, line: int, column: int, path: str, what: str, fix: str
) -> None:
    assert old in SMALL
    problem = the_problem(write(SMALL.replace(old, new, 1)))

    assert (problem.line, problem.column, problem.path) == (line, column, path)
    assert what in problem.what
    assert fix in problem.fix


def test_all_mistakes_of_a_file_are_told_in_the_order_of_its_lines(write: Write) -> None:
    text = SMALL.replace("name: Harbour Bakery", "name: 1").replace("cost: 480.50", "costs: 480.50")
    found = problems(write(text + "client: twice\n"))

    assert [(each.line, each.path) for each in found] == [
        (2, "name"),
        (33, "campaigns[0].assets[0].costs"),
        (40, "client"),
    ]


def test_as_text_a_broken_file_is_one_line_a_mistake_and_one_a_fix(write: Write) -> None:
    path = write(SMALL.replace("platform: bluesky", "platform: blusky"))
    with pytest.raises(BrokenFileError) as caught:
        load_client(path)

    assert str(caught.value).splitlines() == [
        f"{path}:16:15: accounts[0].platform: 'blusky' is not one of {', '.join(SOCIAL)}",
        "  fix: did you mean bluesky?",
    ]


def test_an_id_that_cannot_name_a_dag(write: Write) -> None:
    problem = the_problem(write(SMALL.replace("client: bakery", "client: Bäckerei 1"), "Bäckerei 1.yaml"))
    assert (problem.line, problem.column, problem.path) == (1, 9, "client")
    assert "is not a short id" in problem.what


def test_every_broken_file_has_a_key_of_its_own_that_can_name_a_dag(tmp_path: Path, write: Write) -> None:
    for name in ("bakery", "the bakery", "the?bakery", "Bäckerei", "[red]", "x" * 200):
        write("broken", f"{name}.yaml")
    keys = {broken.path.stem: broken.key for broken in load_agency(tmp_path).broken}

    assert keys["bakery"] == "bakery"
    assert len(set(keys.values())) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,63}", key) for key in keys.values())


def test_a_secret_is_not_repeated(write: Write) -> None:
    problem = the_problem(write(SMALL.replace("    site_id: 1", "    site_id: 1\n    password: s3cret")))
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment\n", "\ufeff"])
def test_an_empty_file(write: Write, text: str) -> None:
    problem = the_problem(write(text))
    assert problem.what == "the file is empty"
    assert "examples/client.yaml" in problem.fix


@pytest.mark.parametrize("text", ["- a\n- b\n", "bakery\n", "null\n"])
def test_a_file_that_is_no_mapping(write: Write, text: str) -> None:
    assert "mapping of keys and values" in the_problem(write(text)).what


def test_a_file_in_another_encoding(write: Write) -> None:
    problem = the_problem(write(SMALL.replace("Wide Angle", "Wide Ängle").encode("latin-1")))
    assert (problem.line, problem.column) == (10, 16)
    assert "0xc4 is not UTF-8" in problem.what


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write) -> None:
    assert load_client(write(("\ufeff" + SMALL.replace("\n", "\r\n")).encode())).name == "Harbour Bakery"


def test_what_yaml_1_1_would_change_stays_as_written(write: Write) -> None:
    text = SMALL.replace("reviewers: [mira]", "reviewers: [no, on, y, 0x1F, 1_000, 12:30:45]\nholidays: {country: NO}")
    client = load_client(write(text))

    assert client.reviewers == ("no", "on", "y", "0x1F", "1_000", "12:30:45")
    assert client.holidays.country == "NO"
    assert client.office_hours["monday"].opens == "08:00"


def test_closing_at_midnight(write: Write) -> None:
    hours = load_client(write(SMALL.replace("17:00", "24:00"))).office_hours["monday"]
    assert hours.closes == "24:00"


def test_files_that_cannot_be_read(tmp_path: Path, write: Write) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    write("#" * (load.LARGEST_FILE + 1), "large.yaml")
    write("[" * 100_000, "deep.yaml")
    write("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "bomb.yaml")
    write(SMALL)

    agency = load_agency(tmp_path)

    assert list(agency.clients) == ["bakery"]
    said = {broken.path.stem: broken.problems[0].what for broken in agency.broken}
    assert said.keys() == {"loop", "gone", "folder", "pipe", "large", "deep", "bomb"}
    assert "symbolic links" in said["loop"]
    assert "No such file" in said["gone"]
    assert said["folder"] == said["pipe"] == "this is not a file"
    assert "larger than 256 KB" in said["large"]
    assert "too deep" in said["deep"]
    assert "references" in said["bomb"]


def test_a_link_to_a_file_elsewhere_is_followed(tmp_path: Path, write: Write) -> None:
    write(SMALL, "kept-elsewhere.txt")
    (tmp_path / "bakery.yaml").symlink_to("kept-elsewhere.txt")
    assert list(load_agency(tmp_path).clients) == ["bakery"]


def test_only_client_files_directly_in_the_folder_are_read(tmp_path: Path, write: Write) -> None:
    (tmp_path / "old").mkdir()
    for name in ("README.md", "client.schema.json", "notes.txt", ".hidden.yaml", "bakery.yaml~", "old/gone.yaml"):
        write("not: a client", name)
    write(SMALL.replace("client: bakery", "client: zoo"), "zoo.yml")
    write(SMALL)

    agency = load_agency(tmp_path)

    assert list(agency.clients) == ["bakery", "zoo"]
    assert agency.broken == []


def test_two_files_of_one_client_are_both_left_out(tmp_path: Path, write: Write) -> None:
    write(SMALL)
    write(SMALL, "bakery.yml")
    write(SMALL.replace("client: bakery", "client: zoo"), "zoo.yaml")

    agency = load_agency(tmp_path)

    assert list(agency.clients) == ["zoo"]
    (broken,) = agency.broken
    assert broken.path.name == "bakery.yaml"
    assert "bakery.yml is a file of the same client" in broken.problems[0].what


def test_a_file_that_claims_another_clients_id_harms_only_itself(tmp_path: Path, write: Write) -> None:
    write(SMALL)
    write(SMALL, "zoo.yaml")

    agency = load_agency(tmp_path)

    assert list(agency.clients) == ["bakery"]
    assert [broken.path.name for broken in agency.broken] == ["zoo.yaml"]


def test_one_client_alone(tmp_path: Path, write: Write) -> None:
    write(SMALL)
    write("broken", "zoo.yaml")

    assert list(load_agency(tmp_path, only="bakery").clients) == ["bakery"]
    assert load_agency(tmp_path, only="bakery").broken == []
    assert [broken.path.stem for broken in load_agency(tmp_path, only="zoo").broken] == ["zoo"]
    assert load_agency(tmp_path, only="nobody").clients == {}


@pytest.mark.parametrize("name", ["missing", "a-file"])
def test_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(NoFolder, match=rf"{name}: .*WIDERVIEW_CLIENTS"):
        load_agency(tmp_path / name)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """The example with a few lines deleted, doubled, swapped or changed, or with bytes put in."""
    lines = EXAMPLE.read_bytes().splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "double", "swap", "insert", "character"])):
            case "delete":
                del lines[one]
            case "double":
                lines.insert(other, lines[one])
            case "swap":
                lines[one], lines[other] = lines[other], lines[one]
            case "insert":
                at = draw(st.integers(0, len(lines[one])))
                lines[one] = lines[one][:at] + draw(st.binary(min_size=1, max_size=8)) + lines[one][at:]
            case "character":
                at = draw(st.integers(0, len(lines[one])))
                token = draw(st.sampled_from([*"[]{}:,#&*!|>'\"%@`?-\t~\\", "- ", ": ", "<<: ", "...\n", '"\\ud800"']))
                lines[one] = lines[one][:at] + token.encode() + lines[one][at:]
    return b"".join(lines)


@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=mangled())
def test_no_mangled_file_stops_the_loader_or_the_other_clients(
    parser: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_lines, "_Parser", getattr(yaml_lines.yaml, parser))
    (tmp_path / "bakery.yaml").write_text(SMALL)
    (tmp_path / "client.yaml").write_bytes(content)

    agency = load_agency(tmp_path)

    assert "bakery" in agency.clients
    assert agency.clients.keys() | {broken.path.stem for broken in agency.broken} == {"bakery", "client"}
    last = content.count(b"\n") + content.count(b"\r") + 2
    for problem in (each for broken in agency.broken for each in broken.problems):
        assert 1 <= problem.line <= last
        assert problem.column >= 1
        assert problem.what
        assert problem.fix
        assert problem.path.isprintable()
        assert problem.what.isprintable()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_random_file_is_a_client(content: bytes, write: Write) -> None:
    assert problems(write(content))


CAMPAIGNED = SMALL[: SMALL.index("goals:")].replace(
    """    assets:
      - kind: poster
        name: Poster
        cost: 480.50
""",
    """    landing_page: https://bakery.example/bread
    channels:
      - channel: bluesky
      - channel: instagram
        budget: 300
    posts: [https://bsky.app/profile/bakery.example/post/1]
    partners:
      - name: Fern
        posts: [https://bsky.app/profile/fern.example/post/1]
        utm_source: fern
    assets:
      - kind: poster
        name: Poster
        utm_source: poster
        path: /market
      - kind: promo_code
        name: Ten per cent
        code: BREAD10
""",
)
AGAIN = """\
  - key: spring
    name: Spring
    goal: More orders
    starts: 2026-11-29
    ends: 2027-03-01
    landing_page: https://bakery.example/spring
    assets:
      - {kind: qr_code, name: Code, path: /market}
"""
CAMPAIGN_MISTAKES = [
    ("path: /market", "path: /Market", 44, 15, "assets[0].path", "'/Market' is not a short path", "like /market"),
    ("path: /market", "path: market", 44, 15, "assets[0].path", "'market' is not a short path", "like /market"),
    ("kind: poster\n        name: Poster\n        utm_source: poster\n        path: /market", "kind: qr_code\n"
     "        name: Code", 41, 9, "assets[0]", "a qr_code needs the short path", "path: /market"),
    ("        path: /market\n      - kind: promo_code", "      - kind: vanity_url", 44, 9, "assets[1]",
     "a vanity_url needs the short path", "path: /market"),
    ("        code: BREAD10\n", "", 45, 9, "assets[1]", "a promo_code needs the code", "code: WINTER10"),
    ("code: BREAD10", "code: bread 10", 47, 15, "assets[1].code", "'bread 10' is not a promo code", "WINTER10"),
    ("name: Ten per cent", "name: Poster", 46, 15, "assets[1].name", "the same asset name stands here twice: Poster",
     "remove one"),
    ("name: Ten per cent", "name: Ten\n        utm_source: poster", 47, 21, "assets[1].utm_source",
     "the same tag (utm_source) stands here twice: poster", "remove one"),
    ("utm_source: poster", "utm_source: instagram-ads", 43, 21, "assets[0].utm_source", "twice: instagram-ads",
     "remove one"),
    ("utm_source: fern", "utm_source: bluesky", 39, 21, "partners[0].utm_source", "twice: bluesky", "remove one"),
    ("name: Ten per cent", "name: Ten\n        path: /market", 47, 15, "assets[1].path",
     "the path /market is already that of 'Poster' in winter", "choose another"),
    ("kind: promo_code", "kind: landing_page\n        path: /market\n        utm_source: page", 46, 15,
     "assets[1].path", "the path /market is already that of 'Poster'", "one of the two is a page"),
    ("code: BREAD10", "code: BREAD10\n      - {kind: newsletter, name: Mail, code: BREAD10}", 48, 46, "assets[2].code",
     "the code BREAD10 is already that of 'Ten per cent'", "do not overlap"),
    ("    landing_page: https://bakery.example/bread\n", "", 43, 15, "assets[0].path", "leads nowhere",
     "landing_page: https://"),
    ("bakery.example/bread", "bakery.example/market", 44, 15, "assets[0].path", "would lead to itself", "another"),
    ("https://bakery.example/bread", "https://other.example/bread", 30, 19, "landing_page",
     "none of the client's websites", "on bakery.example"),
    ("https://bakery.example/bread", "http://bakery.example/bread", 30, 19, "landing_page",
     "is not the https address of a page", "https://www.harbour-bakery.example/winter-bread"),
    ("bakery.example/bread", "bakery.example/?utm_source=x", 30, 19, "landing_page", "without campaign tags", "like"),
    ("channel: instagram", "channel: instgram", 33, 18, "channels[1].channel", "not one of", "mean instagram?"),
    ("channel: bluesky", "channel: search_ads", 32, 9, "channels[0]", "search_ads is always paid", "budget: 300"),
    ("channel: instagram", "channel: bluesky", 33, 9, "channels[1]", "the same channel stands here twice", "remove"),
    ("profile/fern.example/post", "profile/bakery.example/post", 38, 17, "partners[0].posts[0]",
     "the same post stands here twice", "remove one"),
    ("        utm_source: fern", "        accounts: [{platform: bluesky, handle: Fern}]", 39, 48,
     "partners[0].accounts[0].handle", "not a Bluesky handle", "bsky"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "path", "what", "fix"),
    CAMPAIGN_MISTAKES,
    ids=[repr(each[1])[:50] for each in CAMPAIGN_MISTAKES],
)
def test_a_mistake_in_a_campaign_is_told_with_its_place_and_its_fix(
    old: str, new: str, line: int, column: int, path: str, what: str, fix: str, write: Write
) -> None:
    assert CAMPAIGNED.count(old) == 1
    problem = the_problem(write(CAMPAIGNED.replace(old, new)))

    assert (problem.line, problem.column, problem.path) == (line, column, f"campaigns[0].{path}")
    assert what in problem.what
    assert fix in problem.fix


def test_a_whole_campaign_is_read(write: Write) -> None:
    campaign = load_client(write(CAMPAIGNED)).campaigns[0]
    assert [channel.budget for channel in campaign.channels] == [None, 300]
    assert campaign.partners[0].utm_source == "fern"
    assert [asset.tag for asset in campaign.assets] == ["poster", None]


def test_a_path_may_be_given_anew_only_when_its_first_asset_is_over(write: Write) -> None:
    problem = the_problem(write(CAMPAIGNED + AGAIN))
    assert problem.path == "campaigns[1].assets[0].path"
    assert "'Poster' in winter, 2026-11-02 to 2026-11-29" in problem.what

    assert len(load_client(write(CAMPAIGNED + AGAIN.replace("2026-11-29", "2026-11-30"))).campaigns) == 2


def test_the_everyday_tag_is_no_campaigns(write: Write) -> None:
    problem = the_problem(write(CAMPAIGNED + "everyday: winter\n"))
    assert (problem.path, problem.line) == ("everyday", 48)
    assert "already the key of a campaign" in problem.what
