"""Capture histories for the R packages RMark and marked: a text file with tabs between its columns.

RMark's `import.chdata(file, field.types=c("n", "s"))` reads it: the first column is `ch`, the history, then `freq`,
the number of animals with it, and others, here `id` (Laake 2013, "RMark: an R interface for analysis of capture-
recapture data with MARK"). marked's `process.data` takes the same as `read.delim(file, colClasses=c(ch="character"))`.
"""

from pathlib import Path

from whalepipe.files import write_aside
from whalepipe.formats.results.given import Given
from whalepipe.formats.results.histories import histories


def write(given: Given, path: Path) -> list[str]:
    """Write the file; returns what it has no place for. Raises ConfigError, StorageError."""
    found = histories(given)
    lines = ["ch\tfreq\tid", *(f"{found.history(c)}\t1\t{' '.join(who.split())}" for who, c in found.seen)]
    write_aside(path, ("\n".join(lines) + "\n").encode())
    return [*found.notes, "the names of the occasions are left out"]
