"""Which photos were taken together: the same bytes twice, bursts and encounters."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from whalepipe.config import PhotosConfig
from whalepipe.tables import DUPLICATE, Photo

VERSION = 1


def arrange(photos: Sequence[Photo], config: PhotosConfig) -> list[Photo]:
    """The photos in the order of their paths, doubles marked, with the burst and the encounter of those with a time.

    A burst and an encounter are named after the time of their first photo. A photo without a time has neither.
    """
    marked = _mark_duplicates(sorted(photos, key=lambda p: p.photo))
    times = _times(marked)
    bursts = _groups(times, timedelta(seconds=config.burst_gap_s))
    encounters = _groups(times, timedelta(minutes=config.encounter_gap_min))
    return [replace(p, burst=bursts.get(p.photo, ""), encounter=encounters.get(p.photo, "")) for p in marked]


def in_time(photos: Sequence[Photo]) -> list[Photo]:
    """Those photos that have a time, the earliest first."""
    return [photo for _, photo in _times(photos)]


def _mark_duplicates(photos: Sequence[Photo]) -> list[Photo]:
    first: dict[str, str] = {}
    marked = []
    for photo in photos:
        original = first.setdefault(photo.photo_id, photo.photo) if photo.photo_id else photo.photo
        doubled = original != photo.photo
        marked.append(replace(photo, error=f"{DUPLICATE}the same bytes as {original}") if doubled else photo)
    return marked


def _times(photos: Sequence[Photo]) -> list[tuple[datetime, Photo]]:
    """Photos with comparable times, in their order. Local times where any camera wrote no offset, else UTC."""
    times = [(datetime.fromisoformat(p.taken_at), p) for p in photos if p.usable and p.taken_at]
    local = any(t.tzinfo is None for t, _ in times)
    times = [(t.replace(tzinfo=UTC) if local else t, p) for t, p in times]
    return sorted(times, key=lambda pair: (pair[0], pair[1].photo))


def _groups(times: Sequence[tuple[datetime, Photo]], gap: timedelta) -> dict[str, str]:
    """For each photo the time, as its camera wrote it, of the first photo of its group."""
    names: dict[str, str] = {}
    before: datetime | None = None
    name = ""
    for time, photo in times:
        if before is None or time - before > gap:
            name = photo.taken_at
        names[photo.photo] = name
        before = time
    return names
