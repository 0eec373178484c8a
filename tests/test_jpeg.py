"""JPEGs are decoded as Pillow decodes them, to the byte, whichever way they were written."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from whalepipe.errors import PhotoError
from whalepipe.jpeg import Canvas, decode_jpeg
from whalepipe.photos import TURNS, read_photo

WAYS = [{"subsampling": n} for n in range(3)] + [{"progressive": True}, {"quality": 20}, {"quality": 100}]


def picture(width: int, height: int) -> np.ndarray:
    """Coarse and fine structure in all colours."""
    coarse = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    fine = np.random.default_rng(1).integers(0, 40, (height, width, 3)).astype(np.uint8)
    return cv2.addWeighted(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0.8, fine, 1.0, 0.0)


def jpeg(pixels: np.ndarray, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def opened(data: bytes, width: int = 0, height: int = 0) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    if width:
        image.draft(None, (width, height))
    return image


@pytest.mark.parametrize("size", [(640, 427), (641, 427), (17, 5), (1, 1)])
@pytest.mark.parametrize(
    "options",
    [
        {"subsampling": 0},
        {"subsampling": 1},
        {"subsampling": 2},
        {"progressive": True},
        {"quality": 20},
        {"quality": 100},
    ],
    ids=str,
)
def test_the_same_bytes_as_pillow_gives(size: tuple[int, int], options: dict[str, Any]) -> None:
    data = jpeg(picture(*size), **options)
    for width in (0, size[0], size[0] // 2, size[0] // 3, size[0] // 7):
        found = decode_jpeg(data, opened(data, width, max(1, size[1] * width // size[0])))
        whole = np.asarray(opened(data, width, max(1, size[1] * width // size[0])))
        assert found is not None and np.array_equal(found, whole), width


def test_what_is_not_plain_is_left_to_pillow() -> None:
    plain = jpeg(picture(64, 48))
    assert decode_jpeg(plain, opened(plain)) is not None
    for data in (jpeg(picture(64, 48), "L"), jpeg(picture(64, 48), "CMYK")):
        assert decode_jpeg(data, opened(data)) is None
    assert decode_jpeg(plain[:-200], opened(plain[:-200])) is None
    with pytest.raises(PhotoError, match="cut short"):
        read_photo(plain[:-200])
    assert read_photo(jpeg(picture(64, 48), "L")).shape == (48, 64, 3)


def test_damage_that_pillow_forgives_is_forgiven() -> None:
    data = bytearray(jpeg(picture(320, 240)))
    middle = len(data) // 2
    data[middle : middle + 8] = bytes(8)
    before = np.asarray(opened(bytes(data)))
    assert np.array_equal(read_photo(bytes(data)), before)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_pillow_turns(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(picture(60, 40), exif=exif)
    turned = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }[orientation]  # fmt: skip
    image = opened(data)
    assert np.array_equal(read_photo(data), np.asarray(image if turned is None else image.transpose(turned)))
    assert (orientation in TURNS) == (orientation > 1)


def test_a_canvas_is_used_again_and_grows() -> None:
    canvas, small, large = Canvas(), jpeg(picture(64, 48)), jpeg(picture(640, 480))
    first = decode_jpeg(small, opened(small), canvas)
    assert first is not None
    kept = first.copy()
    decode_jpeg(large, opened(large), canvas)
    again = decode_jpeg(small, opened(small), canvas)
    assert again is not None and np.array_equal(again, kept)
    assert again.base is not None and np.shares_memory(again, canvas.take(1))
