"""MegaDetector's batch output (lila.science/megadetector-output-format).

`bbox` is [x, y, width, height] in shares of the photo's width and height.
What the format has no place for stands under `attributes` of a detection or image.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from whalepipe.errors import TableError
from whalepipe.formats import jsonfile
from whalepipe.formats.album import Album
from whalepipe.formats.jsonfile import Document
from whalepipe.formats.numbers import Size, corners, in_parts, in_pixels, plain, rectangle
from whalepipe.formats.sheets import (
    EVERYTHING,
    LineError,
    Reading,
    Sheet,
    box_row,
    empty_row,
    known,
    parts_in,
    parts_of,
)

HOLDS = EVERYTHING
FORMAT_VERSION = "1.4"


def read(path: Path, reading: Reading) -> None:
    """Put the detections of a file into `reading`. Raises TableError."""
    document = Document(path)
    images = jsonfile.items(document.tree, "images", document)
    parts = document.tree.get("detection_categories")
    if not isinstance(parts, dict) or not all(isinstance(name, str) for name in parts.values()):
        raise TableError(f"{path}: no `detection_categories` that name the categories in it")
    for number, each in enumerate(images):
        with reading.line(partial(document.where, "images", number)):
            _read_image(jsonfile.mapping(each), number, document, parts, reading)


def _read_image(item: dict[str, Any], number: int, document: Document, parts: dict[str, str], reading: Reading) -> None:
    if item.get("failure") is not None:
        reading.passed_over["photos that MegaDetector could not read"] += 1
        return
    if "frame_rate" in item:
        raise LineError("a video; only photos can have boxes")
    photo = reading.album.name(jsonfile.text(item, "file"))
    size = reading.album.size(photo, jsonfile.size(item))
    attributes = known(item.get("attributes"))
    before = len(reading.rows), len(reading.wrong)
    for place, each in enumerate(jsonfile.listed(item, "detections")):
        with reading.line(partial(document.where, "images", number, "detections", place)):
            _read_detection(jsonfile.mapping(each), photo, size, parts, attributes, reading)
    if before == (len(reading.rows), len(reading.wrong)):
        reading.add(empty_row(photo, attributes))


def _read_detection(
    item: dict[str, Any], photo: str, size: Size, parts: dict[str, str], attributes: dict[str, str], reading: Reading
) -> None:
    confidence = jsonfile.number(item, "conf")
    if confidence < reading.least_confidence:
        reading.passed_over[f"boxes of a confidence below {reading.least_confidence:g}"] += 1
        return
    category = jsonfile.text(item, "category")
    if category not in parts:  # the format's own words: to be treated as no detection
        reading.passed_over["detections of a category without a name"] += 1
        return
    box = in_pixels(parts_of(jsonfile.numbers(item, "bbox", 4)), size)
    reading.add(box_row(photo, parts[category], corners(box), known(attributes, item.get("attributes"))))
    if confidence != 1:
        reading.passed_over["confidences of a detector, which label tables do not hold"] += 1


def write(
    sheets: Sequence[Sheet], path: Path, album: Album, failures: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write a file as MegaDetector's batch run does; what a person drew has confidence 1.

    `failures`: what was wrong with photos that could not be read. Raises StorageError.
    """
    failed = [{"file": photo, "failure": error, "detections": None} for photo, error in failures.items()]
    parts = parts_in(sheets)
    models = {sheet.guess.model for sheet in sheets if sheet.guess}
    tree = {
        "info": {"format_version": FORMAT_VERSION, "detector": models.pop() if models else "drawn by hand"},
        "detection_categories": {str(number): part for number, part in enumerate(parts, start=1)},
        "images": [*(_image(sheet, parts, album) for sheet in sheets), *failed],
    }
    jsonfile.write_json(path, tree)


def _image(sheet: Sheet, parts: list[str], album: Album) -> dict[str, Any]:
    size = sheet.size or album.size(sheet.photo)
    detections = []
    sure = sheet.guess.confidences if sheet.guess else (1.0,) * len(sheet.boxes)
    for box, confidence in zip(sheet.boxes, sure, strict=True):
        shares = [plain(v) for v in in_parts(rectangle(box), size)]
        detection = {"category": str(parts.index(box.part) + 1), "conf": confidence, "bbox": shares}
        extras = sheet.extras(box)
        detections.append({**detection, "attributes": extras} if extras else detection)
    image = {"file": sheet.photo, "width": size[0], "height": size[1], "detections": detections}
    return {**image, "attributes": sheet.attributes} if sheet.attributes else image
