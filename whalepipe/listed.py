"""What the pipeline knows of a file before it is read, and how it reads it, wherever that lies."""

from pathlib import Path
from typing import Protocol

READ_WHOLE = 2**28  # bytes: a larger file is read piece by piece
CHANGED = "changed while the run was under way; run again"
Source = Path | bytes  # a photo's file, or what it holds


class File(Protocol):
    """A file below RAW_DIR, be that a folder or a part of a store (store.py)."""

    @property
    def photo(self) -> str:
        """Its path below RAW_DIR as text, "/" between its parts."""

    @property
    def note(self) -> str:
        """Why it is not read as a photo, if it is not."""

    @property
    def address(self) -> str:
        """Where it lies: with `state` it is known again."""

    @property
    def state(self) -> tuple[int, int | str]:
        """Its size in bytes, and what else tells that it has changed, as it was when it was listed."""

    def read(self) -> bytes | None:
        """What it holds; None where it is too large for that, or cannot be read. Raises PhotoError."""

    @property
    def source(self) -> Source:
        """What it is read from where `read` gives nothing. Raises PhotoError."""

    def check(self) -> None:
        """Raises PhotoError where it is gone or has changed since it was listed."""
