"""More photos than there are: copies whose bytes differ by a comment, since equal bytes are known to the cache."""

from pathlib import Path

from whalepipe.errors import WhalepipeError
from whalepipe.files import storing
from whalepipe.photos import Found

START, COMMENT = b"\xff\xd8", b"\xff\xfe"  # markers of a JPEG


def commented(data: bytes, text: str) -> bytes:
    """A JPEG with a comment at its beginning; its pixels and what the camera wrote stay. Raises ValueError if none."""
    if not data.startswith(START):
        raise ValueError("no JPEG")
    said = text.encode()
    return START + COMMENT + (len(said) + 2).to_bytes(2, "big") + said + data[len(START) :]


def copy_photos(found: list[Found], folder: Path, times: int) -> list[Path]:
    """Write so many copies of each photo into a folder. Raises WhalepipeError for one that is no JPEG."""
    made = []
    for number, file in enumerate(found):
        for copy in range(times):
            path = folder / f"{number:05}-{copy:04}.jpg"
            try:
                data = commented(file.path.read_bytes(), f"copy {copy}")
            except (OSError, ValueError) as error:
                raise WhalepipeError(
                    f"{file.path}: only JPEGs can be copied for length ({error}); leave it out"
                ) from error
            with storing(path):
                path.write_bytes(data)
            made.append(path)
    return made
