"""What a person reads: progress on stderr, results on stdout."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import typer

from whalepipe.errors import WhalepipeError

T = TypeVar("T")
MOST_LINES = 20  # of a list on the screen; the tables hold the rest


def say(text: str = "") -> None:
    """A line on stdout."""
    typer.echo(_printable(text))


def say_row(*cells: str) -> None:
    """A line of cells with tabs between them, and none inside them."""
    typer.echo("\t".join(_printable(" ".join(cell.split())) for cell in cells))


def complain(text: str) -> None:
    """One line on stderr."""
    typer.echo(f"whalepipe: {' '.join(_printable(text).split())}", err=True)


def _printable(text: str) -> str:
    """Text that a terminal can show: file names may hold what its encoding cannot, or control characters."""
    shown = "".join(c if c.isprintable() or c in "\n" else f"\\x{ord(c):02x}" for c in text)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def say_some(lines: Sequence[str]) -> None:
    """The first of many lines, and how many more there are."""
    for line in lines[:MOST_LINES]:
        say("  " + line.replace("\n", "\\n"))
    if len(lines) > MOST_LINES:
        say(f"  and {len(lines) - MOST_LINES} more")


def progress(quiet: bool) -> Callable[[str, Sequence[Any]], Iterable[Any]]:
    """A bar on a terminal, a plain line elsewhere, nothing if `quiet`."""
    if quiet:
        return lambda _stage, items: items
    return _bar if sys.stderr.isatty() else _line


def _bar(stage: str, items: Sequence[T]) -> Iterable[T]:
    from rich.console import Console
    from rich.progress import track

    return track(items, description=f"{stage:>9}", console=Console(stderr=True), transient=False)


def _line(stage: str, items: Sequence[T]) -> Iterable[T]:
    typer.echo(f"{stage}: {len(items)}", err=True)
    return items


def need_extra(name: str, error: ImportError) -> WhalepipeError:
    """What to say where an optional package is missing."""
    return WhalepipeError(f"this needs the package {error.name!r}: pip install 'whalepipe[{name}]'")
