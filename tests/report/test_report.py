import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from tests import fakes
from tests.helpers import run, whalepipe
from whalepipe.report.workbook import write_workbook
from whalepipe.tables import Ledger, Match

EVIL_PHOTO = "<script>alert(1)<|script>.jpg"
EVIL_NAME = "<b>&\"'{{ 7*7 }}"


class Reader(HTMLParser):
    """The page's tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def evil(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """A card and a catalogue with names that would like to be markup; gives the folder of the results."""
    raw = tmp_path / "<i>card"
    fakes.save(raw / EVIL_PHOTO, fakes.sea(fakes.Animal(40, 60, 100, 120, 1)))
    fakes.save(raw / "new.jpg", fakes.sea(fakes.Animal(40, 60, 100, 121, 3)))
    fakes.save(raw / "small.jpg", fakes.sea(fakes.Animal(40, 60, 60, 80, 3)))
    (raw / "<u>bad.jpg").write_text("x")
    labels = tmp_path / "who.csv"
    quoted = EVIL_NAME.replace('"', '""')
    labels.write_text(f'photo,part,xmin,ymin,xmax,ymax,individual\n{EVIL_PHOTO},dorsal_fin,40,60,100,120,"{quoted}"\n')
    catalogue = tmp_path / "c.sqlite"
    assert whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", catalogue, "--device", "cpu").code == 0
    assert run(raw, tmp_path / "out", "--catalog", catalogue).code == 1
    return tmp_path / "out"


def test_sentences_are_parted_by_a_space(evil: Path) -> None:
    text = Reader((evil / "report.html").read_text(encoding="utf-8")).text
    note = text[text.index("If the probabilities hold") : text.index("What the program was measured at") + 4]
    assert not re.search(r"[a-z]\.[A-Z]", note)


def test_all_text_from_outside_is_escaped_and_nothing_is_fetched(evil: Path) -> None:
    text = (evil / "report.html").read_text(encoding="utf-8")
    page = Reader(text)
    assert not {"u", "iframe", "link", "object", "embed"} & set(page.tags)
    assert page.tags.count("script") == text.count("<script") == 1
    for name in (EVIL_PHOTO, EVIL_NAME, "<i>card", "<u>bad.jpg", "too small"):
        assert name in page.text, name
    inside = [link for link in page.links if not link.startswith("#")]
    assert inside and all(link.startswith("data:image/webp;base64,") for link in inside)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "url(" not in text


def test_nothing_runs_but_the_pages_own_script(evil: Path) -> None:
    text = (evil / "report.html").read_text(encoding="utf-8")
    [script] = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy and policy[1].split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_workbook_of_a_run_holds_text(evil: Path) -> None:
    book = openpyxl.load_workbook(evil / "results.xlsx")
    assert book.sheetnames == ["ledger", "matches"]
    header, *lines = book["ledger"].iter_rows(values_only=True)
    assert header[0] == "photo"
    names = {line[0]: line[9] for line in lines}
    assert names[EVIL_PHOTO] == EVIL_NAME


TEXTS = ["12E5", "=1+1", "-5", "+49", "@x", "007", "NA", "2024-05-01", "TRUE", "1.5", "", "ü\n鯨"]


@pytest.mark.parametrize("text", TEXTS)
def test_an_id_is_a_text_cell(tmp_path: Path, text: str) -> None:
    row = Ledger(text, "", "", "", "", "", "", "new", "", text, 0.5, "")
    write_workbook(tmp_path / "r.xlsx", [row], [Match("c", 1, text, 0.25, None, "", "", "", "")])
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    cell, probability = book["ledger"]["J2"], book["ledger"]["K2"]
    assert (cell.value or "") == text
    assert text == "" or cell.data_type == "s"
    assert cell.number_format == "@"
    assert (probability.value, probability.data_type) == (0.5, "n")
    assert book["matches"]["E2"].value is None


def test_a_control_character_does_not_stop_the_workbook(tmp_path: Path) -> None:
    row = Ledger("a\x07b", "", "", "", "", "", "", "new", "", "", None, "")
    write_workbook(tmp_path / "r.xlsx", [row], [])
    assert openpyxl.load_workbook(tmp_path / "r.xlsx")["ledger"]["A2"].value == "a\\x07b"


def test_the_report_is_made_anew_only_where_it_would_differ(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls  # noqa: ARG001
) -> None:  # fmt: skip
    out = tmp_path / "out"

    def made(*more: str) -> tuple[bytes, int]:
        assert run(raw, out, *more).code == 0
        return (out / "report.html").read_bytes(), (out / "report.html").stat().st_mtime_ns

    first = made()
    assert made() == first
    wider = made("--set", "crop.margin=0.3")
    assert wider[0] != first[0]
    strict = made("--set", "crop.margin=0.3", "--set", "quality.min_contrast=0.09")
    assert b"0.09" in strict[0]
    assert made()[0] == first[0]
    (out / "report.html").write_text("mine")
    assert made()[0] == first[0]
    (out / "results.xlsx").unlink()
    made()
    assert (out / "results.xlsx").exists()
