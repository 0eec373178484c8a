"""A photo as a camera would have written it."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD

from whalepipe.render import save_photo

GREY = np.full((40, 60, 3), 128, np.uint8)


def test_time_place_and_camera_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    at = datetime(2024, 7, 3, 9, 15, 2, 250_000, timezone(timedelta(hours=-3, minutes=-30)))
    save_photo(path, GREY, at, -33.8568, 151.2153, "Sea Camera 2")
    with Image.open(path) as photo:
        exif = photo.getexif()
        times, place = exif.get_ifd(IFD.Exif), exif.get_ifd(IFD.GPSInfo)
        assert photo.format == "JPEG"
        assert photo.size == (60, 40)
    assert exif[0x0110] == "Sea Camera 2"
    assert times[0x9003] == "2024:07:03 09:15:02"
    assert times[0x9291] == "250"
    assert times[0x9011] == "-03:30"
    assert (place[1], place[3]) == ("S", "E")
    assert tuple(float(v) for v in place[2]) == (33.0, 51.0, 24.48)
    assert tuple(float(v) for v in place[4]) == (151.0, 12.0, 55.08)


def test_utc_is_an_offset_and_a_naive_time_has_none(tmp_path: Path) -> None:
    save_photo(tmp_path / "utc.jpg", GREY, datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))
    save_photo(tmp_path / "naive.jpg", GREY, datetime(2024, 1, 2, 3, 4, 5))
    with Image.open(tmp_path / "utc.jpg") as photo:
        assert photo.getexif().get_ifd(IFD.Exif)[0x9011] == "+00:00"
    with Image.open(tmp_path / "naive.jpg") as photo:
        assert 0x9011 not in photo.getexif().get_ifd(IFD.Exif)


def test_what_is_not_known_is_not_written(tmp_path: Path) -> None:
    save_photo(tmp_path / "a.jpg", GREY)
    with Image.open(tmp_path / "a.jpg") as photo:
        assert dict(photo.getexif()) == {}
