import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from whalepipe.csvtable import ALL_DIGITS, from_cell, read_lines, read_table, to_cell, write_table
from whalepipe.errors import StorageError, TableError
from whalepipe.tables import BoxLabel, CropLabel, Ledger, Photo

NASTY = [
    "", " ", "a b", "=1+1", "'=1+1", "''=1", "+49", "-5", "@SUM(A1)", "\tx", "\rx", "'", "''", "'quoted'", 'say "hi"',
    "a,b", "a\nb", "a\r\nb", "a\rb", "\n", "ü – 鯨 🐋", "12E5", "NA", "nan", "None", "true", "007", "\u2028", "\x0b",
    "=\n\"'", "\ufeffx", "a;b",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    text: str
    number: float = 0.0
    whole: int = 0
    flag: bool = False
    maybe: float | None = None


@pytest.mark.parametrize("text", NASTY)
def test_a_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    rows = [Row("first"), Row(text, 0.1), Row("last")]
    write_table(tmp_path / "t.csv", Row, rows)
    assert read_table(tmp_path / "t.csv", Row) == rows


@pytest.mark.parametrize("text", [t for t in NASTY if t.startswith(("=", "+", "-", "@", "\t", "\r"))])
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert to_cell(text) == "'" + text
    assert from_cell("'" + text, str) == text


def test_other_readers_of_csv_read_the_same(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", Row, [Row("a\rb"), Row('"')])
    with (tmp_path / "t.csv").open(newline="") as file:
        assert [r[0] for r in csv.reader(file)] == ["text", "a\rb", '"']


def test_the_bytes_of_a_table(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", Row, [Row("ü", -0.5, -7, True, 1 / 3), Row("=x")])
    expected = "text,number,whole,flag,maybe\nü,-0.5,-7,true,0.3333333333\n'=x,0,0,false,\n"
    assert (tmp_path / "t.csv").read_bytes() == expected.encode()


def test_an_empty_table_is_its_header(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", Row, [])
    assert (tmp_path / "t.csv").read_bytes() == b"text,number,whole,flag,maybe\n"
    assert read_table(tmp_path / "t.csv", Row) == []


def test_the_columns_are_those_of_the_design(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", Ledger, [])
    header = "photo,photo_id,taken_at,encounter,crop,part,view,state,species,individual,probability,reason\n"
    assert (tmp_path / "t.csv").read_text() == header
    write_table(tmp_path / "t.csv", Photo, [])
    header = "photo,photo_id,width,height,taken_at,latitude,longitude,camera,burst,encounter,error\n"
    assert (tmp_path / "t.csv").read_text() == header


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_in_any_order_unknown_ones_and_a_bom(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf individual ,colour,crop\r\nA,red,a.jpg\r\n\r\n,,\r\n12E5,,b.jpg\r\n")
    assert read_table(path, CropLabel) == [CropLabel("a.jpg", individual="A"), CropLabel("b.jpg", individual="12E5")]


def test_na_is_a_text(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "crop,individual\na.jpg,NA\n"), CropLabel)[0].individual == "NA"


def test_aliases_only_where_asked_and_never_over_the_true_name(tmp_path: Path) -> None:
    path = write(tmp_path, "image,label,individual_id\na.jpg,fluke,A\n")
    assert read_table(path, BoxLabel, aliases=True) == [BoxLabel("a.jpg", part="fluke", individual="A")]
    with pytest.raises(TableError, match="no column photo"):
        read_table(path, BoxLabel)
    path = write(tmp_path, "photo,part,label\na.jpg,fluke,good light\n")
    assert read_table(path, BoxLabel, aliases=True) == [BoxLabel("a.jpg", part="fluke")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no column photo"),
        ("crop\na.jpg\n", "no column photo"),
        ("photo,xmin\na.jpg,5\nb.jpg,left\n", "line 3, column xmin: 'left' is not a float"),
        ('photo,xmin\n"a\nb.jpg",5\nb.jpg,left\n', "line 4, column xmin"),
        ("photo,xmin,part\na.jpg,5\n", "line 2: 2 cells under 3 columns"),
        ("photo,xmin,part\na.jpg,12,5,fluke\n", "line 2: 4 cells under 3 columns"),
        ("photo\n" + "x" * 200_000 + "\n", "line 2: cannot be read as CSV"),
        (b"photo\n\xff\n", "cannot be read as UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, text: str | bytes, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(TableError) as caught:
        read_table(path, BoxLabel, aliases=True)
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


def test_all_wrong_lines_are_found_beside_the_numbered_rows(tmp_path: Path) -> None:
    path = write(tmp_path, 'photo,xmin\n\n"a\nb.jpg",5\nb.jpg,left\nc.jpg\nd.jpg,6\n')
    rows, wrong = read_lines(path, BoxLabel)
    assert rows == [(4, BoxLabel("a\nb.jpg", xmin=5)), (7, BoxLabel("d.jpg", xmin=6))]
    assert wrong == [f"{path}, line 5, column xmin: 'left' is not a float", f"{path}, line 6: 1 cells under 2 columns"]


def test_what_is_only_carried_over_keeps_all_its_digits(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", Row, [Row("", 5271.4327001234)], ALL_DIGITS)
    assert (tmp_path / "t.csv").read_text() == "text,number,whole,flag,maybe\n,5271.4327001234,0,false,\n"


def test_empty_cells_beyond_the_last_column_are_no_error(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "photo,part\na.jpg,fluke,,\n"), BoxLabel) == [BoxLabel("a.jpg", part="fluke")]


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.csv: cannot be read"):
        read_table(tmp_path / "none.csv", BoxLabel)
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path, BoxLabel)
    with pytest.raises(StorageError):
        write_table(tmp_path / "t.csv" / "x.csv", Row, []) if (tmp_path / "t.csv").write_text("") == 0 else None


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_truth(text: str, value: bool) -> None:
    assert from_cell(text, bool) is value
    assert to_cell(value) == text
    with pytest.raises(ValueError, match="neither true nor false"):
        from_cell("yes", bool)
