"""Label Studio's JSON (labelstud.io/guide/task_format): tasks with annotations, rectangles in per cent of the photo.

A photo's name goes into `data.photo`, and there too what is said of the photo, because the tool keeps a task's data
whatever is drawn: boxes that are added there come back with their encounter. What is said of a box stands in `meta`.

What a detector suggests are predictions (labelstud.io/guide/predictions), which the tool shows to whoever opens the
task; what that person submits is an annotation, and only annotations are read.
"""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import quoteattr

from whalepipe.errors import TableError
from whalepipe.files import write_aside
from whalepipe.formats import jsonfile
from whalepipe.formats.album import Album
from whalepipe.formats.jsonfile import Document
from whalepipe.formats.numbers import Rectangle, Size, around, corners, exact, in_parts, in_pixels, plain, rectangle
from whalepipe.formats.sheets import (
    EVERYTHING,
    Guess,
    LineError,
    Reading,
    Sheet,
    box_row,
    empty_row,
    known,
    parts_in,
    parts_of,
)
from whalepipe.photos import ENDINGS
from whalepipe.tables import BoxLabel

HOLDS = EVERYTHING
WHOLE = 100
LOCAL = "/data/local-files/?d="  # where Label Studio serves files of its own disk
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the name of an uploaded file
_SIDES = ("x", "y", "width", "height")


def read(path: Path, reading: Reading) -> None:
    """Put the rectangles of an export into `reading`; tasks that nobody submitted an annotation of are passed over.

    Raises TableError.
    """
    document = Document(path)
    if not isinstance(document.tree, list):
        raise TableError(f"{path}: no list of tasks; export from Label Studio as JSON")
    for number, each in enumerate(document.tree):
        with reading.line(partial(document.where, number)):
            _read_task(jsonfile.mapping(each), number, document, reading)


def _read_task(task: dict[str, Any], number: int, document: Document, reading: Reading) -> None:
    if "data" not in task:
        raise LineError("no `data` in it; export from Label Studio as JSON, not as JSON-MIN")
    data = jsonfile.mapping(task["data"])
    suggested = "predictions" in task and "annotations" not in task
    every = [jsonfile.mapping(each) for each in ([] if suggested else jsonfile.listed(task, "annotations"))]
    done = [(at, annotation) for at, annotation in enumerate(every) if not annotation.get("was_cancelled")]
    if not done:
        reading.passed_over[_unlabelled(task, skipped=bool(every))] += 1
        return
    if len(done) > 1:
        reading.passed_over["tasks with several annotations: the boxes of all are taken"] += 1
    photo = reading.album.name(*_names(data, reading.album.folder))
    before = len(reading.rows), len(reading.wrong)
    for at, annotation in done:
        given = known(data, _author(annotation))
        for place, each in enumerate(jsonfile.listed(annotation, "result")):
            with reading.line(partial(document.where, number, "annotations", at, "result", place)):
                _read_result(jsonfile.mapping(each), photo, given, reading)
    if before == (len(reading.rows), len(reading.wrong)):
        reading.add(empty_row(photo, known(data)))


def _unlabelled(task: dict[str, Any], skipped: bool) -> str:
    """What became of a task whose boxes, if it shows any, are a detector's or a draft: no person stands by them."""
    if skipped:
        return "tasks that were skipped in the tool: left out"
    if task.get("drafts"):
        return "tasks with a draft that nobody submitted: left out"
    return "tasks that nobody annotated yet: left out"


def _names(data: dict[str, Any], folder: str) -> list[str]:
    """What the photo may be called: our own name for it, the file that an address names, the file that was uploaded.

    Addresses of local files begin above the folder of photos, whose name then stands in them.
    """
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    pictures = [value for value in texts.values() if value.lower().endswith(tuple(ENDINGS))]
    address = urlsplit(texts.get("image") or texts.get("img") or next(iter(pictures), ""))
    path = unquote(address.path)
    served = [name for d in parse_qs(address.query).get("d", []) for name in (d, *_after(folder, d))]
    uploaded = [_UPLOADED.sub("", PurePosixPath(path).name)] if "/upload/" in path else []
    return [name for name in (texts.get("photo", ""), *(served or [*uploaded, path])) if name]


def _after(folder: str, path: str) -> list[str]:
    """What follows a folder of that name in a path."""
    parts = PurePosixPath(path).parts
    below = ["/".join(parts[at + 1 :]) for at, part in enumerate(parts) if part == folder]
    return [] if ".." in parts else below


def _author(annotation: dict[str, Any]) -> dict[str, str]:
    """Who drew it: an export has the user's number, or their address where it was asked for."""
    author = annotation.get("completed_by")
    if isinstance(author, dict):
        author = author.get("email") or author.get("id")
    return {} if author is None else {"drawn_by": str(author)}


def _read_result(result: dict[str, Any], photo: str, given: dict[str, str], reading: Reading) -> None:
    kind = result.get("type")
    if kind not in ("rectanglelabels", "polygonlabels"):
        if "original_width" in result:
            raise LineError(f"a region of the type {kind}: only labelled rectangles and polygons are read as boxes")
        reading.passed_over[f"results of the type {kind}"] += 1
        return
    size = reading.album.size(photo, jsonfile.size(result, "original_width", "original_height"))
    value = jsonfile.mapping(result.get("value"))
    named = jsonfile.listed(value, str(kind))
    if len(named) != 1 or not isinstance(named[0], str):
        raise LineError(f"`{kind}` must name one part")
    box = _rectangle(value, size) if kind == "rectanglelabels" else _polygon(value, size)
    reading.add(box_row(photo, named[0], corners(box), known(given, result.get("meta"))))


def _rectangle(value: dict[str, Any], size: Size) -> Rectangle:
    box = in_pixels(parts_of([jsonfile.number(value, side) for side in _SIDES], WHOLE), size, WHOLE)
    degrees = jsonfile.number(value, "rotation") if value.get("rotation") else 0.0
    return _turned(box, degrees) if degrees else box


def _turned(box: Rectangle, degrees: float) -> Rectangle:
    """The upright box around a rectangle that is turned clockwise about its top left corner."""
    left, top, width, height = box
    cos, sin = (Fraction(f(math.radians(degrees))) for f in (math.cos, math.sin))
    ends = [(Fraction(0), Fraction(0)), (width, Fraction(0)), (width, height), (Fraction(0), height)]
    return around([(left + x * cos - y * sin, top + x * sin + y * cos) for x, y in ends])


def _polygon(value: dict[str, Any], size: Size) -> Rectangle:
    points = [jsonfile.numbers({"points": each}, "points", 2) for each in jsonfile.listed(value, "points")]
    if len(points) < 3:
        raise LineError(f"a polygon of {len(points)} points")
    return in_pixels(parts_of(around([(exact(x), exact(y)) for x, y in points]), WHOLE), size, WHOLE)


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:
    """Write tasks that Label Studio imports, for a labelling form whose tags are called `label` and `image`.

    Where boxes are a detector's, that form is written too. Raises StorageError.
    """
    if any(sheet.guess for sheet in sheets):
        write_aside(form_of(path), _form(parts_in(sheets)).encode("utf-8"))
    tasks: list[dict[str, Any]] = []
    for number, sheet in enumerate(sheets, start=1):
        size = sheet.size or album.size(sheet.photo)
        results = [_result(sheet, box, size, f"{number}-{place}") for place, box in enumerate(sheet.boxes)]
        data = {"image": LOCAL + quote(f"{album.folder}/{sheet.photo}"), "photo": sheet.photo, **sheet.attributes}
        if sheet.guess:
            unsure = {"uncertainty": sheet.guess.uncertainty}
            tasks.append({"id": number, "data": {**data, **unsure}, **_prediction(sheet.guess, results)})
        else:
            tasks.append({"id": number, "data": data, "annotations": [{"result": results}]})
    jsonfile.write_json(path, tasks)


def form_of(path: Path) -> Path:
    """Where the form stands that belongs to a file of tasks."""
    return path.with_name(f"{path.stem}-form.xml")


def _form(parts: Sequence[str]) -> str:
    """The labelling form of a project: the tool refuses predictions that do not fit the one that it has."""
    labels = "".join(f"    <Label value={quoteattr(part)}/>\n" for part in parts)
    return (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <RectangleLabels name="label" toName="image">\n{labels}  </RectangleLabels>\n</View>\n'
    )


def _prediction(guess: Guess, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A task's boxes as a detector's. Sorted by score, the tool shows the lowest first: so it is the certainty."""
    boxes = [{**result, "score": sure} for result, sure in zip(results, guess.confidences, strict=True)]
    certainty = round(1 - (guess.uncertainty or 0.0), 4)
    return {"annotations": [], "predictions": [{"model_version": guess.model, "score": certainty, "result": boxes}]}


def _result(sheet: Sheet, box: BoxLabel, size: Size, name: str) -> dict[str, Any]:
    sides = (plain(v) for v in in_parts(rectangle(box), size, WHOLE))
    value = {**dict(zip(_SIDES, sides, strict=True)), "rotation": 0, "rectanglelabels": [box.part]}
    result = {
        "id": name,
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "value": value,
    }
    extras = {} if sheet.guess else sheet.extras(box)  # who submits a suggested box has drawn it
    return {**result, "meta": extras} if extras else result
