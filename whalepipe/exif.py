"""What the camera wrote into a photo: time, place, camera, orientation; and what of it a crop keeps."""

import contextlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

# Tags of the first directory that say who, when and with what; the rest of it describes the file's own layout.
KEPT = (
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.Copyright,
)
# Blocks that are large, or point to bytes of the original file.
DROPPED = (Base.MakerNote, Base.ExifInteroperabilityOffset)
EARLIEST_YEAR = 1800  # a photo from before is one of a camera whose clock was never set
LONGEST = 4096  # bytes of a value that a crop keeps; a JPEG holds 64 KiB of EXIF in all


@dataclass(frozen=True)
class Facts:
    """Time as ISO 8601 (empty where unknown), degrees north and east, camera."""

    taken_at: str = ""
    latitude: float | None = None
    longitude: float | None = None
    camera: str = ""


def read_facts(image: Image.Image) -> Facts:
    """The facts that a photo's EXIF gives; a damaged or missing EXIF gives none, never an error."""
    with contextlib.suppress(Exception):  # EXIF of a damaged file may raise anything
        exif = image.getexif()
        return Facts(_taken_at(exif), *_place(exif), _camera(exif))
    return Facts()


def read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) to 8; 1 where it is absent or damaged."""
    with contextlib.suppress(Exception):
        value = int(image.getexif().get(Base.Orientation, 1))
        return value if 1 <= value <= 8 else 1
    return 1


def exif_for_crop(image: Image.Image) -> bytes:
    """The photo's EXIF as a crop keeps it: orientation 1, without maker notes and thumbnails."""
    kept = Image.Exif()
    with contextlib.suppress(Exception):
        source = image.getexif()
        for tag in KEPT:
            if tag in source and _writable(None, tag, source[tag]):
                kept[tag] = source[tag]
        for directory in (IFD.Exif, IFD.GPSInfo):
            found = source.get_ifd(directory).items()
            values = {k: v for k, v in found if k not in DROPPED and _writable(directory, k, v)}
            if values:
                kept.get_ifd(directory).update(values)
        kept[Base.Orientation] = 1
        return kept.tobytes()
    upright = Image.Exif()
    upright[Base.Orientation] = 1
    return upright.tobytes()


def _writable(directory: IFD | None, tag: int, value: Any) -> bool:
    """Whether a value can be written, and is not too long: one that the camera garbled must not cost the others."""
    alone = Image.Exif()
    try:
        (alone if directory is None else alone.get_ifd(directory))[tag] = value
        return len(alone.tobytes()) <= LONGEST
    except Exception:  # Pillow raises many kinds
        return False


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return " ".join(text.replace("\0", " ").split())


def _camera(exif: Image.Exif) -> str:
    make, model = _text(exif.get(Base.Make)), _text(exif.get(Base.Model))
    return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()


def _taken_at(exif: Image.Exif) -> str:
    details = exif.get_ifd(IFD.Exif)
    for tag, fraction, offset in (
        (Base.DateTimeOriginal, Base.SubsecTimeOriginal, Base.OffsetTimeOriginal),
        (Base.DateTimeDigitized, Base.SubsecTimeDigitized, Base.OffsetTimeDigitized),
    ):
        moment = _moment(_text(details.get(tag)), _text(details.get(fraction)), _text(details.get(offset)))
        if moment is not None:
            return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return ""


def _moment(text: str, fraction: str, offset: str) -> datetime | None:
    try:
        moment = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:  # absent, or the all-zero date of a camera whose clock was never set
        return None
    if moment.year < EARLIEST_YEAR:
        return None
    if fraction.isdecimal():
        moment += timedelta(milliseconds=math.floor(float(f"0.{fraction}") * 1000 + 1e-6))
    return moment.replace(tzinfo=_offset(offset))


def _offset(text: str) -> timezone | None:
    try:
        sign = {"+": 1, "-": -1}[text[0]]
        digits = text[1:].replace(":", "")
        hours, minutes = int(digits[:2]), int(digits[2:4] or 0)
        return timezone(sign * timedelta(hours=hours, minutes=minutes))
    except (IndexError, KeyError, ValueError):
        return UTC if text == "Z" else None


def _place(exif: Image.Exif) -> tuple[float | None, float | None]:
    gps = exif.get_ifd(IFD.GPSInfo)
    latitude = _degrees(gps.get(GPS.GPSLatitude), _text(gps.get(GPS.GPSLatitudeRef)), "S", 90.0)
    longitude = _degrees(gps.get(GPS.GPSLongitude), _text(gps.get(GPS.GPSLongitudeRef)), "W", 180.0)
    # A receiver without a fix writes zeros: the Gulf of Guinea, where the photo was not taken.
    if latitude is None or longitude is None or (latitude == 0.0 and longitude == 0.0):
        return None, None
    return latitude, longitude


def _degrees(parts: Any, reference: str, negative: str, limit: float) -> float | None:
    if not parts:
        return None
    with contextlib.suppress(Exception):
        degrees, minutes, seconds = (float(p) for p in (*parts, 0, 0)[:3])
        value = degrees + minutes / 60 + seconds / 3600
        value = -value if reference.upper() == negative else value
        return round(value, 6) if abs(value) <= limit else None
    return None
