"""What tests of whole runs share: the command line in this process, and what lies on disk before and after."""

import csv
import json
import os
import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from whalepipe.cli import app
from whalepipe.csvtable import from_cell
from whalepipe.engines import Task
from whalepipe.files import digest

NOBODY = 65534


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr of a command that could not run."""
        assert self.code == 2, (self.code, self.out, self.err)
        [line] = [line for line in self.err.splitlines() if line.startswith("whalepipe: ")]
        assert self.err.endswith(line + "\n"), self.err
        return line


def whalepipe(*args: str | Path) -> Said:
    """`whalepipe ARGS`; what is no exit passes through."""
    result = CliRunner().invoke(app, [str(a) for a in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def run(raw: Path | str, out: Path, *more: str | Path) -> Said:
    """`whalepipe run RAW --out OUT --device cpu --quiet ...`; the fakes' animals are small ones."""
    small = ("--set", "quality.min_size=48")
    return whalepipe("run", raw, "--out", out, "--device", "cpu", "--quiet", *small, *more)


def rows(out: Path, name: str) -> list[dict[str, str]]:
    """A table as a spreadsheet would read it."""
    with (out / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def states(out: Path) -> dict[str, str]:
    """The state of every file in the ledger; several crops of one file as `new,new`."""
    found: dict[str, list[str]] = {}
    for row in rows(out, "ledger"):
        found.setdefault(row["photo"], []).append(row["state"])
    return {photo: ",".join(each) for photo, each in found.items()}


def reasons(out: Path) -> dict[str, str]:
    """The reason that the ledger gives for every file."""
    return {row["photo"]: row["reason"] for row in rows(out, "ledger")}


def snapshot(folder: Path) -> dict[str, Any]:
    """Every path below a folder with all that a program could change of it."""
    seen: dict[str, Any] = {}
    for base, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(base, name)
            status = path.lstat()
            content = str(path.readlink()) if path.is_symlink() else ""
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                content = digest(path)
            seen[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, content)
    return seen


def tables(out: Path) -> dict[str, bytes]:
    """The bytes of all tables."""
    whole = [p for p in sorted(out.glob("[!.]*")) if p.suffix in (".csv", ".npy")]  # not what a kill left aside
    return {p.name: p.read_bytes() for p in whole}


def check_books(out: Path, files: int) -> None:
    """Every file in exactly one state (or one for each of its crops), and counts that add up to what is on disk."""
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    ledger = rows(out, "ledger")
    assert len({r["photo"] for r in ledger}) == files == summary["files"]["total"]
    without = Counter(r["photo"] for r in ledger if not r["crop"])
    assert set(without.values()) <= {1}
    assert not without.keys() & {r["photo"] for r in ledger if r["crop"]}
    by_state = Counter(r["state"] for r in ledger)
    assert by_state.keys() <= {"identified", "new", "unsure", "rejected", "empty", "duplicate", "skipped", "failed"}
    of_files, of_crops = dict(summary["files"]), dict(summary["crops"])
    assert of_files.pop("total") == sum(of_files.values())
    assert of_crops.pop("total") == sum(of_crops.values()) == sum(1 for r in ledger if r["crop"])
    assert {k: v for k, v in {**of_files, **of_crops}.items() if k != "with_crops" and v} == dict(by_state)
    crops = sorted(from_cell(r["crop"], str) for r in ledger if r["crop"])
    assert crops == sorted(p.name for p in (out / "crops").glob("[!.]*"))


def open_to_all(folder: Path) -> None:
    """Let everybody into a temporary folder, however deep it lies below that of the system."""
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()):
            return
        each.chmod(each.stat().st_mode | 0o055)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which could read and write everything."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        _need_readable_checkout()
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _need_readable_checkout() -> None:
    try:
        (Path(__file__).parent.parent / "whalepipe" / "__init__.py").read_bytes()
    except PermissionError:
        pytest.skip("the project lies in a folder that other users cannot read: its own files would fail too")


def marks(seed: int) -> np.ndarray:
    """A crop with spots whose places and tones the seed decides: (256, 256, 3) uint8."""
    rng = np.random.default_rng(seed)
    picture = np.full((256, 256, 3), 110, np.uint8)
    for _ in range(60):
        x, y, size, tone = (int(v) for v in rng.integers((10, 10, 2, 0), (246, 246, 9, 255)))
        cv2.circle(picture, (x, y), size, (tone, tone, tone), -1)
    return picture


def catalogue_of(raw: Path, tmp_path: Path) -> Path:
    """A catalogue of one fin, that of the card's first photo, called A."""
    labels = tmp_path / "who.csv"
    labels.write_text("photo,part,xmin,ymin,xmax,ymax,individual\na.jpg,dorsal_fin,40,60,90,110,A\n")
    path = tmp_path / "catalogue.sqlite"
    add = whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", path, "--device", "cpu", "--quiet")
    assert add.code == 0
    return path


def mismatched_torchvision(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A torchvision in the place of the installed one that fails as one does that was built for another torch."""
    (folder / "torchvision").mkdir(parents=True)
    text = 'raise RuntimeError("operator torchvision::nms does not exist")\n'
    (folder / "torchvision" / "__init__.py").write_text(text)
    patch.syspath_prepend(folder)
    patch.delitem(sys.modules, "torchvision", raising=False)


class Here:
    """An engine of one worker, which is this process, and which is lost after so many parts.

    What the worker is sent and sends is pickled, and while it works no file below `untouched` changes.
    """

    def __init__(self, lost_after: int = 1000, untouched: Path | None = None) -> None:
        self.lost_after, self.untouched, self.parts = lost_after, untouched, 0

    def __call__(
        self, here: Callable[[], Task], there: Callable[[], Task], parts: Sequence[Any], /
    ) -> Iterator[tuple[int, Any]]:
        prepare = sent(here)()
        before = self._seen()
        task = sent(there)()
        for number, part in enumerate(parts[: self.lost_after]):
            given = sent(prepare(part))
            before = before if number == 0 else self._seen()
            made = sent(task(given))
            assert self._seen() == before
            self.parts += 1
            yield number, made

    def _seen(self) -> dict[str, Any]:
        return snapshot(self.untouched) if self.untouched else {}


def sent(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))
