"""Exported forms of weights that came without one, in the user's cache by the digest of the weights: made once, by
export.py, where torch and onnx are there to make them, and run (exported.py) as those that ship are."""

import importlib.metadata
import importlib.util
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from whalepipe.errors import StorageError
from whalepipe.files import digest, user_cache, write_aside
from whalepipe.models.weights import Weights

log = logging.getLogger(__name__)
VERSION = 1  # changes with what export.py makes of the same weights
FOLDER = "exported"
MAKERS = ("onnx", "torch")
NEEDED = (*MAKERS, "onnxruntime")  # to make one and to compare it with the weights
# What the card of each kind says that can be exported; without it there is nothing to try.
SAYS = {
    "detector": ("architecture", "parts"),
    "embedder": ("backbone", "dimension", "size"),
    "silhouette": ("figures",),
}


def keep(weights: Weights) -> Weights | None:
    """The form of weights that is kept, or is made and kept now; None where there can be none, and torch runs them.

    Making one takes some seconds. Why it failed is said once and kept too: it is tried again by other versions of what
    makes it.
    """
    if not _exportable(weights.card):
        return None
    path = user_cache() / FOLDER / f"{weights.digest}-{VERSION}.onnx"
    told = _told(path)
    if "sha256" in told and path.is_file() and digest(path) == told["sha256"]:
        return Weights(path, told["sha256"], {})
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return None if missing or told.get("failed_with") == _makers() else _make(weights, path)


def _exportable(card: Mapping[str, Any]) -> bool:
    """Whether there is something to try: not where crops are cleaned before (`shown`), which the form does not do."""
    says = SAYS.get(card.get("kind", ""))
    networks = (card, *card.get("beside", ()))
    return says is not None and all(key in card for key in says) and not any("shown" in one for one in networks)


def _told(path: Path) -> dict[str, Any]:
    """What the card beside a kept form says; nothing where there is none."""
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _makers() -> dict[str, str]:
    """Versions of what makes a form."""
    return {name: importlib.metadata.version(name) for name in MAKERS}


def _make(weights: Weights, path: Path) -> Weights | None:
    from whalepipe.models.export import make_form

    try:
        made = make_form(weights, path)
        _tell(path, {"of": weights.path.name, "sha256": made.digest})
    except StorageError as error:
        log.warning("%s: its exported form, which is faster, cannot be kept (%s); torch runs it", weights.path, error)
    except Exception as error:  # of many kinds: a network that the exporter does not know, or that fits no card
        reason = " ".join(str(error).split())[:200]
        log.warning("%s: cannot be exported (%s); torch runs it, slower", weights.path, reason)
        with suppress(StorageError):
            _tell(path, {"of": weights.path.name, "failed_with": _makers(), "why": reason})
    else:
        return made
    return None


def _tell(path: Path, told: dict[str, Any]) -> None:
    write_aside(path.with_suffix(".json"), json.dumps(told).encode())
