"""COCO's JSON (cocodataset.org/#format-data): images, categories, annotations with a `bbox`.

`bbox` is [x, y, width, height] in pixels, the origin at the top left.
What COCO has no place for stands under `attributes` of an annotation or image, as CVAT writes them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from whalepipe.formats import jsonfile
from whalepipe.formats.album import Album
from whalepipe.formats.jsonfile import Document
from whalepipe.formats.numbers import corners, exact, plain, rectangle
from whalepipe.formats.sheets import EVERYTHING, LineError, Reading, Sheet, box_row, empty_row, known, parts_in, sound
from whalepipe.tables import BoxLabel

HOLDS = EVERYTHING
Id = str | int
Photos = dict[Id, tuple[str, dict[str, str]]]  # name and attributes of each image


def read(path: Path, reading: Reading) -> None:
    """Put the boxes of a COCO file into `reading`, in the order of its images. Raises TableError."""
    document = Document(path)
    parts = _parts(document, reading)
    photos, wrong = _photos(document, reading)
    boxes: dict[Id, list[BoxLabel]] = {}  # of each image that an annotation, were it a wrong one, speaks of
    placed = 0
    annotations = jsonfile.items(document.tree, "annotations", document)
    for number, each in enumerate(annotations):
        with reading.line(partial(document.where, "annotations", number)):
            item = jsonfile.mapping(each)
            image = jsonfile.label(item, "image_id")
            if image in wrong:
                reading.passed_over["boxes of images that cannot be used"] += 1
                placed += 1
                continue
            mine = boxes.setdefault(_among(photos, image, "image"), [])
            placed += 1
            mine.append(_box(item, parts, *photos[image]))
    _add(photos, boxes, placed == len(annotations), reading)


def _add(photos: Photos, boxes: dict[Id, list[BoxLabel]], all_placed: bool, reading: Reading) -> None:
    """Images without annotations are empty photos, unless there are annotations of nobody knows which image."""
    for image, (photo, attributes) in photos.items():
        reading.rows += boxes.get(image, [])
        if image not in boxes and all_placed:
            reading.add(empty_row(photo, attributes))
        elif image not in boxes:
            reading.passed_over["images without boxes, of which some may be those of the wrong lines"] += 1


def _parts(document: Document, reading: Reading) -> dict[Id, str]:
    found: dict[Id, str] = {}
    for number, each in enumerate(jsonfile.items(document.tree, "categories", document)):
        with reading.line(partial(document.where, "categories", number)):
            item = jsonfile.mapping(each)
            found[_new(found, jsonfile.label(item, "id"))] = jsonfile.text(item, "name")
    return found


def _photos(document: Document, reading: Reading) -> tuple[Photos, set[Id]]:
    """The images by their ids, and the ids of those that cannot be used."""
    found: Photos = {}
    wrong: set[Id] = set()
    for number, each in enumerate(jsonfile.items(document.tree, "images", document)):
        with reading.line(partial(document.where, "images", number)):
            item = jsonfile.mapping(each)
            image = _new(found, jsonfile.label(item, "id"))
            wrong.add(image)
            photo = reading.album.name(jsonfile.text(item, "file_name"))
            said = jsonfile.size(item)
            if said and reading.album.root:
                reading.album.size(photo, said)
            found[image] = photo, known(item.get("attributes"))
            wrong.remove(image)
    return found, wrong


def _new(found: dict[Id, Any], key: Id) -> Id:
    if key in found:
        raise LineError(f"the id {key!r} is given twice")
    return key


def _among(found: dict[Id, Any], key: Id, what: str) -> Id:
    if key not in found:
        raise LineError(f"there is no {what} with the id {key!r}")
    return key


def _box(item: dict[str, Any], parts: dict[Id, str], photo: str, attributes: dict[str, str]) -> BoxLabel:
    part = parts[_among(parts, jsonfile.label(item, "category_id"), "category")]
    x, y, width, height = map(exact, jsonfile.numbers(item, "bbox", 4))
    return sound(box_row(photo, part, corners((x, y, width, height)), known(attributes, item.get("attributes"))))


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:  # noqa: ARG001 every format is called alike
    """Write a COCO file. Raises StorageError."""
    parts = parts_in(sheets)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, sheet in enumerate(sheets, start=1):
        width, height = sheet.size or (None, None)
        image = {"id": number, "file_name": sheet.photo, "width": width, "height": height}
        guess = sheet.guess
        unsure = {"uncertainty": guess.uncertainty} if guess and guess.uncertainty is not None else {}
        images.append({**image, **_attributes({**sheet.attributes, **unsure})})
        for place, box in enumerate(sheet.boxes):
            left, top, wide, high = rectangle(box)
            annotation = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": parts.index(box.part) + 1,
                "bbox": [plain(v) for v in (left, top, wide, high)],
                "area": plain(wide * high),
                "iscrowd": 0,
            }
            score = {"score": guess.confidences[place]} if guess else {}
            annotations.append({**annotation, **score, **_attributes(sheet.extras(box))})
    categories = [{"id": number, "name": part} for number, part in enumerate(parts, start=1)]
    jsonfile.write_json(path, {"images": images, "annotations": annotations, "categories": categories})


def _attributes(values: Mapping[str, str | float]) -> dict[str, Any]:
    return {"attributes": values} if values else {}
