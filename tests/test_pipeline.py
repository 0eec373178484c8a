"""What a second run does again, and what it does not."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from tests import fakes
from tests.fakes import again, counted
from tests.helpers import catalogue_of, check_books, reasons, rows, run, snapshot, states, tables, whalepipe
from whalepipe import pipeline
from whalepipe.files import digest
from whalepipe.job import Job

T = TypeVar("T")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_run_and_its_tables(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    before = snapshot(raw)
    said = run(raw, out)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "3 files, 3 boxes, 3 crops",
        "dorsal_fin: 3 crops: 0 known individuals, 2 new, 0 crops unsure, 0 set aside",
        f"results: {out / 'report.html'}",
    ]
    assert counted(fake_models) == (["detector", "embedder", "quality"], 3, 3)
    assert states(out) == {"a.jpg": "new,new", "c.png": "empty", "sub/b.JPG": "new"}
    assert snapshot(raw) == before
    check_books(out, 3)
    a0, a1, b0 = (r["individual"] for r in rows(out, "ledger") if r["crop"])
    assert a0 == b0 != a1
    assert a0.startswith("new-")
    assert [r["part"] for r in rows(out, "detections")] == ["dorsal_fin"] * 3
    crops = [(r["photo"], r["box"], r["width"], r["height"]) for r in rows(out, "crops")]
    assert crops == [("a.jpg", "0", "60", "60"), ("a.jpg", "1", "72", "60"), ("sub/b.JPG", "0", "72", "72")]
    assert {p.name for p in out.iterdir()} == {
        "answers.csv", "cache", "crops", "crops.csv", "detections.csv", "embeddings.csv", "embeddings.npy",
        "failures.csv", "ledger.csv", "matches.csv", "photos.csv", "quality.csv", "report.html", "results.xlsx",
        "species.csv", "summary.json", "views.csv",
    }  # fmt: skip


def test_a_second_run_loads_no_model_and_writes_nothing_new(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    run(raw, out)
    first, kept = tables(out), snapshot(out / "cache") | snapshot(out / "crops")
    report = (out / "report.html").stat().st_mtime_ns
    again(fake_models)
    assert run(raw, out).code == 0
    assert counted(fake_models) == ([], 0, 0)
    assert tables(out) == first
    assert snapshot(out / "cache") | snapshot(out / "crops") == kept
    assert (out / "report.html").stat().st_mtime_ns == report


@pytest.mark.usefixtures("fake_models")
def test_the_detector_may_look_at_a_large_photo_in_full_size(
    raw: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    class Keen(fakes.Detector):
        def __call__(self, image, config, read=None):
            given.append((image.shape, read and read().shape))
            return super().__call__(image, config)

    monkeypatch.setattr("whalepipe.models.detector.Detector", Keen)
    assert run(raw, out, "--set", "detect.size=120").code == 0  # half of the photos' 240 pixels
    assert given == 3 * [((80, 120, 3), (160, 240, 3))]
    given.clear()
    assert run(raw, out, "--set", "detect.size=121").code == 0
    assert given == 3 * [((81, 121, 3), None)]


@pytest.mark.parametrize(
    ("setting", "detected", "embedded"),
    [
        ("quality.min_size=55", 0, 0),
        ("match.prior_new=0.4", 0, 0),
        ("photos.encounter_gap_min=5", 0, 0),
        ("crop.margin=0.2", 0, 3),
        ("crop.jpeg_quality=90", 0, 3),
        ("detect.confidence=0.35", 3, 0),
        ("detect.size=640", 3, 0),
    ],
)
def test_a_changed_setting_redoes_what_follows_from_it(
    raw: Path, out: Path, fake_models: fakes.Calls, setting: str, detected: int, embedded: int
) -> None:
    run(raw, out)
    crops = snapshot(out / "crops")
    again(fake_models)
    assert run(raw, out, "--set", setting).code == 0
    assert (fake_models.detected, fake_models.embedded) == (detected, embedded)
    assert (snapshot(out / "crops") != crops) == setting.startswith("crop.")
    assert json.loads((out / "summary.json").read_text())["made_with"]["config"]["quality"]["min_size"] in (48, 55)


def each_detects_once(
    raw: Path, out: Path, calls: fakes.Calls, key: str, both: tuple[str, str], kind: str
) -> list[str]:
    """Run with each of two settings, twice in turn: only the first time of each detects. What each was made with."""
    made_with = []
    for setting, detected in zip(both * 2, (3, 3, 0, 0), strict=True):
        again(calls)
        assert run(raw, out, "--set", f"{key}={setting}").code == 0
        assert calls.detected == detected
        made_with.append(json.loads((out / "summary.json").read_text())["made_with"][kind])
    return made_with


def test_another_backend_is_another_cause(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    """The same boxes within a pixel are not the same boxes: none made by one may pass for another's."""
    [card] = (raw.parent / "fake-weights").glob("detector.json")
    form = card.with_suffix(".onnx")
    form.write_bytes(b"form")
    card.write_text(json.dumps({**json.loads(card.read_text()), "exported": {"sha256": digest(form)}}))
    made_with = each_detects_once(raw, out, fake_models, "detect.backend", ("onnx", "torch"), "detector_exported")
    assert made_with == [digest(form), "", digest(form), ""]
    assert run(raw, out).code == 0  # `auto` on a processor is what is there: the exported form
    assert fake_models.detected == 0


def test_drawing_boxes_anew_is_another_cause(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    made_with = each_detects_once(raw, out, fake_models, "detect.tighten", ("auto", "none"), "tightener")
    silhouette = digest(raw.parent / "fake-weights" / "silhouette.pt")
    assert made_with == [silhouette, "", silhouette, ""]


def test_a_threshold_sets_aside_with_a_reason(raw: Path, out: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    assert run(raw, out, "--set", "quality.min_size=55").code == 0
    assert states(out) == {"a.jpg": "rejected,rejected", "c.png": "empty", "sub/b.JPG": "new"}
    assert rows(out, "ledger")[0]["reason"].startswith("too small: 5")
    assert rows(out, "ledger")[0]["reason"].endswith("pixels, 55 are needed")
    check_books(out, 3)


@pytest.mark.parametrize(
    ("name", "loaded", "detected", "embedded"),
    [("detector", ["detector"], 3, 0), ("embedder", ["embedder", "quality"], 0, 3), ("quality", ["quality"], 0, 0)],
)
def test_new_weights_redo_what_follows(
    raw: Path,
    out: Path,
    tmp_path: Path,
    fake_models: fakes.Calls,
    name: str,
    loaded: list[str],
    detected: int,
    embedded: int,
) -> None:
    run(raw, out)
    file, card = tmp_path / "fake-weights" / f"{name}.pt", tmp_path / "fake-weights" / f"{name}.json"
    file.write_bytes(b"other")
    text = json.loads(card.read_text())
    card.write_text(json.dumps({**text, "sha256": fakes.digest(file)}))
    again(fake_models)
    run(raw, out)
    assert counted(fake_models) == (loaded, detected, embedded)


def test_a_new_calibration_decides_anew_and_embeds_nothing(
    raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls
) -> None:
    catalogue = catalogue_of(raw, tmp_path)
    run(raw, out, "--catalog", catalogue)
    assert states(out)["sub/b.JPG"] == "identified"
    card = tmp_path / "fake-weights" / "embedder.json"
    flat = {"default": {"slope": 0.1, "intercept": 0.0}}
    card.write_text(json.dumps({**json.loads(card.read_text()), "calibration": flat}))
    again(fake_models)
    run(raw, out, "--catalog", catalogue)
    assert states(out)["sub/b.JPG"] == "unsure"
    assert counted(fake_models) == ([], 0, 0)


def test_another_part_for_the_same_box_is_another_answer(
    raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls
) -> None:
    catalogue, boxes = catalogue_of(raw, tmp_path), tmp_path / "boxes.csv"
    for part, state in (("dorsal_fin", "identified"), ("fluke", "new"), ("dorsal_fin", "identified")):
        boxes.write_text(f"photo,part,xmin,ymin,xmax,ymax\nsub/b.JPG,{part},100,80,160,140\n")
        assert run(raw, out, "--catalog", catalogue, "--boxes", boxes).code == 0
        assert (states(out)["sub/b.JPG"], rows(out, "crops")[0]["part"]) == (state, part)
    assert fake_models.detected == 0
    assert "detector" not in fake_models.loaded


def test_a_renamed_photo_is_not_detected_again(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    run(raw, out)
    names = {r["individual"] for r in rows(out, "ledger")}
    (raw / "sub" / "b.JPG").rename(raw / "sub" / "renamed.JPG")
    again(fake_models)
    run(raw, out)
    assert counted(fake_models) == ([], 0, 0)
    assert rows(out, "crops")[2]["crop"].startswith("renamed_")
    assert {r["individual"] for r in rows(out, "ledger")} == names
    check_books(out, 3)


def test_a_photo_replaced_under_its_name_is_seen(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    run(raw, out)
    fakes.save(raw / "c.png", fakes.sea(fakes.Animal(20, 20, 90, 90, 4)))
    again(fake_models)
    run(raw, out)
    assert (fake_models.detected, fake_models.embedded) == (1, 1)
    assert states(out)["c.png"] == "new"
    check_books(out, 3)


def test_verify_sees_bytes_that_changed_behind_size_and_time(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    path = raw / "plain.tif"
    fakes.save(path, fakes.sea(width=200))
    run(raw, out)
    before = path.stat()
    fakes.save(path, fakes.sea(fakes.Animal(20, 20, 90, 90, 4), width=200))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    again(fake_models)
    run(raw, out)
    assert (states(out)["plain.tif"], fake_models.detected) == ("empty", 0)
    run(raw, out, "--verify")
    assert (states(out)["plain.tif"], fake_models.detected) == ("new", 1)
    run(raw, out)
    assert (states(out)["plain.tif"], fake_models.detected) == ("new", 1)


def test_a_failure_is_not_kept_and_nothing_found_is(raw: Path, out: Path, fake_models: fakes.Calls) -> None:
    whole = (raw / "a.jpg").read_bytes()
    (raw / "a.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    assert run(raw, out).code == 1
    assert states(out)["a.jpg"] == "failed"
    again(fake_models)
    (raw / "a.jpg").write_bytes(whole)
    assert run(raw, out).code == 0
    assert (states(out)["a.jpg"], fake_models.detected) == ("new,new", 1)


@pytest.mark.parametrize("damage", ["gone", "replaced", "empty"])
def test_a_damaged_crop_file_is_cut_again(raw: Path, out: Path, fake_models: fakes.Calls, damage: str) -> None:
    run(raw, out)
    path = next((out / "crops").glob("a_*_0.jpg"))
    good = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else b"x" * len(good))
    again(fake_models)
    assert run(raw, out).code == 0
    assert path.read_bytes() == good
    assert counted(fake_models) == ([], 0, 0)


def test_crops_of_boxes_that_are_gone_go_too(raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    run(raw, out)
    (out / "crops" / "my_notes_1.jpg").write_text("mine")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("photo,part,xmin,ymin,xmax,ymax\na.jpg,fluke,40,60,90,110\nsub/b.JPG,,,,,\n")
    assert run(raw, out, "--boxes", boxes).code == 0
    names = {p.name for p in (out / "crops").iterdir()}
    assert len(names) == 2
    assert "my_notes_1.jpg" in names
    assert states(out) == {"a.jpg": "new", "c.png": "empty", "sub/b.JPG": "empty"}


def test_one_results_folder_for_a_folder_and_its_sub_folder(
    raw: Path, out: Path, fake_models: fakes.Calls  # noqa: ARG001
) -> None:  # fmt: skip
    assert run(raw, out).code == 0
    assert run(raw / "sub", out).code == 0
    assert states(out) == {"b.JPG": "new"}


def test_two_cards_of_one_name_do_not_mix(
    raw: Path, tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "elsewhere" / "raw"
    shutil.copytree(raw, other)
    assert whalepipe("run", raw, "--device", "cpu").code == 0
    assert "holds the results of" in whalepipe("run", other, "--device", "cpu").complaint
    assert whalepipe("run", raw, "--device", "cpu").code == 0


@pytest.mark.parametrize(
    ("stage", "last", "missing"),
    [
        ("detect", "detections", "crops"),
        ("crop", "crops", "embeddings"),
        ("quality", "quality", "matches"),
        ("identify", "ledger", None),
    ],
)
def test_each_stage_stops_after_its_table(
    raw: Path, out: Path, fake_models: fakes.Calls, stage: str, last: str, missing: str | None
) -> None:
    assert whalepipe(stage, raw, "--out", out, "--device", "cpu", "--quiet").code == 0
    assert (out / f"{last}.csv").exists()
    assert missing is None or not (out / f"{missing}.csv").exists()
    assert not (out / "report.html").exists()
    again(fake_models)
    run(raw, out)
    assert fake_models.detected == 0


def test_a_catalogue_names_the_known(raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:
    catalogue = catalogue_of(raw, tmp_path)
    assert run(raw, out, "--catalog", catalogue).code == 0
    found = {r["crop"][0] + r["crop"][-5]: (r["state"], r["individual"]) for r in rows(out, "ledger") if r["crop"]}
    assert found["a0"] == found["b0"] == ("identified", "A")
    assert found["a1"][0] == "new"
    ranked = [(m["rank"], m["individual"]) for m in rows(out, "matches") if m["crop"].startswith("b_")]
    assert ranked == [("1", "A"), ("2", "new")]
    again(fake_models)
    assert run(raw, out, "--catalog", catalogue).code == 0
    assert counted(fake_models) == ([], 0, 0)
    catalogue.unlink()
    assert "no catalogue" in whalepipe("run", raw, "--out", out, "--catalog", catalogue).complaint


def test_reasons_of_files_without_a_crop(raw: Path, out: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    (raw / "notes.txt").write_text("x")
    shutil.copy(raw / "c.png", raw / "d.png")
    run(raw, out)
    why = reasons(out)
    assert why["c.png"] == "no fluke or dorsal fin found"
    assert why["d.png"] == "the same bytes as c.png"
    assert why["notes.txt"] == "not a photo (.txt)"
    check_books(out, 5)


def test_a_crop_is_upright_and_keeps_time_camera_and_place(
    tmp_path: Path, out: Path, fake_models: fakes.Calls  # noqa: ARG001
) -> None:  # fmt: skip
    from PIL import Image

    from whalepipe.exif import read_facts, read_orientation

    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "EOS R5"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:01 10:20:30", 0x9011: "+02:00"})
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 30.0, 0.0), 3: "W", 4: (70.0, 45.0, 0.0)})
    picture = fakes.sea(fakes.Animal(40, 40, 100, 130, 1))
    fakes.save(tmp_path / "raw" / "a.jpg", picture, exif=exif)
    assert run(tmp_path / "raw", out).code == 0
    [photo] = rows(out, "photos")
    assert (photo["width"], photo["height"], photo["taken_at"]) == ("160", "240", "2024-05-01T10:20:30+02:00")
    assert (photo["latitude"], photo["longitude"], photo["camera"]) == ("-33.5", "-70.75", "EOS R5")
    assert photo["burst"] == photo["encounter"] == "2024-05-01T10:20:30+02:00"
    [path] = (out / "crops").iterdir()
    with Image.open(path) as crop:
        assert crop.width > crop.height  # the box of 60 x 90, turned
        assert read_orientation(crop) == 1
        facts = read_facts(crop)
    assert (facts.taken_at, facts.latitude, facts.longitude, facts.camera) == (
        "2024-05-01T10:20:30+02:00", -33.5, -70.75, "EOS R5",
    )  # fmt: skip


def test_no_bar_runs_within_another(raw: Path, out: Path, tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    # A terminal shows one bar at a time; the catalogue's is drawn before that of the matches which need it.
    catalog = catalogue_of(raw, tmp_path)
    shown: list[str] = []
    running: list[str] = []

    def progress(stage: str, items: Sequence[T]) -> Iterator[T]:
        assert not running, f"{stage} within {running[0]}"
        shown.append(stage)
        running.append(stage)
        yield from items
        running.clear()

    pipeline.run(Job(raw, out, catalog=catalog), progress=progress)
    assert shown[-2:] == ["catalogue", "match"]
