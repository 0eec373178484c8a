"""Whether this installation works: libraries, weights, devices, room on the disk, and one tiny photo run end to end.

Each check is a line: what was found, and what to do where something is amiss. None makes a network connection.
"""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from whalepipe.config import Config
from whalepipe.errors import ConfigError, WeightsError, WhalepipeError
from whalepipe.models.device import may_have_gpu, on_processor, pick_device
from whalepipe.models.libraries import imported

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from whalepipe.instruments import Instruments
    from whalepipe.models.silhouette import BySilhouettes
    from whalepipe.models.weights import Weights

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"  # of a checkout
OK, WARNING, FAULT = "ok", "warning", "fault"
OLDEST = (3, 11)  # Python
BRINGS = {
    "fast": "ONNX Runtime: faster on a processor, and without PyTorch",
    "openvino": "OpenVINO, which is faster on some processors: `detect.backend=openvino`",
    "train": "`whalepipe train`, and most of `whalepipe evaluate`",
    "explain": "`whalepipe explain`, and `evaluate identity --attribution`",
    "ray": "photos shared out over machines, `--engine ray`",
    "review": "`whalepipe review`, the page that takes decisions",
    "postgresql": "catalogues on a server, `--catalog postgresql://...`",
    "store": "photos at a URL, `whalepipe run s3://...`, with the package of its protocol (s3fs)",
    "search": "faster search in catalogues of more than 100,000 crops",
    "wildlife": "data sets of wildlife-datasets to evaluate on",
}
FOR_DEVELOPERS = "dev"
OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
LITTLE, TOO_LITTLE = 2_000_000_000, 200_000_000  # bytes free
SHOWN = 8  # digits of a digest
UNTRIED = "its makers had none to try whalepipe on: compare some photos with --device cpu"
# The photo of the self-test: what the shipped detector is known to find.
PART, STREAM, SEED, SIZE = "dorsal_fin", "test", 3, (640, 427)
LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is (OK, WARNING, FAULT), what was found, what to do."""

    name: str
    state: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Patient:
    """What a run would be made with."""

    config: Config = field(default_factory=Config)
    device: str = "auto"
    out: Path = Path("whalepipe-out")


def examine(patient: Patient) -> Iterator[Check]:
    """All checks, one after the other."""
    steps: Sequence[tuple[str, Callable[[], Iterator[Check]]]] = (
        ("python", _python),
        ("libraries", _libraries),
        ("extras", _extras),
        ("devices", lambda: _devices(patient.device)),
        ("weights", lambda: _weights(patient)),
        ("speed", lambda: _speed(patient)),
        ("folder", lambda: _folder(patient.out)),
        ("self-test", lambda: _self_test(patient)),
    )
    for name, step in steps:
        try:
            yield from step()
        except WhalepipeError as error:
            yield Check(name, FAULT, str(error))
        except Exception as error:  # whatever is broken, the next check is made
            text = " ".join(f"{type(error).__name__}: {error}".split())
            yield Check(name, FAULT, text, _remedy(error))


def _remedy(error: Exception) -> str:
    if isinstance(error, ImportError) and "lib" in str(error) and ".so" in str(error):
        return "a library of the system is missing; on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0"
    if isinstance(error, ImportError):
        return "pip install --force-reinstall whalepipe"
    return "this is a fault of whalepipe or of this machine; please report this line"


def _python() -> Iterator[Check]:
    found = f"{platform.python_version()} ({sys.executable}), {platform.system()} {platform.machine()}"
    good = sys.version_info >= OLDEST
    yield Check("python", OK if good else FAULT, found, "" if good else "install Python 3.11 or newer")


def requirements() -> "dict[str, list[Requirement]]":
    """What whalepipe always needs ("") and what each extra brings: as this checkout says, else as installed."""
    from packaging.requirements import Requirement

    table = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"] if PROJECT.is_file() else {}
    if table.get("name") == "whalepipe":
        texts = {"": table["dependencies"], **table.get("optional-dependencies", {})}
        return {extra: [Requirement(text) for text in needed] for extra, needed in texts.items()}
    every = [Requirement(text) for text in importlib.metadata.requires("whalepipe") or ()]
    extras = ["", *(importlib.metadata.metadata("whalepipe").get_all("Provides-Extra") or ())]
    return {extra: [r for r in every if _first_of(extra, r)] for extra in extras}


def _first_of(extra: str, needed: "Requirement") -> bool:
    """Whether it is this extra, or none, that asks for a package."""
    if needed.marker is None or needed.marker.evaluate({"extra": ""}):
        return not extra
    return bool(extra) and needed.marker.evaluate({"extra": extra})


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _lacking(needed: "Sequence[Requirement]") -> list[str]:
    """Those that are missing or too old, in words."""
    found = [(r, _version(r.name)) for r in needed]
    return [
        f"{r.name} {version} is not {r.specifier}" if version else f"{r.name} is missing"
        for r, version in found
        if not version or not r.specifier.contains(version, prereleases=True)
    ]


def _libraries() -> Iterator[Check]:
    needed, twice = requirements()[""], [name for name in OPENCV if _version(name)]
    lacking = _lacking(needed)
    for problem in lacking:
        yield Check("libraries", FAULT, problem, "pip install --upgrade whalepipe")
    if len(twice) > 1:  # they write the same files
        remedy = f"pip uninstall {' '.join(twice)}; pip install opencv-python"
        yield Check("libraries", WARNING, f"{' and '.join(twice)} overwrite one another", remedy)
    if not lacking:
        imported("torchvision")  # raises where it was built for another torch
        yield Check("libraries", OK, ", ".join(f"{r.name} {_version(r.name)}" for r in needed))


def _extras() -> Iterator[Check]:
    for extra, needed in requirements().items():
        if extra in ("", FOR_DEVELOPERS):
            continue
        lacking, brings = _lacking(needed), BRINGS.get(extra, ", ".join(r.name for r in needed))
        if lacking:
            found = f"not there: {brings} ({', '.join(lacking)})"
            yield Check(f"extra {extra}", WARNING, found, f"pip install 'whalepipe[{extra}]'")
        else:
            yield Check(f"extra {extra}", OK, brings)


def _devices(asked: str) -> Iterator[Check]:
    limit = os.environ.get("OMP_NUM_THREADS", "")
    found = f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} processor threads"
    yield Check("devices", OK, found + (f", of which OMP_NUM_THREADS allows {limit}" if limit else ""))
    chosen = pick_device(asked)
    hint = "" if may_have_gpu() else " (no driver of a graphics processor is here)"
    yield Check("devices", OK, f"--device {asked} runs on {chosen}{hint}", "" if chosen == "cpu" else UNTRIED)


def _weights(patient: Patient) -> Iterator[Check]:
    from whalepipe.instruments import Instruments
    from whalepipe.models.exported import runs_by

    models, device = Instruments(patient.config, patient.device), pick_device(patient.device)
    checks: Sequence[tuple[str, Callable[[], Check]]] = (
        ("detector", lambda: _weighed(models.detector_weights, runs_by(models.exported_detector, device))),
        ("embedder", lambda: _weighed(models.embedder_weights, runs_by(models.exported_embedder, device))),
        ("silhouette", lambda: _outlines(models, device)),
        ("quality", lambda: _grader(models)),
        ("species", lambda: _species(models)),
    )
    for name, check in checks:
        try:
            yield check()
        except WhalepipeError as error:
            yield Check(f"weights {name}", FAULT, str(error), "reinstall whalepipe, or mend the setting")


def _weighed(weights: "Weights", runs: str) -> Check:
    """Weights that are what their card says."""
    return Check(f"weights {weights.card['kind']}", OK, f"{weights.digest[:SHOWN]} as on its card, {runs}")


def _outlines(models: "Instruments", device: str) -> Check:
    from whalepipe.models.exported import runs_by

    users: dict[str, BySilhouettes | None] = {
        "boxes of flukes": models.tightener,
        "sides": models.sides,
        "distinctiveness": models.distinctiveness,
        "closer looks": models.closer_look,
    }
    runs: dict[str, list[str]] = {}
    for what, by in users.items():
        if by:
            runs.setdefault(runs_by(by.exported, device), []).append(what)
    if not runs:
        return Check("weights silhouette", OK, "switched off")
    digests = ", ".join(sorted({by.weights.digest[:SHOWN] for by in users.values() if by}))
    backends = ", ".join(f"{backend} ({', '.join(uses)})" for backend, uses in runs.items())
    return Check("weights silhouette", OK, f"{digests} as on its card, {backends}")


def _grader(models: "Instruments") -> Check:
    weights = models.grader_weights
    if weights is None:
        return Check("weights quality", OK, "switched off: limits alone decide")
    if weights.card.get("embedder") != models.embedder_weights.digest:
        found = f"{weights.path} was learned with another embedder: nothing is told to be hidden"
        return Check("weights quality", WARNING, found, "whalepipe train quality")
    return _weighed(weights, "NumPy")


def _species(models: "Instruments") -> Check:
    model = models.species_model
    if model is None:
        found = "none for this embedder: every species is unknown"
        return Check("weights species", WARNING, found, "whalepipe train species")
    return Check("weights species", OK, f"{model.digest[:SHOWN]} as on its card, NumPy")


def _speed(patient: Patient) -> Iterator[Check]:
    """What each runtime that is installed takes for one look of the detector."""
    from whalepipe.instruments import Instruments
    from whalepipe.models.probe import advice, speeds

    models = Instruments(patient.config, patient.device)
    with suppress(WeightsError, ConfigError):  # what is wrong with them is told above
        if models.exported_detector and on_processor(patient.device):
            yield Check("speed", OK, *advice(speeds(models.detector_weights), models.exported_detector.runtime))


def _folder(out: Path) -> Iterator[Check]:
    # Path.exists raises where a folder may not be looked into.
    there = next(path for path in (out.absolute(), *out.absolute().parents) if os.path.exists(path))  # noqa: PTH110
    if not there.is_dir():
        yield Check("folder", FAULT, f"{there} is a file", "choose another folder with --out")
        return
    for folder in (there, *(f for f in (out / "cache", out / "crops") if f.is_dir())):
        try:
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            yield Check("folder", FAULT, f"{folder} cannot be written ({error.strerror})", "choose another with --out")
            return
    free = shutil.disk_usage(there).free
    state = OK if free >= LITTLE else WARNING if free >= TOO_LITTLE else FAULT
    found = f"{there} can be written, {free / 1e9:,.1f} GB are free"
    yield Check("folder", state, found, "" if state == OK else "make room, or choose another disk with --out")


def _self_test(patient: Patient) -> Iterator[Check]:
    """A rendered photo from file to report, in a folder that is thrown away."""
    from whalepipe.boxes import overlap
    from whalepipe.job import Job
    from whalepipe.pipeline import run
    from whalepipe.progress import silent
    from whalepipe.render import draw_individual, draw_scene, render_scene, save_photo, scene_rng
    from whalepipe.report import write_report

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="whalepipe-doctor-") as folder:
        raw = Path(folder) / "card"
        raw.mkdir()
        scene = draw_scene(scene_rng(STREAM, "doctor", SEED), [draw_individual(PART, STREAM, SEED)], *SIZE)
        rendered = render_scene(scene)
        save_photo(raw / "rendered.jpg", rendered.image)
        job = Job(raw, Path(folder) / "out", patient.config, device=patient.device)
        tables = run(job)
        page = write_report(job, tables, silent).stat().st_size
    found = any(overlap(d, t) >= LEAST_OVERLAP for d in tables.detections for t in rendered.truths)
    took = f"one rendered photo from file to report ({page / 1e3:.0f} kB) in {time.monotonic() - began:.1f} s"
    if found:
        yield Check("self-test", OK, f"{took}, its animal found")
    else:
        remedy = "none if the detector is your own: shipped weights find it"
        yield Check("self-test", WARNING, f"{took}, but its animal was not found", remedy)
