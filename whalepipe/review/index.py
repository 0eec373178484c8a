"""The tables of a run as the page needs them, read once for each change of the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from whalepipe.boxes import crop_origin
from whalepipe.errors import WhalepipeError
from whalepipe.review.candidates import Candidates, columns_of
from whalepipe.stages.ledger import answered
from whalepipe.stages.listing import in_time
from whalepipe.tables import Answer, Crop, Detection, Ledger, Photo, read_table

TABLES = ("photos", "detections", "crops", "quality", "matches", "answers")  # what a run writes and nobody changes


@dataclass(frozen=True)
class Frame:
    """A crop of the run."""

    row: Ledger  # as the program alone would have it
    crop: Crop
    origin: str  # catalog.entries.Entry.origin: what makes it the same crop in the catalogue
    burst: str
    grade: float
    place: int  # among the photos, in the order of time


@dataclass(frozen=True)
class Index:
    """A run. `rows` are the ledger's, without any person's decision; the others are by crop or by photo."""

    rows: Sequence[Ledger]
    frames: Mapping[str, Frame]
    photos: Mapping[str, Photo]
    candidates: Candidates
    by_origin: Mapping[str, str]  # crop
    encounters: Mapping[str, Sequence[str]]  # crops, in the order of time
    parts: Sequence[str]
    stamp: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, out: Path) -> "Index":
        """The run in a folder. Raises WhalepipeError where it has none, or one that is being written."""
        stamp = stamp_of(out)
        answers = {a.crop: a for a in read_table(out / "answers.csv", Answer)}
        rows = [_alone(r, answers) for r in read_table(out / "ledger.csv", Ledger)]
        photos = read_table(out / "photos.csv", Photo)
        frames = _frames(out, rows, photos)
        encounters: dict[str, list[str]] = {}
        for frame in sorted(frames.values(), key=lambda f: (f.place, f.crop.photo, f.crop.box)):
            encounters.setdefault(frame.row.encounter, []).append(frame.crop.crop)
        return cls(
            rows=rows,
            frames=frames,
            photos={p.photo: p for p in photos},
            candidates=Candidates.read(out / "matches.csv"),
            by_origin={f.origin: name for name, f in frames.items()},
            encounters=encounters,
            parts=sorted({f.row.part for f in frames.values()}),
            stamp=stamp,
        )


def stamp_of(out: Path) -> tuple[tuple[int, int], ...]:
    """Changes whenever a run wrote its tables anew. Raises WhalepipeError where one is missing."""
    try:
        found = [(out / f"{name}.csv").stat() for name in TABLES]
    except OSError as error:
        raise WhalepipeError(f"{out} holds no whole results; do the run again, it goes on from where it was") from error
    return tuple((s.st_mtime_ns, s.st_size) for s in found)


def _alone(row: Ledger, answers: Mapping[str, Answer]) -> Ledger:
    return answered(row, answers[row.crop]) if row.crop in answers else row


def _frames(out: Path, rows: Sequence[Ledger], photos: Sequence[Photo]) -> dict[str, Frame]:
    grades = dict(columns_of(out / "quality.csv", "crop", "grade"))
    bursts, order = {p.photo: p.burst for p in photos}, {p.photo: n for n, p in enumerate(in_time(photos))}
    boxes = {(d.photo, d.box): d for d in read_table(out / "detections.csv", Detection)}
    said = {r.crop: r for r in rows if r.crop}
    return {
        c.crop: Frame(
            said[c.crop],
            c,
            crop_origin(c.photo_id, c.part, boxes[c.photo, c.box]),
            bursts.get(c.photo, ""),
            float(grades.get(c.crop) or 0.0),
            order.get(c.photo, len(order)),
        )
        for c in read_table(out / "crops.csv", Crop)
        if c.crop in said and (c.photo, c.box) in boxes
    }
