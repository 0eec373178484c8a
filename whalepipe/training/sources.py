"""What a card says of the data: where it came from, under which licence, and the command that uses it again."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from whalepipe.errors import WhalepipeError


def provenance(path: Path | None) -> Mapping[str, Mapping[str, str]]:
    """{folder name: {"source": ..., "licence": ...}} of a JSON file. Raises WhalepipeError where it cannot be read."""
    if path is None:
        return {}
    try:
        known: Mapping[str, Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WhalepipeError(f"{path}: cannot be read as JSON ({error})") from error
    return known


def portable(read: Sequence[Path]) -> Callable[[Path], str]:
    """How a card names the paths of `read`: from DATA, which stands for the folder that holds them all."""
    root = Path(os.path.commonpath([p.resolve() for p in read])) if read else Path.cwd()

    def named(path: Path) -> str:
        whole = path.resolve()
        # Where nothing holds them all, no more of this machine's folders is told than is needed.
        below = whole.relative_to(root) if root != Path(root.anchor) else Path(whole.parent.name, whole.name)
        return Path("DATA", below).as_posix()

    return named


def flags(options: object, names: Sequence[str]) -> list[str]:
    """`--name value` for options of numbers."""
    return [word for name in names for word in (f"--{name.replace('_', '-')}", str(getattr(options, name)))]
