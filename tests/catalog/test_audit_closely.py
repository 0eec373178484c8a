"""An audit looks at details as `identify` does, and what they say ranks."""

import json
from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import whalepipe
from tests.test_closer_look import SEEN, Silhouettes, calibrated
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.store import Catalog
from whalepipe.photos import encode_jpeg


def crop(name: str, shade: int, seed: int, mirrored: bool = False) -> Entry:
    pixels = fakes.painted(shade, seed, 288, 256)
    jpeg = encode_jpeg(pixels[:, ::-1].copy() if mirrored else pixels, 95)
    return Entry(name, "dorsal_fin", f"{name}-{seed}.jpg", jpeg, f"{name} {seed}", f"{name}{seed}.jpg")


@pytest.fixture
def catalogue(tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """By vectors A is A2 as surely as B is B2; only the crops of B and B2 share details. The last of C is unlike it."""
    monkeypatch.setattr("whalepipe.models.silhouette.Silhouettes", Silhouettes)
    calibrated(tmp_path / "fake-weights")
    path = tmp_path / "c.sqlite"
    Catalog.open_or_create(path).add(
        [
            crop("A", 1, 1), crop("A2", 1, 2), crop("B", 2, 3), crop("B2", 2, 3), crop("C", 3, 4), crop("C", 3, 5),
            crop("C", 4, 6),
        ],
        By("ann"),
    )  # fmt: skip
    SEEN.clear()
    return path


def audit(path: Path, *more: str) -> list[tuple[str, float, str]]:
    said = whalepipe("catalog", "audit", "--catalog", path, "--json", "--device", "cpu", "--quiet", *more)
    found = json.loads(said.out)["suspicions"]
    assert said.code == 0, said.err
    return [(" ".join(s["individuals"]), s["log_odds"], s["evidence"]) for s in found]


def test_details_rank_and_are_found_once(catalogue: Path) -> None:
    first, second = (whose for whose in audit(catalogue, "--kind", "two-ids"))
    assert (first[0], second[0]) == ("B B2", "A A2")
    assert first[1] > second[1] + 1
    assert "; after a closer look at 2 crops " in second[2] and second[2].endswith(" to 1 for one animal")
    assert SEEN.count("asked") == 4
    audit(catalogue, "--kind", "two-ids")
    assert SEEN.count("asked") == 4
    [other] = audit(catalogue, "--kind", "two-animals")
    assert other[0] == "C" and other[2].endswith(" to 1 against its own individual")


def test_vectors_alone_where_closer_looks_are_switched_off(catalogue: Path) -> None:
    found = audit(catalogue, "--kind", "two-ids", "--set", "match.looked_at=0")
    assert {odds for _, odds, _ in found} == {9.969} and SEEN == []
    assert not any("closer look" in evidence for *_, evidence in found)
