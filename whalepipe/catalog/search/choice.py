"""Which search, and where the index of one lies."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path

from whalepipe.catalog.place import Place, called
from whalepipe.errors import ConfigError
from whalepipe.files import user_cache

EXACT_UP_TO = 100_000  # crops of one part: beyond, `auto` takes an index
AUTO, APPROXIMATE = "auto", "approximate"
LIBRARY = "faiss"


def by_index(search: str, crops: Mapping[str, int]) -> frozenset[str]:
    """The parts that are searched with an index, by `MatchConfig.search` and how many crops there are of each.

    Raises ConfigError where it is asked for and FAISS is missing.
    """
    least = {AUTO: EXACT_UP_TO + 1, APPROXIMATE: 1}.get(search)
    installed = importlib.util.find_spec(LIBRARY) is not None
    if search == APPROXIMATE and not installed:
        raise ConfigError("match.search=approximate needs the package 'faiss-cpu': pip install 'whalepipe[search]'")
    return frozenset(part for part, count in crops.items() if installed and least is not None and count >= least)


def index_folder(place: Place, weights: str, part: str) -> Path:
    """Where the index of a part lies: beside a catalogue in a file, for one on a server among the user's caches."""
    name = hashlib.sha256(json.dumps([weights, part]).encode()).hexdigest()[:16]
    return _home(place) / name


def _home(place: Place) -> Path:
    if isinstance(place, Path) and os.access(place.absolute().parent, os.W_OK):
        return place.with_name(f"{place.name}.search")
    named = called(place) if isinstance(place, str) else str(place.absolute())
    return user_cache() / "search" / hashlib.sha256(named.encode()).hexdigest()[:16]
