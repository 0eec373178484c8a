"""What a card says of the data: where it came from, under which licence, and the command that uses it again."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whalepipe.errors import WhalepipeError

Known = Mapping[str, Mapping[str, Any]]


def provenance(path: Path | None) -> Known:
    """{folder name: {"source": ..., "licence": ..., "limits": {kind of weights: [...]}}} of a JSON file.

    `limits`, what weights made from that folder cannot do, may be absent. Raises WhalepipeError where the file cannot
    be read.
    """
    if path is None:
        return {}
    try:
        known: Known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WhalepipeError(f"{path}: cannot be read as JSON ({error})") from error
    return known


def account(known: Known, name: str, licence: str = "not stated") -> dict[str, Any]:
    """Source and licence of a folder, as a card gives them."""
    entry = known.get(name, {"source": name, "licence": licence})
    return {key: value for key, value in entry.items() if key != "limits"}


def limits(known: Known, names: Sequence[str], kind: str) -> list[str]:
    """What weights of this kind cannot do since they were made from these folders."""
    return [limit for name in names for limit in known.get(name, {}).get("limits", {}).get(kind, ())]


def folder_name(table: Path) -> str:
    """The name under which a card tells where a table comes from: that of its folder."""
    return table.resolve().parent.name


def portable(read: Sequence[Path]) -> Callable[[Path], str]:
    """How a card names the paths of `read`: from the working folder, or from DATA, which holds all that lie elsewhere.

    The command is to be run where it was run: in a checkout of the project, whose own labels it may read.
    """
    here = Path.cwd().resolve()
    elsewhere = [p.resolve() for p in read if not p.resolve().is_relative_to(here)]
    root = Path(os.path.commonpath(elsewhere)) if elsewhere else here

    def named(path: Path) -> str:
        whole = path.resolve()
        if whole.is_relative_to(here):
            return whole.relative_to(here).as_posix()
        # Where nothing holds them all, no more of this machine's folders is told than is needed.
        below = whole.relative_to(root) if root != Path(root.anchor) else Path(whole.parent.name, whole.name)
        return Path("DATA", below).as_posix()

    return named


def flags(options: object, names: Sequence[str]) -> list[str]:
    """`--name value` for options of numbers."""
    return [word for name in names for word in (f"--{name.replace('_', '-')}", str(getattr(options, name)))]
