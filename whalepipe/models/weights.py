"""Weights files and their cards. A file is opened only after its bytes were found to be those that its card names.

NAME.pt holds a plain dictionary of tensors (`weights_only=True` loads it, no code runs); NAME.json, its card, says
what it is: kind, sha256, architecture, what it was trained on and under which licence, figures, how to train it
again, what it cannot do.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whalepipe.errors import WeightsError
from whalepipe.files import digest, write_aside

if TYPE_CHECKING:
    import torch

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Weights:
    """A weights file that is what its card says."""

    path: Path
    digest: str  # sha256 of the file, hex
    card: Mapping[str, Any]
    joined: "tuple[Weights, ...]" = ()  # the files that these are, where they are several: see ensemble.py


def shipped_folder() -> Path:
    """Where the shipped weights lie: inside the installed package, or at the top of a checkout."""
    installed = PACKAGE / "weights"
    return installed if installed.is_dir() else PACKAGE.parent / "weights"


def find_weights(name: str, kind: str) -> Weights:
    """The weights of this name among the shipped ones, or at this path, checked against their card.

    Raises WeightsError where the file or its card is missing, is of another kind, or differs from the card's digest.
    """
    shipped = shipped_folder() / f"{name}.pt"
    path = shipped if _is_file(shipped) else Path(name)
    if not _is_file(path):
        raise WeightsError(f"no weights {name!r}: neither shipped in {shipped.parent} nor a file")
    card = read_card(path.with_suffix(".json"))
    if card.get("kind") != kind:
        raise WeightsError(f"{path}: its card says it is a {card.get('kind')!r}, a {kind!r} is needed")
    try:
        found = digest(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if found != card.get("sha256"):
        raise WeightsError(f"{path}: damaged or replaced, not the file that its card names; restore it")
    return Weights(path, found, card)


def ships(name: str) -> bool:
    """Whether weights of this name are among the shipped ones."""
    return _is_file(shipped_folder() / f"{name}.pt")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, a folder without permission
        return False


def read_card(path: Path) -> dict[str, Any]:
    """What a card says. Raises WeightsError where it cannot be read or is none."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: the weights' card cannot be read ({error})") from error
    if not isinstance(card, dict):
        raise WeightsError(f"{path}: not a card: expected a JSON object")
    return card


def load_state(weights: Weights) -> "dict[str, torch.Tensor]":
    """The tensors of a weights file, in 32-bit floats. Raises WeightsError where it is no dictionary of tensors."""
    import torch

    data = weights.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != weights.digest:
        raise WeightsError(f"{weights.path}: changed while it was being read; run again")
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}
    except Exception as error:  # torch raises many kinds for a bad file
        raise WeightsError(f"{weights.path}: cannot be loaded ({error})") from error


def load_into(network: "torch.nn.Module", weights: Weights, otherwise: str) -> None:
    """Fill a network. Raises WeightsError, which says `otherwise`, where the tensors are not its own."""
    fill(network, load_state(weights), weights, otherwise)


def fill(network: "torch.nn.Module", state: "Mapping[str, torch.Tensor]", weights: Weights, otherwise: str) -> None:
    """As `load_into`, with these tensors of the file."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"{weights.path}: {otherwise}") from error


def save_weights(path: Path, state: "Mapping[str, torch.Tensor]", card: Mapping[str, Any]) -> Weights:
    """Write tensors (as 16-bit floats, half the size) and their card, its sha256 filled in. Raises StorageError.

    Tensors with a number too large for 16 bits stay as they are.
    """
    import torch

    tensors = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    halves = {k: v.half() for k, v in tensors.items() if v.is_floating_point()}
    tensors |= {k: h for k, h in halves.items() if torch.equal(h.isinf(), tensors[k].isinf())}
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    data = buffer.getvalue()
    return _written(path, data, {**card, "sha256": hashlib.sha256(data).hexdigest()})


def save_recarded(path: Path, weights: Weights, card: Mapping[str, Any]) -> Weights:
    """Write the very bytes of a weights file under another card: it stays the same digest. Raises StorageError.

    Raises WeightsError where the file is no longer what its card says, or `path` would be that of a card.
    """
    if path.suffix != ".pt":
        raise WeightsError(f"{path}: weights end in .pt; their card goes beside them, with .json")
    data = weights.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != weights.digest:
        raise WeightsError(f"{weights.path}: changed while it was being read; run again")
    return _written(path, data, {**card, "sha256": weights.digest})


def _written(path: Path, data: bytes, card: Mapping[str, Any]) -> Weights:
    write_aside(path, data)
    write_aside(path.with_suffix(".json"), (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
    return Weights(path, card["sha256"], card)
