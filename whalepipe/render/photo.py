"""Writing a rendered photo as a camera would."""

from datetime import datetime
from pathlib import Path

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from .texture import Array


def save_photo(
    path: str | Path,
    image: Array,
    taken_at: datetime | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
    camera: str = "",
    quality: int = 90,
) -> None:
    """Write `image` (height, width, 3) uint8 RGB as a JPEG with EXIF.

    The time is written with its sub-seconds, and with its offset if `taken_at` has a zone; `latitude` and
    `longitude` are degrees, north and east positive, and go together. Raises OSError if the file cannot be written.
    """
    exif = Image.Exif()
    if camera:
        exif[Base.Model] = camera
    if taken_at is not None:
        exif.get_ifd(IFD.Exif).update(_time(taken_at))
    if latitude is not None and longitude is not None:
        exif.get_ifd(IFD.GPSInfo).update(_place(latitude, longitude))
    Image.fromarray(image).save(path, "JPEG", quality=quality, exif=exif)


def _time(taken_at: datetime) -> dict[int, str]:
    tags = {
        int(Base.DateTimeOriginal): taken_at.strftime("%Y:%m:%d %H:%M:%S"),
        int(Base.SubsecTimeOriginal): f"{taken_at.microsecond:06d}"[:3],
    }
    if taken_at.utcoffset() is not None:
        tags[int(Base.OffsetTimeOriginal)] = taken_at.isoformat()[-6:]
    return tags


def _place(latitude: float, longitude: float) -> dict[int, object]:
    return {
        int(GPS.GPSLatitudeRef): "N" if latitude >= 0 else "S",
        int(GPS.GPSLatitude): _sexagesimal(abs(latitude)),
        int(GPS.GPSLongitudeRef): "E" if longitude >= 0 else "W",
        int(GPS.GPSLongitude): _sexagesimal(abs(longitude)),
    }


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    """Return degrees, minutes, seconds, the seconds to a hundredth (about 30 cm)."""
    hundredths = round(degrees * 360000)
    return float(hundredths // 360000), float(hundredths // 6000 % 60), hundredths % 6000 / 100
