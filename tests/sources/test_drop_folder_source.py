"""Tables that people save: what is read, what is refused and with which words, and what hostile files can do."""

import datetime as dt
import io
import os
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from pydantic import ValidationError

from campaigned import with_campaigns
from widerview.pipeline.connections import Access
from widerview.pipeline.ingest import http_client
from widerview.sources import sheets
from widerview.sources.base import DayRow, RawPage, Request, Row, Target, UnreadableRow, Window
from widerview.sources.drop_folder import SOURCE
from widerview.sources.errors import BadAnswer, NotFound
from widerview.sources.sheets import BadSheet

NOW = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
SAVED = dt.datetime(2026, 11, 16, 8, tzinfo=dt.UTC)
WINDOW = Window(dt.date(2026, 10, 12), dt.date(2026, 11, 16))
TILL = "day,code,redemptions,revenue\n2026-11-05,WINTER10,12,230.50\n"


def target(folder: Path | str = "/srv/drop") -> Target:
    return Target(
        client_id="harbour-bakery",
        source="drop_folder",
        ref="shop",
        time_zone="Europe/Berlin",
        options={"folder": str(folder), "currency": "EUR"},
    )


def save(folder: Path, name: str, content: str | bytes, at: dt.datetime = SAVED) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def pull(folder: Path, window: Window = WINDOW) -> tuple[list[RawPage], list[Row]]:
    http = http_client(SOURCE, target(folder), Access(), clock=lambda: NOW)
    pages = list(SOURCE.fetch(target(folder), window, http))
    return pages, [row for page in pages for row in SOURCE.parse(target(folder), page)]


def page(name: str, body: bytes, status: int = 200) -> RawPage:
    asked = {"file": name, "first": str(WINDOW.first), "last": str(WINDOW.last)}
    return RawPage(
        stream="files", request=Request("READ", "file:///srv/drop", asked), status=status, headers={}, fetched_at=SAVED,
        body=body,
    )  # fmt: skip


def read(name: str, content: str | bytes) -> list[Row]:
    return list(SOURCE.parse(target(), page(name, content.encode() if isinstance(content, str) else content)))


def excel(*rows: tuple[object, ...], **more: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name, row in more.items():
        book.create_sheet(name).append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def told(rows: list[Row]) -> dict[tuple[str, str, str], float | None]:
    assert all(isinstance(row, DayRow) for row in rows), rows
    return {(str(row.day), row.member, row.metric): row.value for row in rows if isinstance(row, DayRow)}


def refused(rows: list[Row]) -> tuple[str, str]:
    """Where the one refused line stands, and why."""
    [row] = [row for row in rows if isinstance(row, UnreadableRow)]
    return row.place, row.reason


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (TILL, {("winter10", "redemptions"): 12, ("winter10", "revenue"): 230.5}),
        ("day;code;redemptions;revenue\r\n2026-11-05;Winter10;12;1.230,50\r\n",
         {("winter10", "redemptions"): 12, ("winter10", "revenue"): 1230.5}),
        ("day\tevent\tattendance\n2026-11-05\tOven  night\t46\n", {("oven night", "attendance"): 46}),
        ("Day,Newsletter,Sent,Clicks\n2026-11-05,Bread letter,1240,81\n",
         {("bread letter", "emails_sent"): 1240, ("bread letter", "email_clicks"): 81}),
        ("day,newsletter,sent,opens,clicks,unsubscribes\n2026-11-05,Bread letter,1240,,81,0\n",
         {("bread letter", "emails_sent"): 1240, ("bread letter", "email_clicks"): 81,
          ("bread letter", "unsubscribes"): 0}),
        ("day,path,scans\n2026-11-05,/market,31\n", {("/market", "scans"): 31}),
        ("day,path,scans\n2026-11-05,/Market/,31\n", {("/market", "scans"): 31}),
        ("day,campaign,platform,claimed_conversions\n2026-11-05,Winter bread,Google Ads,2.33\n",
         {("winter bread/google_ads", "claimed_conversions"): 2.33}),
        ("day;campaign;platform;claimed_conversions;spend\n2026-11-05;winter-bread;FACEBOOK;4;1.040,50\n",
         {("winter-bread/facebook", "claimed_conversions"): 4, ("winter-bread/facebook", "spend"): 1040.5}),
        ("day,campaign,platform,claimed_conversions,cost_micros\n2026-11-05,a/b,google_ads,0,12340000\n",
         {("a/b/google_ads", "claimed_conversions"): 0, ("a/b/google_ads", "spend"): 12.34}),
        ("day,campaign,platform,claimed_conversions,spend,cost_micros\n2026-11-05,a,x,1,,\n",
         {("a/x", "claimed_conversions"): 1}),
    ],
)  # fmt: skip
def test_each_table_is_known_by_its_columns(content: str, values: dict[tuple[str, str], float]) -> None:
    assert told(read("x.csv", content)) == {("2026-11-05", *key): value for key, value in values.items()}


def test_a_folder_whose_amounts_are_in_another_currency_is_refused() -> None:
    folder = {"platform": "drop_folder", "name": "shop", "options": {"folder": "/srv/drop", "currency": "USD"}}
    with pytest.raises(ValidationError, match="Drop folder has no option 'currency'; its options are: folder"):
        with_campaigns(offline=[folder])


def test_money_has_the_currency_of_the_client_and_counts_have_none() -> None:
    assert {(row.metric, row.currency) for row in read("x.csv", TILL) if isinstance(row, DayRow)} == {
        ("redemptions", None),
        ("revenue", "EUR"),
    }


def test_excel_gives_dates_numbers_and_what_its_formulas_came_to() -> None:
    body = excel(("day", "code", "redemptions", "revenue"), (dt.date(2026, 11, 5), 2026, 12, 230.5),
                 (), ("2026-11-06", "winter10", "7", "99,90"))  # fmt: skip
    assert told(read("till.xlsx", body)) == {
        ("2026-11-05", "2026", "redemptions"): 12,
        ("2026-11-05", "2026", "revenue"): 230.5,
        ("2026-11-06", "winter10", "redemptions"): 7,
        ("2026-11-06", "winter10", "revenue"): 99.9,
    }
    never_worked_out = excel(("day", "event", "attendance"), ("2026-11-05", "Oven night", "=20+26"))
    place, why = refused(read("x.xlsx", never_worked_out))
    assert "never worked out" in why
    assert place == "x.xlsx, row 2, column attendance"
    with zipfile.ZipFile(io.BytesIO(never_worked_out)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"<v></v>" in sheet or b"<v />" in sheet or b"<v/>" in sheet
    for empty in (b"<v></v>", b"<v />", b"<v/>"):
        sheet = sheet.replace(empty, b"<v>46</v>")
    parts["xl/worksheets/sheet1.xml"] = sheet
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert told(read("x.xlsx", written.getvalue())) == {("2026-11-05", "oven night", "attendance"): 46}


@pytest.mark.parametrize(
    ("line", "place", "reason"),
    [
        ("05.11.2026,WINTER10,12,1", "row 3, column day", "write it like 2026-11-02"),
        ("2026-11-31,WINTER10,12,1", "row 3, column day", "is no day"),
        ("2027-11-05,WINTER10,12,1", "row 3, column day", "had not come when the file was saved"),
        ("2006-11-05,WINTER10,12,1", "row 3, column day", "more than 93 days ago"),
        ("2026-11-06,,12,1", "row 3, column code", "an empty cell"),
        ("2026-11-06,WINTER10,twelve,1", "row 3, column redemptions", "'twelve' is no count; write a whole number"),
        ("2026-11-06,WINTER10,-1,1", "row 3, column redemptions", "is no count"),
        ("2026-11-06,WINTER10,1.5,1", "row 3, column redemptions", "is no count"),
        ("2026-11-06,WINTER10,,1", "row 3, column redemptions", "0 for none"),
        ("2026-11-06,WINTER10,1,1.250", "row 3, column revenue", "can be read two ways"),
        ("2026-11-06,WINTER10,1,12 EUR", "row 3, column revenue", "without a currency"),
        ("2026-11-06,WINTER10,1,12,50", "row 3", "has 5 cells under 4 columns; put what has a comma into quotes"),
        ("2026-11-05,winter10,1,1", "row 3", "tells of winter10 on 2026-11-05 like row 2; make one row of the two"),
    ],
)
def test_a_line_that_breaks_the_format_is_told_with_its_place_and_costs_no_other(
    line: str, place: str, reason: str
) -> None:
    rows = read("till.csv", f"{TILL}{line}\n2026-11-07,WINTER10,3,9.00\n")
    found, why = refused(rows)
    assert found == f"till.csv, {place}"
    assert reason in why
    assert {row.day.day for row in rows if isinstance(row, DayRow)} == {5, 7}
    [bad] = [row for row in rows if isinstance(row, UnreadableRow)]
    assert ",".join(bad.cells).rstrip(",") == line.rstrip(",")


ADS = "day,campaign,platform,claimed_conversions,spend,cost_micros\n2026-11-05,winter,meta,3,9.50,\n"


@pytest.mark.parametrize(
    ("line", "place", "reason"),
    [
        ("2026-11-06,winter,Myspace,1,,", "row 3, column platform", "'Myspace' is no platform with ads that is known"),
        ("2026-11-06,winter,,1,,", "row 3, column platform", "an empty cell"),
        ("2026-11-06,,meta,1,,", "row 3, column campaign", "an empty cell"),
        ("2026-11-06,winter,meta,,9.50,", "row 3, column claimed_conversions", "0 for none"),
        ("2026-11-06,winter,meta,-2,,", "row 3, column claimed_conversions", "is no amount"),
        ("2026-11-06,winter,meta,1,,9.5", "row 3, column cost_micros", "is no count; write a whole number"),
        ("2026-11-06,winter,meta,1,9.50,9500000", "row 3, column cost_micros", "tells the spend a second time"),
        (
            "2026-11-05,Winter,Meta,1,,",
            "row 3",
            "tells of winter/meta on 2026-11-05 like row 2; make one row of the two",
        ),
    ],
)
def test_a_line_of_an_ads_export_that_breaks_the_format_costs_no_other(line: str, place: str, reason: str) -> None:
    rows = read("ads.csv", f"{ADS}{line}\n2026-11-07,winter,meta,2,,3000000\n")
    found, why = refused(rows)
    assert found == f"ads.csv, {place}"
    assert reason in why
    assert {row.day.day for row in rows if isinstance(row, DayRow)} == {5, 7}


def test_of_an_ads_export_spend_is_money_and_what_is_claimed_belongs_to_campaign_and_platform() -> None:
    rows = [row for row in read("ads.csv", ADS) if isinstance(row, DayRow)]
    assert {(row.dimension, row.member, row.metric, row.currency) for row in rows} == {
        ("touchpoint", "winter/meta", "claimed_conversions", None),
        ("touchpoint", "winter/meta", "spend", "EUR"),
    }


ROW = ("2026-11-05", "WINTER10", 12)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("till.pdf", b"%PDF", "neither a .csv nor an .xlsx"),
        ("till.xls", b"\xd0\xcf\x11\xe0", "neither a .csv nor an .xlsx"),
        ("till.xlsx", b"\xd0\xcf\x11\xe0", "an old Excel file, or one with a password"),
        ("till.xlsx", b"PK\x03\x04 and so on", "no Excel file, or is damaged"),
        ("till.csv", "day,code,redemptions\n2026-11-05,Brötchen,1\n".encode("latin-1"), "save it as `CSV UTF-8`"),
        ("till.csv", b'day,code,redemptions\n"2026-11-05,A,1\n', "no CSV from row"),
        ("till.csv", b"", "has the columns (none)"),
        ("till.csv", b"date,sum\n", "write those of one"),
        ("till.csv", b"code,redemptions\n", "lacks the column day of the table till"),
        ("ads.csv", b"day,campaign,claimed_conversions\n", "lacks the column platform of the table ads"),
        ("ads.csv", b"day,campaign,platform,spend\n", "lacks the column claimed_conversions of the table ads"),
        ("till.csv", b"day,code,redemptions,cashier\n", "has the column 'cashier', which the table till has not"),
        ("till.csv", b"day,code,redemptions,redemptions\n", "has the column redemptions twice"),
        ("till.csv", b"day,code,redemptions\n" + b"\n" * 20_000 + b"2026-11-05,A,1\n", "more than 20000 rows"),
        ("till.xlsx", excel(("day", "code", "redemptions"), ROW, Second=ROW), "more than one sheet"),
    ],
)
def test_a_file_that_is_no_such_table_says_what_to_do(name: str, content: bytes, reason: str) -> None:
    place, why = refused(read(name, content))
    assert place == name
    assert reason in why


def test_an_archive_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (65 * 2**20))
    assert len(written.getvalue()) < 2**20
    assert "unpacks to more than 64 MB" in refused(read("till.xlsx", written.getvalue()))[1]


def test_macros_are_refused_and_entities_are_not_expanded() -> None:
    body = excel(("day", "code", "redemptions"), ROW)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def packed(**more: bytes) -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for name, content in (parts | more).items():
                archive.writestr(name, content)
        return written.getvalue()

    assert told(read("till.xlsx", packed()))
    assert "has macros" in refused(read("till.xlsx", packed(**{"xl/vbaProject.bin": b"x"})))[1]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    sheet = parts["xl/worksheets/sheet1.xml"]
    hostile = packed(**{"xl/worksheets/sheet1.xml": bomb + sheet.replace(b"WINTER10", b"&b;")})
    assert "is damaged" in refused(read("till.xlsx", hostile))[1]


def test_a_file_counts_from_when_it_was_saved_and_a_corrected_one_counts_first(tmp_path: Path) -> None:
    save(tmp_path, "till.csv", TILL)
    save(tmp_path, "till (corrected).csv", TILL.replace(",12,", ",14,"), SAVED + dt.timedelta(hours=3))
    pages, rows = pull(tmp_path)
    assert [page.fetched_at for page in pages] == [SAVED + dt.timedelta(hours=3), SAVED]
    assert [row.value for row in rows if isinstance(row, DayRow) and row.metric == "redemptions"] == [14, 12]
    assert pages[0].body == TILL.replace(",12,", ",14,").encode(), "landed as it was saved"
    assert pull(tmp_path)[1] == rows, "the same file again is the same observation"


def test_only_files_that_tell_of_the_window_are_landed(tmp_path: Path) -> None:
    save(tmp_path, "old.csv", TILL)
    save(tmp_path, "~$till.xlsx", b"lock")
    save(tmp_path, ".DS_Store", b"x")
    (tmp_path / "archive").mkdir()
    assert pull(tmp_path, Window(dt.date(2026, 11, 8), dt.date(2026, 11, 16))) == ([], [])
    assert len(pull(tmp_path, Window(dt.date(2026, 11, 5), dt.date(2026, 11, 5)))[1]) == 2


def test_what_must_not_be_read_is_told_and_costs_no_other_file(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    save(tmp_path, "secret.csv", TILL)
    (drop / "link.csv").symlink_to(tmp_path / "secret.csv")
    save(drop, "large.csv", b"x" * (sheets.LARGEST_FILE + 1))
    save(drop, "till.csv", TILL)
    pages, rows = pull(drop)
    reasons = {row.file: row.reason for row in rows if isinstance(row, UnreadableRow)}
    assert "is a link" in reasons["link.csv"]
    assert "larger than 5 MB" in reasons["large.csv"]
    assert sum(len(page.body) for page in pages) == len(TILL)
    assert sum(isinstance(row, DayRow) for row in rows) == 2


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nowhere: there is no such folder on this worker"):
        pull(tmp_path / "nowhere")


@given(st.text(max_size=300))
def test_any_text_gives_rows_or_says_what_is_wrong(content: str) -> None:
    read("x.csv", content.encode("utf-8", "surrogatepass"))
    for row in read("x.csv", (TILL + content).encode("utf-8", "surrogatepass")):
        assert isinstance(row, DayRow | UnreadableRow)


EXCEL = excel(("day", "code", "redemptions"), ROW, ("2026-11-06", "WINTER10", 3))


@given(st.integers(0, len(EXCEL) - 1), st.integers(0, 255), st.integers(0, len(EXCEL)))
def test_any_damage_to_an_excel_file_gives_rows_or_says_what_is_wrong(place: int, byte: int, end: int) -> None:
    for body in (EXCEL[:place] + bytes([byte]) + EXCEL[place + 1 :], EXCEL[:end]):
        for row in read("x.xlsx", body):
            assert isinstance(row, DayRow | UnreadableRow)


def test_a_landed_file_without_its_days_is_bad() -> None:
    bare = RawPage(
        stream="files", request=Request("READ", "file:///x", {}), status=200, headers={}, fetched_at=SAVED, body=b""
    )
    with pytest.raises(BadAnswer, match="does not say its name and days"):
        list(SOURCE.parse(target(), bare))


@given(st.integers(0, 10**9), st.sampled_from([".", ","]))
def test_an_amount_with_two_decimals_is_read_with_either_point(cents: int, point: str) -> None:
    whole, rest = divmod(cents, 100)
    assert sheets.amount(f"{whole}{point}{rest:02}") == pytest.approx(cents / 100)
    grouped = f"{whole:,}".replace(",", "." if point == "," else ",")
    assert sheets.amount(f"{grouped}{point}{rest:02}") == pytest.approx(cents / 100)


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from([".", ","]))
@example(1, 250, ".")
def test_what_can_be_read_two_ways_is_not_guessed(thousands: int, rest: int, point: str) -> None:
    with pytest.raises(BadSheet, match="two ways"):
        sheets.amount(f"{thousands}{point}{rest:03}")


@given(st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))
def test_a_day_is_read_as_iso_and_from_excel_alike(day: dt.date) -> None:
    book = load_workbook(io.BytesIO(excel((day,))), read_only=True)
    assert sheets.day(book.active["A1"].value) == sheets.day(str(day)) == day
    book.close()


@given(st.integers(0, 10**15 - 1))
def test_millionths_are_read_to_the_last_one(micros: int) -> None:
    exact = Decimal(micros) / 1_000_000
    for cell in (str(micros), micros):
        assert sheets.micros(cell) == float(exact)
        assert round(Decimal(sheets.micros(cell)), 6) == exact or micros > 10**14


@given(st.integers(0, 10**9))
def test_an_amount_in_millionths_is_the_same_money_as_in_euros_and_cents(cents: int) -> None:
    assert sheets.micros(cents * 10_000) == sheets.amount(f"{cents // 100}.{cents % 100:02}")


@given(st.one_of(st.text(max_size=12), st.floats(), st.booleans(), st.none()))
def test_what_is_no_whole_number_of_millionths_is_refused(cell: object) -> None:
    try:
        found = sheets.micros(cell)
    except BadSheet as error:
        assert "is no count; write a whole number" in str(error)
    else:
        assert found >= 0
        assert not isinstance(cell, bool)
        assert float(cell) / 1_000_000 == found
