"""Every command has help with an example; what a person reads on the terminal."""

from pathlib import Path
from typing import Any

import pytest
import typer

from tests import fakes
from tests.helpers import run, whalepipe
from whalepipe import cli
from whalepipe.cli import app, console


def commands(group: Any, *names: str) -> list[tuple[str, ...]]:
    """All commands and groups below, by their names."""
    found = [names]
    for name, command in getattr(group, "commands", {}).items():
        found += commands(command, *names, name)
    return found


ALL = commands(typer.main.get_command(app))


@pytest.mark.parametrize("names", ALL, ids=lambda names: " ".join(names) or "whalepipe")
def test_every_command_has_help_with_an_example(names: tuple[str, ...]) -> None:
    said = whalepipe(*names, "--help")
    assert said.code == 0
    assert f"Example: whalepipe {' '.join(names)}".rstrip() in said.out


def test_the_commands_of_the_design_are_there() -> None:
    assert {("run",), ("detect",), ("crop",), ("quality",), ("identify",)} <= set(ALL)
    assert {("catalog", "add"), ("catalog", "list"), ("catalog", "show")} <= set(ALL)
    assert {("explain",), ("doctor",), ("demo",)} <= set(ALL)
    assert {("labels", "suggest"), ("labels", "import"), ("labels", "export"), ("labels", "check")} <= set(ALL)


@pytest.mark.parametrize("args", ["nonsense", "run", "run . --nonsense", "run . --device toaster"])
def test_a_command_that_does_not_exist_is_2(args: str) -> None:
    said = whalepipe(*args.split())
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("whalepipe: ") and "--help tells more)" in said.err


def test_a_missing_argument_is_named() -> None:
    said = whalepipe("run").complaint.lower()  # typer's versions differ in case
    assert said == "whalepipe: missing argument 'raw_dir'. (whalepipe run --help tells more)"


def test_nothing_asked_for_is_help() -> None:
    assert "Commands:" in whalepipe().err + whalepipe().out
    assert whalepipe("--help").code == 0


def test_a_fault_of_the_program_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert "RuntimeError: oops" in err
    assert err.splitlines()[-1].startswith("whalepipe: this is a fault of whalepipe; your photos are untouched")


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("whalepipe.pipeline.files_of", interrupt)
    said = run(raw, tmp_path / "out")
    assert (said.code, said.out) == (130, "")
    assert said.err == "whalepipe: interrupted; the same command goes on from here\n"


def test_a_complaint_is_one_line_whatever_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    console.complain("a\nb\r\tc\x1b[31m\udcff ü")
    assert capsys.readouterr().err == "whalepipe: a b\\x0d\\x09c\\x1b[31m\\xdcff ü\n"


def test_rows_have_tabs_between_cells_only(capsys: pytest.CaptureFixture[str]) -> None:
    console.say_row("a\tb\nc", "", "d\x07")
    assert capsys.readouterr().out == "a b c\t\td\\x07\n"


def test_of_many_lines_the_first_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    console.say_some([f"line {n}\nmore" for n in range(23)])
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (21, "  line 0\\nmore", "  and 3 more")


def test_failures_are_listed_and_progress_is_plain(raw: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    (raw / "bad\nname.jpg").write_text("x")
    said = whalepipe("run", raw, "--out", tmp_path / "out", "--device", "cpu")
    assert said.code == 1
    shown = ["photos: 4", "detect: 3", "crop: 3", "embed: 3", "view: 3", "quality: 3"]
    shown += ["marks: 1", "match: 1", "report: 3"]
    assert said.err.splitlines() == shown
    lines = said.out.splitlines()
    assert lines[2] == "1 failed; everything else is done:"
    assert lines[3].startswith("  bad\\nname.jpg: not a picture")
