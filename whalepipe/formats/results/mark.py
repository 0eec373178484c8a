"""Capture histories for Program MARK: an encounter histories file (.inp).

Cooch and White, "Program MARK: a gentle introduction", chapter 2: a line for each animal, the history, the number of
animals with it in the one group, a semicolon; comments between /* and */.
"""

from pathlib import Path

from whalepipe.files import write_aside
from whalepipe.formats.results.given import Given
from whalepipe.formats.results.histories import histories


def write(given: Given, path: Path) -> list[str]:
    """Write the file; returns what it has no place for. Raises ConfigError, StorageError."""
    found = histories(given)
    lines = [f"/* {found.part}; occasions: {_comment(', '.join(found.occasions))} */"]
    lines += [f"/* {_comment(who)} */ {found.history(captures)} 1;" for who, captures in found.seen]
    write_aside(path, ("\n".join(lines) + "\n").encode())
    return list(found.notes)


def _comment(text: str) -> str:
    """The text without what would end the comment or the line."""
    return " ".join(text.replace("*/", "* /").split())
