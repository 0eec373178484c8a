"""Rendered photos for training: their streams, their label files, and the example set in labels/rendered."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import PROJECT
from whalepipe import demo
from whalepipe.photos import read_photo
from whalepipe.render import render_scene
from whalepipe.render.streams import KEPT
from whalepipe.tables import BoxLabel, ContourPoint, FaultLabel, read_table
from whalepipe.training import boxes, crops
from whalepipe.training.rendered import STREAM, Shown, drawn_scene, mask_path, read_mask, write_truth

EXAMPLE = PROJECT / "labels" / "rendered"
PARTS = ("fluke", "dorsal_fin")
KNOWN_FAULTS = {"blurred", "cut_off", "distant", "glare", "occluded", "submerged"}


@pytest.mark.parametrize("stream", ["demo", "test"])
def test_no_training_draws_from_what_is_scored_on(stream: str, tmp_path: Path) -> None:
    for draw in (
        lambda: drawn_scene(stream, 0, 0, PARTS, (96, 64)),
        lambda: boxes.render(1, tmp_path, PARTS, 96, 0, stream),
        lambda: crops.render("fluke", 1, 1, 64, 0, stream),
    ):
        with pytest.raises(ValueError, match="is kept to score on"):
            draw()
    assert not list(tmp_path.iterdir())


def test_the_demo_draws_from_a_stream_that_is_kept_and_training_from_one_that_is_not() -> None:
    assert demo.STREAM in KEPT
    assert STREAM not in KEPT


def test_animals_of_a_scene_come_from_its_stream() -> None:
    names = [s.individual.name for n in range(8) for s in drawn_scene("mine", 0, n, PARTS, (96, 64)).sightings]
    assert len(names) > 4
    assert all(name.startswith("mine-") for name in names)


def by_photo(rows: Sequence[BoxLabel]) -> dict[str, list[BoxLabel]]:
    found: dict[str, list[BoxLabel]] = defaultdict(list)
    for row in rows:
        found[row.photo].append(row)
    return found


def check_set(folder: Path, photos: int) -> None:
    """Every file of a set agrees with every other."""
    labels = by_photo(read_table(folder / "boxes.csv", BoxLabel))
    assert len(labels) == photos
    assert set(labels) == {p.name for p in (folder / "photos").iterdir()}
    known = {(row.photo, n): row for rows in labels.values() for n, row in enumerate(rows) if row.xmin is not None}
    assert {(r.photo, r.box) for r in read_table(folder / "faults.csv", FaultLabel)} <= known.keys()
    contours: dict[tuple[str, int], list[ContourPoint]] = defaultdict(list)
    for point in read_table(folder / "contours.csv", ContourPoint):
        contours[point.photo, point.box].append(point)
    assert contours.keys() == known.keys()
    paths = {mask_path(folder, *key) for key in known}
    assert paths == set((folder / "masks").iterdir())
    for (photo, number), row in known.items():
        mask = read_mask(mask_path(folder, photo, number))
        assert mask.shape == read_photo(folder / "photos" / photo).shape[:2]
        check_box(row, mask)
        check_contour(contours[photo, number], mask)


def check_box(row: BoxLabel, mask: np.ndarray) -> None:
    rows, columns = np.nonzero(mask)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (row.xmin, row.ymin, row.xmax, row.ymax)
    assert row.part in PARTS
    assert row.view in ("left", "right", "ventral", "dorsal")
    assert row.individual.startswith(f"train-{row.part}-")
    assert (row.species == "Megaptera novaeangliae") == (row.part == "fluke")


def check_contour(points: list[ContourPoint], mask: np.ndarray) -> None:
    assert [p.point for p in points] == list(range(len(points)))
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    away = cv2.distanceTransform((~mask | (inner > 0)).astype(np.uint8), cv2.DIST_L2, 5)
    distances = [away[int(p.y), int(p.x)] for p in points if p.visible]
    assert len(distances) > 2  # a small part shows little of it
    assert np.median(distances) <= 1.5
    steps = np.hypot(*np.diff([[p.x, p.y] for p in points], axis=0).T)
    assert steps.min() > 0.98


def test_a_set_written_anew_agrees_with_itself_and_the_truth(tmp_path: Path) -> None:
    shown = []
    (tmp_path / "photos").mkdir()
    for number in range(3):
        made = render_scene(drawn_scene("train", 4, number, PARTS, (240, 160)))
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), made.image[..., ::-1])
        shown.append(Shown(f"{number}.png", f"E{number}", 160, 240, made.truths))
    write_truth(tmp_path, shown)
    check_set(tmp_path, 3)
    labels = by_photo(read_table(tmp_path / "boxes.csv", BoxLabel))
    for one in shown:
        written = [row.individual for row in labels[one.photo] if row.individual]
        assert written == [truth.individual for truth in one.truths]
        for number, truth in enumerate(one.truths):
            assert np.array_equal(read_mask(mask_path(tmp_path, one.photo, number)), truth.mask(160, 240))


def test_an_empty_sea_is_a_row_without_corners(tmp_path: Path) -> None:
    write_truth(tmp_path, [Shown("sea.jpg", "E", 64, 96, ())])
    assert read_table(tmp_path / "boxes.csv", BoxLabel) == [BoxLabel("sea.jpg", "E")]
    assert read_table(tmp_path / "faults.csv", FaultLabel) == []


def test_the_example_set_agrees_with_itself() -> None:
    check_set(EXAMPLE, 6)
    faults = read_table(EXAMPLE / "faults.csv", FaultLabel)
    assert {row.fault for row in faults} <= KNOWN_FAULTS
    assert {row.fault for row in faults if row.unusable} == {"blurred", "cut_off", "distant", "glare"}
    assert all(0 <= row.strength <= 1 for row in faults)
    assert sum(p.stat().st_size for p in EXAMPLE.rglob("*") if p.is_file()) < 400_000


def test_the_detectors_training_reads_the_example_set() -> None:
    examples = boxes.labelled(EXAMPLE / "boxes.csv", EXAMPLE / "photos", PARTS)
    assert len(examples) == 6
    assert sum(len(e.boxes) for e in examples) >= 6


def script(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/render_set.py", *(str(a) for a in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=environment, check=False)


def test_the_script_makes_a_set_again_and_refuses_what_it_must(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = script("--out", tmp_path / name, "--number", "2", "--seed", "4", "--size", "120")
        assert made.returncode == 0, made.stderr
    one, two = (sorted(p for p in (tmp_path / name).rglob("*") if p.is_file()) for name in ("one", "two"))
    assert len(one) > 5
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    check_set(tmp_path / "one", 2)
    refused = script("--out", tmp_path / "three", "--stream", "demo")
    assert refused.returncode == 1
    assert "'demo' is kept to score on" in refused.stderr
    again = script("--out", tmp_path / "one")
    assert again.returncode == 1
    assert "is not empty" in again.stderr
