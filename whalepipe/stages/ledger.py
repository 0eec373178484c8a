"""One row for each crop, and one for each file without a crop: no photo is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from whalepipe.tables import DUPLICATE, SKIPPED, UNKNOWN, Answer, Crop, Failure, Ledger, Photo, Quality, Species, View


@dataclass(frozen=True)
class Findings:
    """What the stages said of each crop, by its name, and of each photo, by its path."""

    crops: Mapping[str, Sequence[Crop]] = field(default_factory=dict)  # by photo
    failures: Mapping[str, Failure] = field(default_factory=dict)  # by photo
    views: Mapping[str, View] = field(default_factory=dict)
    quality: Mapping[str, Quality] = field(default_factory=dict)
    species: Mapping[str, Species] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    decided: Mapping[str, Answer] = field(default_factory=dict)  # what a person decided goes before all of it

    def answer(self, crop: str) -> Answer:
        """What the program says of a crop, whatever a person decided."""
        quality = self.quality[crop]
        return self.answers[crop] if quality.keep else Answer(crop, "rejected", "", None, quality.reason)


def ledger(photos: Sequence[Photo], findings: Findings) -> list[Ledger]:
    """The rows of every photo in its place, each in exactly one state."""
    return [row for photo in photos for row in _rows(photo, findings)]


def _rows(photo: Photo, findings: Findings) -> list[Ledger]:
    if photo.error.startswith(SKIPPED):
        return [_without_crop(photo, "skipped", photo.error.removeprefix(SKIPPED))]
    if photo.error.startswith(DUPLICATE):
        return [_without_crop(photo, "duplicate", photo.error.removeprefix(DUPLICATE))]
    if photo.error:
        return [_without_crop(photo, "failed", photo.error)]
    if photo.photo in findings.failures:
        failure = findings.failures[photo.photo]
        return [_without_crop(photo, "failed", f"{failure.stage}: {failure.error}")]
    crops = findings.crops.get(photo.photo, ())
    if not crops:
        return [_without_crop(photo, "empty", "no fluke or dorsal fin found")]
    return [_of_crop(photo, crop, findings) for crop in crops]


def _without_crop(photo: Photo, state: str, reason: str) -> Ledger:
    return Ledger(photo.photo, photo.photo_id, photo.taken_at, photo.encounter, "", "", "", state, "", "", None, reason)


def _of_crop(photo: Photo, crop: Crop, findings: Findings) -> Ledger:
    view = findings.views.get(crop.crop)
    species = findings.species.get(crop.crop)
    seen = view.view if view else UNKNOWN
    kind = species.species if species else UNKNOWN
    known = photo.photo, photo.photo_id, photo.taken_at, photo.encounter, crop.crop, crop.part, seen
    answer = findings.decided.get(crop.crop) or findings.answer(crop.crop)
    return answered(Ledger(*known, "", kind, "", None, ""), answer)


def answered(row: Ledger, answer: Answer) -> Ledger:
    """The row of a crop with this answer."""
    said = {name: getattr(answer, name) for name in ("state", "individual", "probability", "reason")}
    return replace(row, **said)
