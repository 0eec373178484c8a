"""Boxes with their confidences, and who is in them, as COCO's or MegaDetector's JSON: see formats/coco.py and
formats/megadetector.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from whalepipe.errors import ConfigError
from whalepipe.formats import coco, megadetector
from whalepipe.formats.album import Album
from whalepipe.formats.results.given import Given
from whalepipe.formats.sheets import Guess, Sheet
from whalepipe.tables import UNKNOWN, BoxLabel, Detection, Ledger, Photo

LOST = "states, grades and candidates have no place in it"


def write_coco(given: Given, path: Path) -> list[str]:
    """Write COCO's JSON; returns what it has no place for. Raises ConfigError, StorageError."""
    coco.write(_sheets(given), path, Album(None))
    failed = len(_failures(given))
    return [*_notes(given), *([f"{failed} photos that could not be read have no place in it"] if failed else [])]


def write_megadetector(given: Given, path: Path) -> list[str]:
    """Write MegaDetector's JSON, failures included; returns what it has no place for. Raises ConfigError,
    StorageError."""
    megadetector.write(_sheets(given), path, Album(None), _failures(given))
    return _notes(given)


def _notes(given: Given) -> list[str]:
    unnamed = sum(r.state not in given.wish.states for r in given.ledger if r.crop)
    left = [f"{unnamed} boxes are written without an individual: no chosen crop"] if unnamed else []
    other = sum(bool(p.error) and not p.failed for p in given.photos)
    doubles = [f"{other} files that are doubles or no photos are left out"] if other else []
    return [*left, *doubles, LOST]


def _failures(given: Given) -> Mapping[str, str]:
    """What was wrong with each photo that could not be read."""
    return {r.photo: r.reason for r in given.ledger if r.state == "failed"}


def _sheets(given: Given) -> list[Sheet]:
    """Every photo that was looked at, with its boxes. Raises ConfigError where there is none."""
    rows = {r.crop: r for r in given.ledger if r.crop}
    names = {(c.photo, c.box): c.crop for c in given.crops}
    boxes: dict[str, list[Detection]] = {}
    for found in given.detections:
        boxes.setdefault(found.photo, []).append(found)
    failed, parts = _failures(given), tuple(sorted({d.part for d in given.detections}))
    photos = [p for p in given.photos if p.usable and p.photo not in failed]
    if not photos:
        raise ConfigError("no photo could be read: there are no boxes to write")
    model = str(given.made_with.get("detector", ""))

    def sheet(photo: Photo) -> Sheet:
        mine = boxes.get(photo.photo, [])
        labels = tuple(_label(d, photo, rows.get(names.get((d.photo, d.box), "")), given) for d in mine)
        empty = None if labels else BoxLabel(photo.photo, photo.encounter)
        size = (photo.width, photo.height) if photo.width and photo.height else None
        guess = Guess(_confidences(mine), None, model, parts) if model else None
        return Sheet(photo.photo, size, labels, empty, guess)

    return [sheet(photo) for photo in photos]


def _confidences(found: Sequence[Detection]) -> tuple[float, ...]:
    return tuple(d.confidence for d in found)


def _label(found: Detection, photo: Photo, row: Ledger | None, given: Given) -> BoxLabel:
    """The box, with the animal's name where its crop is a chosen one."""
    corners = found.xmin, found.ymin, found.xmax, found.ymax
    if row is None:
        return BoxLabel(photo.photo, photo.encounter, found.part, *corners)
    individual = row.individual if row.state in given.wish.states else ""
    view, species = ("" if value == UNKNOWN else value for value in (row.view, row.species))
    return BoxLabel(photo.photo, photo.encounter, found.part, *corners, individual, view, species)
