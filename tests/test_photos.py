import os
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import fakes
from whalepipe.config import PhotosConfig
from whalepipe.errors import PhotoError
from whalepipe.photos import Found, describe, encode_jpeg, fitted, inside, read_keepsakes, read_photo, scan


def bomb(path: Path, side: int = 60_000) -> Path:
    """A PNG of 100 bytes that claims to be `side` x `side`."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def found(path: Path) -> Found:
    [only] = [f for f in scan(path.parent) if f.path == path]
    return only


def error_of(path: Path) -> str:
    return describe(found(path), PhotosConfig()).error


def test_scan_finds_every_file_in_the_order_of_its_path(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/z.JPEG", "a/y/x.TiF", "c.webp", ".hidden.png"):
        fakes.save(tmp_path / name, fakes.sea())
    assert [(f.photo, f.note) for f in scan(tmp_path)] == [
        (".hidden.png", ""), ("a/y/x.TiF", ""), ("a/z.JPEG", ""), ("b.jpg", ""), ("c.webp", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("notes.txt", "skipped: not a photo (.txt)"),
        ("README", "skipped: not a photo (no ending)"),
        ("IMG.CR2", "skipped: .cr2 photos cannot be read yet; export them as JPEG beside the originals"),
        ("IMG.heic", "skipped: .heic photos cannot be read yet; export them as JPEG beside the originals"),
        ("._IMG.jpg", "skipped: not a photo (a side file of macOS)"),
    ],
)
def test_scan_says_why_a_file_is_not_read(tmp_path: Path, name: str, note: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert [f.note for f in scan(tmp_path)] == [note]


def test_scan_follows_no_link_out_of_the_folder_and_none_to_a_folder(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    fakes.save(tmp_path / "outside.jpg", fakes.sea())
    fakes.save(raw / "sub" / "in.jpg", fakes.sea())
    (raw / "out.jpg").symlink_to(tmp_path / "outside.jpg")
    (raw / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (raw / "within.jpg").symlink_to(raw / "sub" / "in.jpg")
    (raw / "circle").symlink_to(raw)
    (raw / "round.jpg").symlink_to(raw / "dnuor.jpg")
    (raw / "dnuor.jpg").symlink_to(raw / "round.jpg")
    assert {f.photo: f.note for f in scan(raw)} == {
        "circle": "skipped: a link to a folder",
        "dnuor.jpg": "skipped: a link that leads nowhere",
        "gone.jpg": "skipped: a link that leads nowhere",
        "out.jpg": "skipped: a link out of the folder",
        "round.jpg": "skipped: a link that leads nowhere",
        "sub/in.jpg": "",
        "within.jpg": "",
    }


def test_scan_opens_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert [f.note for f in scan(tmp_path)] == ["skipped: not a regular file"]


def test_scan_goes_deeper_than_python_can_call(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(os.open("deep.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        assert [f.photo for f in scan(tmp_path)] == ["d/" * 1100 + "deep.txt"]
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # pytest's own cleaning up cannot go so deep


def test_no_two_names_give_one_text(tmp_path: Path) -> None:
    names = [b"\xff.jpg", rb"\xff.jpg", rb"\\xff.jpg", b"\\\xff.jpg", rb"a\b.jpg", "ü.jpg".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"")
    texts = {os.fsencode(f.path.name): f.photo for f in scan(tmp_path)}
    assert texts[b"\xff.jpg"] == r"\xff.jpg"
    assert texts[rb"a\b.jpg"] == r"a\b.jpg"
    assert texts["ü.jpg".encode()] == "ü.jpg"
    assert len(set(texts.values())) == len(names)


def test_an_unreadable_folder_with_a_strange_name_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe"))
    locked.mkdir()
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [(f.photo, f.note) for f in scan(tmp_path)] == [(r"\xfe", "the folder cannot be opened (Permission denied)")]


def test_describe_an_ordinary_photo(tmp_path: Path) -> None:
    path = fakes.save(tmp_path / "a.png", fakes.sea())
    photo = describe(found(path), PhotosConfig())
    assert (photo.photo, photo.width, photo.height, photo.error) == ("a.png", 240, 160, "")
    assert len(photo.photo_id) == 64
    assert photo.usable
    assert not photo.failed


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (4, 4)).save(tmp_path / "gif.jpg", "GIF")
    assert error_of(tmp_path / "empty.jpg") == "the file is empty"
    expected = "not a picture: its content is no JPEG, PNG, TIFF or WebP that can be read"
    assert error_of(tmp_path / "text.jpg") == expected
    assert error_of(tmp_path / "gif.jpg") == expected
    expected = "60000 x 60000 pixels is more than photos.max_megapixels (400) allows"
    assert error_of(bomb(tmp_path / "bomb.png")) == expected
    with pytest.raises(PhotoError, match="max_megapixels"):
        read_photo(tmp_path / "bomb.png")


def test_a_truncated_jpeg_is_not_taken_for_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = fakes.save(tmp_path / "a.jpg", rng.integers(0, 255, (200, 300, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:20_000])
    for max_side in (None, 100):
        with pytest.raises(PhotoError, match="cut short"):
            read_photo(path, max_side)


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_other_truncated_formats_raise(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(0)
    path = fakes.save(tmp_path / f"a.{ending}", rng.integers(0, 255, (200, 300, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoError):
        read_photo(path)


def saved(path: Path, image: Image.Image) -> list[int]:
    image.save(path)
    pixels = read_photo(path)
    assert pixels.shape == (image.height, image.width, 3)
    assert pixels.dtype == np.uint8
    return [int(v) for v in pixels[0, 0]]


def test_every_kind_of_pixel_becomes_rgb_of_8_bits(tmp_path: Path) -> None:
    sixteen = np.full((4, 6), 32_768, dtype=np.uint16)
    palette = Image.new("P", (6, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert saved(tmp_path / "grey.png", Image.new("L", (6, 4), 77)) == [77, 77, 77]
    assert saved(tmp_path / "bit.png", Image.new("1", (6, 4), 1)) == [255, 255, 255]
    assert saved(tmp_path / "grey16.png", Image.fromarray(sixteen)) == [128, 128, 128]
    assert saved(tmp_path / "grey16.tif", Image.fromarray(sixteen)) == [128, 128, 128]
    assert saved(tmp_path / "float.tif", Image.fromarray(np.full((4, 6), 0.5, dtype=np.float32))) == [128, 128, 128]
    assert saved(tmp_path / "palette.png", palette) == [10, 20, 30]
    palette.info["transparency"] = 0
    assert saved(tmp_path / "transparent.png", palette) == [10, 20, 30]
    assert saved(tmp_path / "alpha.png", Image.new("RGBA", (6, 4), (10, 20, 30, 40))) == [10, 20, 30]
    assert saved(tmp_path / "grey-alpha.png", Image.new("LA", (6, 4), (77, 40))) == [77, 77, 77]
    assert saved(tmp_path / "cmyk.tif", Image.new("CMYK", (6, 4), (0, 255, 255, 0))) == [255, 0, 0]
    red = saved(tmp_path / "cmyk.jpg", Image.new("CMYK", (6, 4), (0, 255, 255, 0)))
    assert red[0] > 245
    assert max(red[1:]) < 10


def test_the_smallest_and_the_longest_picture(tmp_path: Path) -> None:
    tiny = fakes.save(tmp_path / "tiny.png", fakes.sea(width=1, height=1))
    long = fakes.save(tmp_path / "long.jpg", fakes.sea(width=30_000, height=20))
    assert read_photo(tiny, 960).shape == (1, 1, 3)
    assert read_photo(long).shape == (20, 30_000, 3)
    assert read_photo(long, 960).shape == (1, 960, 3)
    assert fitted(30_000, 20, 960) == (960, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_all_orientations_give_the_same_upright_pixels(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = fakes.sea(fakes.Animal(16, 16, 64, 48, 3), width=96, height=80)
    turned = upright  # what a camera held so stores, by the EXIF standard's table of row 0 and column 0
    if orientation in (5, 6, 7, 8):
        turned = turned.transpose(1, 0, 2)
    turned = {
        1: turned, 2: turned[:, ::-1], 3: turned[::-1, ::-1], 4: turned[::-1],
        5: turned, 6: turned[::-1], 7: turned[::-1, ::-1], 8: turned[:, ::-1],
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if ending == "webp" else {}
    path = tmp_path / f"a.{ending}"
    fakes.save(path, np.ascontiguousarray(turned), exif=exif, **options)
    photo = describe(found(path), PhotosConfig())
    assert (photo.width, photo.height) == (96, 80)
    pixels = read_photo(path)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < (4 if ending == "jpg" else 0.01)
    assert read_photo(path, 48).shape == (40, 48, 3)


def test_a_profile_that_is_not_rgb_is_not_kept(tmp_path: Path) -> None:
    def profile(space: bytes) -> bytes:
        return b"\0" * 16 + space + b"\0" * 108

    Image.new("CMYK", (8, 8)).save(tmp_path / "cmyk.jpg", icc_profile=profile(b"CMYK"))
    Image.new("RGB", (8, 8)).save(tmp_path / "rgb.jpg", icc_profile=profile(b"RGB "))
    assert read_keepsakes(tmp_path / "cmyk.jpg")[1] is None
    assert read_keepsakes(tmp_path / "rgb.jpg")[1] == profile(b"RGB ")


def test_a_crop_too_long_for_jpeg_is_the_photos_failure() -> None:
    with pytest.raises(PhotoError, match="cannot be saved as JPEG"):
        encode_jpeg(np.zeros((1, 70_000, 3), dtype=np.uint8), 95)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "sub/../../secret.jpg", "out.jpg"])
def test_inside_refuses_a_path_that_leads_out(tmp_path: Path, name: str) -> None:
    fakes.save(tmp_path / "secret.jpg", fakes.sea())
    (tmp_path / "raw" / "sub").mkdir(parents=True)
    (tmp_path / "raw" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(PhotoError, match="leads out of"):
        inside(tmp_path / "raw", name)


@pytest.mark.parametrize("name", ["none.jpg", "x" * 300, "a\0b.jpg", "", "circle"])
def test_inside_names_what_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(PhotoError, match="is not in"):
        inside(tmp_path, name)
