import io
import struct
from fractions import Fraction
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from whalepipe.exif import Facts, exif_for_crop, read_facts, read_orientation

DETAILS, PLACE = IFD.Exif, IFD.GPSInfo


def photo(tags: dict[int, Any] | None = None, details: Any = None, place: Any = None) -> Image.Image:
    """A JPEG with this EXIF, opened."""
    exif = Image.Exif()
    exif.update(tags or {})
    exif.get_ifd(DETAILS).update(details or {})
    exif.get_ifd(PLACE).update(place or {})
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif.tobytes())
    return Image.open(io.BytesIO(out.getvalue()))


def taken(text: str, fraction: str = "", offset: str = "") -> str:
    details = {Base.DateTimeOriginal: text, Base.SubsecTimeOriginal: fraction, Base.OffsetTimeOriginal: offset}
    return read_facts(photo(details=details)).taken_at


@pytest.mark.parametrize(
    ("text", "fraction", "offset", "expected"),
    [
        ("2024:05:01 10:20:30", "", "", "2024-05-01T10:20:30"),
        ("2024:05:01 10:20:30", "7", "", "2024-05-01T10:20:30.700"),
        ("2024:05:01 10:20:30", "07", "", "2024-05-01T10:20:30.070"),
        ("2024:05:01 10:20:30", "999999", "", "2024-05-01T10:20:30.999"),
        ("2024:05:01 10:20:30", "²", "", "2024-05-01T10:20:30"),
        ("2024:05:01 10:20:30", "", "+02:00", "2024-05-01T10:20:30+02:00"),
        ("2024:05:01 10:20:30", "5", "-09:30", "2024-05-01T10:20:30.500-09:30"),
        ("2024:05:01 10:20:30", "", "+0530", "2024-05-01T10:20:30+05:30"),
        ("2024:05:01 10:20:30", "", "+02", "2024-05-01T10:20:30+02:00"),
        ("2024:05:01 10:20:30", "", "Z", "2024-05-01T10:20:30+00:00"),
        ("2024:05:01 10:20:30", "", "+99:00", "2024-05-01T10:20:30"),
        ("2024:05:01 10:20:30", "", "   :  ", "2024-05-01T10:20:30"),
        ("0000:00:00 00:00:00", "", "", ""),
        ("0001:01:01 00:00:00", "", "+02:00", ""),
        ("    :  :     :  :  ", "", "", ""),
        ("yesterday", "", "", ""),
        ("2024:02:30 10:20:30", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_time(text: str, fraction: str, offset: str, expected: str) -> None:
    assert taken(text, fraction, offset) == expected


def test_time_of_digitising_stands_in_but_not_that_of_editing() -> None:
    assert read_facts(photo(details={Base.DateTimeDigitized: "2024:05:01 10:20:30"})).taken_at == "2024-05-01T10:20:30"
    assert read_facts(photo({Base.DateTime: "2024:05:01 10:20:30"})).taken_at == ""


def place(latitude: Any, longitude: Any, north: Any = "N", east: Any = "E") -> tuple[float | None, float | None]:
    values = {GPS.GPSLatitudeRef: north, GPS.GPSLatitude: latitude, GPS.GPSLongitudeRef: east}
    facts = read_facts(photo(place={**values, GPS.GPSLongitude: longitude}))
    return facts.latitude, facts.longitude


def test_place() -> None:
    assert place((52.0, 30.0, 36.0), (4.0, 15.0, 0.0)) == (52.51, 4.25)
    assert place((33.0, 30.0, 0.0), (70.0, 45.0, 0.0), "S", "W") == (-33.5, -70.75)
    assert place((33.0, 30.0, 0.0), (70.0, 45.0, 0.0), "s", "w") == (-33.5, -70.75)
    assert place((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) == (None, None)
    assert place((0.0, 0.0, 0.0), (30.0, 0.0, 0.0)) == (0.0, 30.0)
    assert place((91.0, 0.0, 0.0), (30.0, 0.0, 0.0)) == (None, None)
    assert read_facts(photo(place={GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (1.0, 2.0, 3.0)})).latitude is None


def test_a_place_of_zero_over_zero_is_none() -> None:
    from PIL.TiffImagePlugin import IFDRational

    nothing = (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))
    assert place(nothing, (Fraction(30), 0, 0)) == (None, None)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON CORPORATION NIKON D850"),
        ("SONY", "ILCE-1", "SONY ILCE-1"),
        ("Canon\0\0", " EOS\n5 ", "Canon EOS 5"),
        ("", "", ""),
    ],
)
def test_camera(make: str, model: str, camera: str) -> None:
    assert read_facts(photo({Base.Make: make, Base.Model: model})).camera == camera


def test_a_value_of_the_wrong_kind_does_not_cost_the_others() -> None:
    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        return struct.pack("<HHII", tag, kind, count, value)

    head = b"II*\0" + struct.pack("<IH", 8, 1) + entry(0x8769, 4, 1, 26) + struct.pack("<I", 0)
    details = struct.pack("<H", 2) + entry(0x8827, 2, 5, 76) + entry(0x9003, 2, 20, 56) + struct.pack("<I", 0)
    exif = b"Exif\0\0" + head + details + b"2024:05:01 10:20:30\0" + b"auto\0"
    source = Image.open(io.BytesIO(_with(exif)))
    assert source.getexif().get_ifd(DETAILS)[0x8827] == "auto"  # the film speed, which is a number
    assert read_facts(Image.open(io.BytesIO(_with(exif_for_crop(source))))).taken_at == "2024-05-01T10:20:30"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_broken_exif_gives_no_facts_and_no_error() -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    image = Image.open(io.BytesIO(out.getvalue()))
    assert read_facts(image) == Facts()
    assert read_orientation(image) == 1
    assert Image.open(io.BytesIO(_with(exif_for_crop(image)))).getexif()[Base.Orientation] == 1


@pytest.mark.parametrize(("value", "expected"), [(6, 6), (0, 1), (9, 1), (65_535, 1)])
def test_orientation(value: Any, expected: int) -> None:
    assert read_orientation(photo({Base.Orientation: value})) == expected


def _with(exif: bytes) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_crop_keeps_time_camera_and_place_but_not_the_turn_and_the_bulk() -> None:
    source = photo(
        {Base.Orientation: 6, Base.Make: "Canon", Base.Model: "R5", Base.ImageDescription: "x" * 60_000},
        {
            Base.DateTimeOriginal: "2024:05:01 10:20:30",
            Base.SubsecTimeOriginal: "07",
            Base.OffsetTimeOriginal: "+02:00",
        },
        {
            GPS.GPSLatitudeRef: "S",
            GPS.GPSLatitude: (33.0, 30.0, 0.0),
            GPS.GPSLongitudeRef: "W",
            GPS.GPSLongitude: (70.0, 45.0, 0.0),
        },
    )
    crop = Image.open(io.BytesIO(_with(exif_for_crop(source))))
    assert read_orientation(crop) == 1
    assert read_facts(crop) == Facts("2024-05-01T10:20:30.070+02:00", -33.5, -70.75, "Canon R5")
    assert read_facts(crop) == read_facts(source)
    assert Base.ImageDescription not in crop.getexif()


def test_maker_notes_and_long_comments_do_not_cost_the_time() -> None:
    source = photo(details={Base.DateTimeOriginal: "2024:05:01 10:20:30", Base.MakerNote: b"m" * 30_000})
    kept = exif_for_crop(source)
    assert len(kept) < 1000
    assert read_facts(Image.open(io.BytesIO(_with(kept)))).taken_at == "2024-05-01T10:20:30"
