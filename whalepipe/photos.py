"""Photos: what lies in a folder, what the camera wrote, and the pixels, upright.

Nothing here writes. A file that cannot be used gets its cause as text; only `read_photo` raises, and only PhotoError.
"""

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from whalepipe.config import PhotosConfig
from whalepipe.errors import PhotoError
from whalepipe.exif import Facts, exif_for_crop, read_facts, read_orientation
from whalepipe.files import digest
from whalepipe.jpeg import Canvas, decode_jpeg
from whalepipe.listed import CHANGED, READ_WHOLE, File, Source
from whalepipe.pixels import TURNS, load, to_rgb
from whalepipe.tables import SKIPPED, Photo

JPEGS = ("JPEG", "MPO")
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")  # multi-picture JPEGs open as JPEG
ENDINGS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp"})
RAW_ENDINGS = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf"}
    | {".raw", ".rw2", ".sr2", ".srw", ".x3f"}
)
HEIF_ENDINGS = frozenset({".heic", ".heif", ".hif", ".avif"})

# The limit is checked here, before decoding, with a message that says how to raise it.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Found:
    """A file below a folder."""

    photo: str
    path: Path
    size: int = 0
    changed_ns: int = 0
    note: str = ""

    @property
    def address(self) -> str:
        """Its whole path."""
        return str(self.path.absolute())

    @property
    def state(self) -> tuple[int, int]:
        """Its size, and when it was changed."""
        return self.size, self.changed_ns

    def read(self) -> bytes | None:
        """See `File`; the cause why it cannot be read is told by who reads `source`."""
        if self.size > READ_WHOLE:
            return None
        try:
            return self.path.read_bytes()
        except OSError:
            return None

    @property
    def source(self) -> Path:
        """The file itself."""
        return self.path

    def check(self) -> None:
        """See `File`."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise PhotoError(f"gone while the run was under way ({error.strerror})") from error
        if (status.st_size, status.st_mtime_ns) != self.state:
            raise PhotoError(CHANGED)


def scan(root: Path) -> list[Found]:
    """Every file below `root`, in the order of their paths. Links out of the folder and to folders are not followed."""
    return sorted(_walk(root, root.resolve()), key=lambda f: f.photo)


def _walk(top: Path, root: Path) -> Iterator[Found]:
    folders = [(top, "")]
    while folders:  # a list, not recursion: folders may lie deeper in one another than Python's calls can
        folder, below = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            yield Found(as_text(below) or ".", folder, note=f"the folder cannot be opened ({error.strerror})")
            continue
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append((Path(entry.path), name))
            else:
                yield _found(entry, root, as_text(name))


def as_text(name: str) -> str:
    """A file's name as text that UTF-8 can hold: bytes that are no UTF-8 are written as \\xNN.

    A name that has such bytes, or looks as if, has its backslashes doubled, so that no two names give one text.
    """
    if re.search(r"[\udc80-\udcff]|\\x[0-9a-f]{2}", name):
        name = name.replace("\\", "\\\\")
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _found(entry: os.DirEntry[str], root: Path, photo: str) -> Found:
    path = Path(entry.path)
    try:
        if entry.is_symlink():
            note = _link_note(path, root)
            if note:
                return Found(photo, path, note=SKIPPED + note)
        status = path.stat()
    except OSError as error:
        return Found(photo, path, note=f"cannot be read ({error.strerror})")
    note = kind_note(path) if stat.S_ISREG(status.st_mode) else "not a regular file"
    return Found(photo, path, status.st_size, status.st_mtime_ns, SKIPPED + note if note else "")


def _link_note(path: Path, root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links that lead round in a circle
        return "a link that leads nowhere"
    if not target.is_relative_to(root):
        return "a link out of the folder"
    return "a link to a folder" if target.is_dir() else ""


def kind_note(path: PurePath) -> str:
    """Why a file of that name is not read as a photo; empty where it is."""
    ending = path.suffix.lower()
    if path.name.startswith("._"):
        return "not a photo (a side file of macOS)"
    if ending in ENDINGS:
        return ""
    if ending in RAW_ENDINGS or ending in HEIF_ENDINGS:
        return f"{ending} photos cannot be read yet; export them as JPEG beside the originals"
    return f"not a photo ({ending or 'no ending'})"


def describe(found: File, config: PhotosConfig, data: bytes | None = None) -> Photo:
    """Digest, size and EXIF facts of a file, or of its `data`; where it is no readable photo, the cause in `error`."""
    if found.note:
        return Photo(found.photo, error=found.note)
    try:
        source = found.source if data is None else data
        photo_id = digest(source) if isinstance(source, Path) else hashlib.sha256(source).hexdigest()
    except OSError as error:
        return Photo(found.photo, error=f"cannot be read ({error.strerror})")
    except PhotoError as error:
        return Photo(found.photo, error=str(error))
    try:
        width, height, facts = _header(source, config)
    except PhotoError as error:
        return Photo(found.photo, photo_id, error=str(error))
    return Photo(found.photo, photo_id, width, height, facts.taken_at, facts.latitude, facts.longitude, facts.camera)


def _header(source: Source, config: PhotosConfig) -> tuple[int, int, Facts]:
    with _opened(source, config.max_megapixels) as image:
        width, height = _upright_size(image)
        return width, height, read_facts(image)


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height of a photo, upright, from its header alone. Raises PhotoError."""
    with _opened(path, float("inf")) as image:
        return _upright_size(image)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    # Pillow's newer versions give the upright size of a TIFF, all others give sizes as stored.
    tags = getattr(image, "tag_v2", {})
    width, height = tags.get(256, image.width), tags.get(257, image.height)
    return (height, width) if read_orientation(image) >= 5 else (width, height)


def _opened(source: Source, max_megapixels: float) -> Image.Image:
    """The picture with its header read. Raises PhotoError."""
    try:
        if not (source.stat().st_size if isinstance(source, Path) else source):
            raise PhotoError("the file is empty")
        image = Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise PhotoError("not a picture: its content is no JPEG, PNG, TIFF or WebP that can be read") from error
    except PhotoError:
        raise
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise PhotoError(f"cannot be opened ({plain(error)})") from error
    megapixels = image.width * image.height / 1e6
    if megapixels > max_megapixels:
        raise PhotoError(
            f"{image.width} x {image.height} pixels is more than photos.max_megapixels ({max_megapixels:g}) allows"
        )
    return image


def read_photo(
    source: Source, max_side: int | None = None, max_megapixels: float = 400.0, canvas: Canvas | None = None
) -> NDArray[np.uint8]:
    """The pixels of a photo, upright: (height, width, 3) uint8 RGB.

    `max_side` (pixels) asks for a picture whose longer side is at most that; a JPEG is then decoded at a fraction of
    its size, which is several times faster. With `canvas` they may lie there, until it is used again. Raises PhotoError
    where the file cannot be decoded whole.
    """
    with _opened(source, max_megapixels) as image:
        try:
            if max_side is not None and max(image.size) > max_side:
                image.draft(None, fitted(image.width, image.height, max_side))
            pixels = decode_jpeg(_bytes(source), image, canvas) if image.format in JPEGS else None
            if pixels is None:
                pixels = load(image)
            orientation = read_orientation(image)  # after loading: Pillow turns a TIFF then, and takes the tag off
            if max_side is not None and max(pixels.shape) > max_side:
                small = fitted(pixels.shape[1], pixels.shape[0], max_side)
                pixels = np.asarray(Image.fromarray(pixels).resize(small, Image.Resampling.BOX))
            turned = TURNS[orientation](pixels) if orientation in TURNS else pixels
            return np.asarray(turned, dtype=np.uint8)
        except Exception as error:  # a decoder may raise anything on a damaged file
            raise PhotoError(f"cannot be decoded ({plain(error)})") from error


def _bytes(source: Source) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source


def read_keepsakes(source: Source) -> tuple[bytes, bytes | None]:
    """The EXIF and the colour profile that a crop takes over from its photo. Raises PhotoError."""
    with _opened(source, float("inf")) as image:
        return exif_for_crop(image), _rgb_profile(image.info.get("icc_profile"))


def _rgb_profile(profile: bytes | None) -> bytes | None:
    """The profile if it speaks of RGB; one of CMYK or grey would falsify the crop, which is RGB."""
    return profile if profile and profile[16:20] == b"RGB " else None


def encode_jpeg(pixels: NDArray[np.uint8], quality: int, exif: bytes = b"", profile: bytes | None = None) -> bytes:
    """(height, width, 3) uint8 RGB as the bytes of a JPEG without colour subsampling.

    Raises PhotoError where a JPEG cannot hold it (a side above 65,500 pixels).
    """
    out = io.BytesIO()
    try:
        Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=0, exif=exif, icc_profile=profile)
    except (OSError, ValueError) as error:
        raise PhotoError(f"its crop cannot be saved as JPEG ({plain(error)})") from error
    return out.getvalue()


def inside(root: Path, name: str) -> Path:
    """The file that a table names below `root`. Raises PhotoError where there is none or it lies outside `root`."""
    path = root / name
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise PhotoError(f"{name} leads out of {root}")
        found = path.is_file()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have; links in a circle
        found = False
    if not found:
        raise PhotoError(f"{name} is not in {root}")
    return path


def decode(data: bytes) -> NDArray[np.uint8]:
    """The pixels of a picture in memory, (height, width, 3) uint8 RGB. Raises PhotoError."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return np.asarray(to_rgb(image), dtype=np.uint8)
    except Exception as error:  # a decoder may raise anything on damaged bytes
        raise PhotoError(f"cannot be decoded ({plain(error)})") from error


def fitted(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Width and height, in pixels, scaled so that the longer side is `max_side`; at least 1 each."""
    scale = max_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def plain(error: Exception) -> str:
    """What an error of a library says, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "the file is cut short: " + text if "truncated" in text.lower() else text
