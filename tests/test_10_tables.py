"""Tables and texts of people: what a spreadsheet saves is read, what it would calculate is not written."""

from __future__ import annotations

import csv
import io

import pytest
from phenofuse.core import foreign, tables
from phenofuse.core.errors import DateError
from phenofuse.core.timeseries.dates import dates_given

ROWS = "Datei;Anfang;Ende\r\nFeld_Süd.tif;{};{}\r\nFeld_Öst.tif;{};{}\r\n"
ISO = ("2023-11-01", "2023-11-13", "2023-11-13", "2023-11-25")
EXPECTED = {"Feld_Süd.tif": "2023-11-01/2023-11-13", "Feld_Öst.tif": "2023-11-13/2023-11-25"}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]


def given(tmp_path, text, encoding="utf-8", name="dates.csv"):
    """Dates of a file with this text."""
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    found = dates_given(str(path))
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else [str(one) for one in found]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_dates_are_read_as_spreadsheets_save_them(tmp_path, encoding, separator, quote):
    """Every encoding of Excel and LibreOffice, every separator, with and without quotes."""
    text = ROWS.format(*ISO)
    if quote:
        text = "\r\n".join(";".join(f'"{cell}"' for cell in line.split(";")) for line in text.splitlines())
    assert given(tmp_path, text.replace(";", separator), encoding) == EXPECTED


@pytest.mark.parametrize("shown", [
    ("01.11.2023", "13.11.2023", "13.11.2023", "25.11.2023"), ("1.11.2023", "13.11.2023", "13.11.2023", "25.11.2023"),
    ("01/11/2023", "13/11/2023", "13/11/2023", "25/11/2023"), ("11/1/2023", "11/13/2023", "11/13/2023", "11/25/2023"),
    ("01-11-2023", "13-11-2023", "13-11-2023", "25-11-2023"), ("2023/11/01", "2023/11/13", "2023/11/13", "2023/11/25"),
    ("2023/11/1", "2023/11/13", "2023.11.13", "2023-11-25"), ("20231101", "20231113", "20231113", "20231125"),
    ("2023-11-01 00:00:00", "2023-11-13 0:00", "2023-11-13T00:00:00Z", "2023-11-25"), ("01.11.2023 00:00", "13.11.2023 0:00", *ISO[2:]),
    ("11/1/2023 12:00 AM", "11/13/2023 12:00 AM", *ISO[2:]),
])  # fmt: skip
def test_dates_are_read_as_spreadsheets_show_them(tmp_path, shown):
    """Whichever order the country writes, where the dates themselves tell it."""
    assert given(tmp_path, ROWS.format(*shown)) == EXPECTED
    assert given(tmp_path, "\n".join(shown[:2])) == ["2023-11-01", "2023-11-13"]


@pytest.mark.parametrize("text, words", [
    ("date\n01/02/2023\n03/02/2023\n", "01/02/2023 could be day 01 of month 02 or day 02 of month 01"),
    ("13/02/2023\n02/13/2023\n", "in 13/02/2023 the day comes first, in 02/13/2023 the month"),
    ("date\n2023-11-01\n2023-13-01\n", r"dates.csv, row 3: '2023-13-01' is not a date"),
    ("2023-13-01\n2023-11-01\n", "row 1: '2023-13-01' is not a date"),
    ("date\n2023-11-01\nsoon\n2023-11-13\n", "row 3: 'soon' is not a date"),
    ("file,date\na.tif,2023-11-01\nb.tif,\n", "row 3: 'b.tif' is not a date"),
    ("date\n1-Nov-23\n", "row 2: '1-Nov-23' is not a date"),
    ("date\n45231\n", "row 2: '45231' is not a date"),
    ("date\n0001-01-01\n", "row 2: '0001-01-01' lies in the year 1; satellite series lie between 1972 and 2100"),
    ("date\n9999-12-31\n", "year 9999"), ("31.12.1969\n", "year 1969"),
    ("2023-11-13/2023-11-01\n", "row 1: The period 2023-11-13/2023-11-01 ends before it begins"),
    ("2023-11-01,2023-11-13,2023-11-25\n", "row 1 holds 3 dates"),
    ("30.02.2023\n", "row 1: '2023-02-30' is not a date"),
    ("date\n", "dates.csv holds no date"), ("", "dates.csv holds no date"),
    ("2023-11-01\0\n", "cannot be read: it is no text"), ("x" * 200_000, "cannot be read: it is no table"),
])  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path, text, words):
    """No row goes without a word: the sentence names it and shows how dates are written."""
    with pytest.raises(DateError, match=words) as stop:
        given(tmp_path, text)
    assert stop.value.remedy and ("is not a date" not in words or "yyyy-mm-dd" in stop.value.remedy)


def test_bytes_that_are_no_text(tmp_path):
    """A spreadsheet under the name of a table, and half a letter."""
    for content in (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0", b"\xff\xfe\x41", bytes(range(128, 256))):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(DateError, match=r"a\.csv"):
            dates_given(str(tmp_path / "a.csv"))


def test_what_excel_adds_is_left_out(tmp_path):
    """Its line ``sep=;``, empty lines, empty cells at the end, blanks around."""
    assert given(tmp_path, "sep=;\r\n" + ROWS.format(*ISO) + ";;\r\n\r\n") == EXPECTED
    assert given(tmp_path, "date;;\n 2023-11-01 ;;\n2023-11-13;;\n") == ["2023-11-01", "2023-11-13"]


def test_a_list_is_read_like_a_table():
    """The parameter's own list takes the same ways of writing and names what is no date."""
    assert [str(one) for one in dates_given("13.11.2023; 25.11.2023")] == ["2023-11-13", "2023-11-25"]
    with pytest.raises(DateError, match="DATES: 'tomorrow' is not a date"):
        dates_given("2023-11-13, tomorrow")


def test_accents_survive_a_spreadsheet():
    """Excel reads UTF-8 where a mark says so; a table of plain letters has none, for programs that would stumble over it."""
    assert tables.written([["Dörfer", 1]]).encode("utf-8").startswith(b"\xef\xbb\xbf")
    assert tables.written([["villages", 1]]) == "villages,1\n"


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", " =1", "'=1", "''=1"])
def test_no_text_is_calculated(tmp_path, text):
    """A name that begins like a formula is quoted, so that a spreadsheet shows it; our own reader gives it back as it was."""
    content = tables.written([["zone", "mean"], [text, -1.5]])
    (_, cells) = csv.reader(io.StringIO(content, newline=""))
    assert cells[0] == "'" + text and cells[1] == "-1.5"
    (tmp_path / "t.csv").write_bytes(content.encode())
    assert tables.rows_in(tmp_path / "t.csv", ",")[1][1][0] == text


@pytest.mark.parametrize("value", ["-1.5", "+2", "-1e-05", "plain", "", None, -3, 0.25, "a=b", "'tis", "to come"])
def test_numbers_and_plain_texts_stay(value):
    """Nothing is quoted that a spreadsheet takes as it is."""
    assert tables.written([["x", value]]) == f"x,{'' if value is None else value}\n"


def test_json_that_cannot_be_read_is_one_kind_of_failure():
    """No JSON, too deep, or not what is expected of it."""
    def hook(member):
        return member["type"]

    for text in ("{", "[" * 100_000, '{"a":' * 100_000, '{"a": 1}', "\ud800", b"\xff\xfe{"):
        with pytest.raises(ValueError):
            foreign.json_in(text, hook)
    assert foreign.json_in("\ufeff[1]") == foreign.json_in("[1]".encode("utf-16")) == [1]
