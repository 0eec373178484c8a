"""What a recipe says: a frozen dataclass for each of its parts, read strictly from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from whalepipe.config import build
from whalepipe.errors import ConfigError

FOLDER = Path(__file__).resolve().parent.parent.parent / "recipes"
LIKE = "like"  # the key that names the recipe of which one differs only in what it says


def _of(*values: str) -> Any:
    """A key with few values, the first by default."""
    return field(default=values[0], metadata={"choices": values})


def _from(default: Any, least: float, most: float = 1e6) -> Any:
    """A key with the range of values that make sense."""
    return field(default=default, metadata={"range": (least, most)})


@dataclass(frozen=True)
class Shown:
    """What is done to every crop, in training and ever after."""

    size: int = _from(224, 8, 4096)  # side of the square that it is squashed to, pixels
    normalised: str = _of("own", "imagenet")  # own: as the backbone's own weights want it
    noise: str = _of("kept", "gaussian")  # gaussian: smoothed away
    haze: str = _of("kept", "dark_channel")  # dark_channel: taken away, see models/inputs.py
    mask: str = _of("none", "fourth_channel")  # fourth_channel: which pixels show the animal, by a network of its own


@dataclass(frozen=True)
class Backbone:
    """The network that sees."""

    name: str = "tf_efficientnet_lite0"  # of timm's, or `plain` (two convolutions), or `alexnet` (torchvision's)
    pretrained: str = _of("imagenet", "none")
    initial: str = _of("usual", "xavier")  # how what is not pretrained begins
    drop_path: float = _from(0.0, 0, 1)


@dataclass(frozen=True)
class Mask:
    """How the network learns that finds the animal's mask, where that is shown: on rendered crops, before all else."""

    photos: int = _from(300, 1)  # rendered ones
    epochs: int = _from(8, 1)
    rate: float = _from(1e-3, 0, 10)
    size: int = _from(160, 32, 4096)  # side of the crops, pixels


@dataclass(frozen=True)
class Freezing:
    """Which stages of the backbone stay as they are; the stem is the first."""

    first: int = _from(0, 0)  # so many from the first on; more than there are: all of them
    but_last: int = _from(0, 0)  # above 0: all but the last so many, in place of `first`
    until: float = _from(1.0, 0, 1)  # share of the training after which all are trained; 1: never
    then: float = _from(1.0, 0, 1)  # times this the rate is from then on


@dataclass(frozen=True)
class Head:
    """What comes behind the backbone."""

    pooling: str = _of("mean", "gem")
    hidden: int = _from(0, 0)  # units of a fully connected layer; 0: none
    dropout: float = _from(0.0, 0, 0.99)
    dimension: int = _from(0, 0)  # of the vector, by a linear layer; 0: what was before is the vector
    neck: str = _of("none", "norm")  # norm: batch normalisation behind the linear layer
    whitened: int = _from(0, 0)  # above 0: the linear layer is replaced in the end, see training/whiten.py


@dataclass(frozen=True)
class Loss:
    """How much each loss counts (0: not at all), and what they need."""

    softmax: float = _from(0.0, 0)  # cross-entropy of a linear classifier
    focal: float = _from(0.0, 0)  # of the same classifier's answers
    arcface: float = _from(0.0, 0)
    triplet: float = _from(0.0, 0)  # on the vector, before any classifier
    species: float = _from(0.0, 0)  # ArcFace once more, on the species
    smoothing: float = _from(0.0, 0, 0.99)  # of the labels, for softmax
    gamma: float = _from(2.0, 0)  # of focal
    margin: float = _from(28.6, 0, 90)  # of ArcFace, degrees
    scale: float = _from(64.0, 0.1)
    centers: int = _from(1, 1)  # of each class, for ArcFace
    dynamic: float = _from(0.0, 0, 90)  # degrees that the margin of the rarest class is larger by; 0: all alike
    rate: float = _from(1.0, 0)  # times this is the rate of what tells classes
    gap: float = _from(1.0, 0)  # margin of triplets
    distance: str = _of("euclidean", "cosine")  # of triplets
    mining: str = _of("all", "hard")  # hard: for each crop its farthest like and its nearest unlike


@dataclass(frozen=True)
class Sampling:
    """What is shown how often."""

    each: int = _from(0, 0)  # above 0: batches of so many crops of each class in them
    mirrored: str = _of("none", "individuals")  # individuals: mirror images are crops of further ones
    copies: int = _from(1, 1, 1000)  # above 1: each training crop that often, changed once and for all, after the split
    rare: int = _from(1, 1, 1000)  # above 1: the same, the more often the rarer its individual is; this at most
    fin: float = _from(1.0, 0)  # weights of crops by what they show: fins,
    body: float = _from(1.0, 0)  # bodies,
    whole: float = _from(1.0, 0)  # and all else


@dataclass(frozen=True)
class Augmentation:
    """How far or how often (a share of the crops) a crop is changed. Nothing is, by default."""

    rotation: float = _from(0.0, 0, 180)  # degrees
    shift: float = _from(0.0, 0, 1)  # of the side
    zoom: float = _from(0.0, 0, 0.99)  # of the size
    brightness: float = _from(0.0, 0, 1)
    contrast: float = _from(0.0, 0, 1)
    saturation: float = _from(0.0, 0, 1)
    hue: float = _from(0.0, 0, 0.5)
    flip: float = _from(0.0, 0, 1)
    grey: float = _from(0.0, 0, 1)
    blur: float = _from(0.0, 0, 1)
    motion: float = _from(0.0, 0, 1)  # blur of a moved camera
    coarse: float = _from(0.0, 0, 1)  # made small and large again
    clahe: float = _from(0.0, 0, 1)
    erased: float = _from(0.0, 0, 1)  # a rectangle of it
    cropped: float = _from(0.0, 0, 1)  # to a part of it, a half of it at least


@dataclass(frozen=True)
class Schedule:
    """How it is trained."""

    optimizer: str = _of("adam", "adamw", "sgd")
    rate: float = _from(1e-3, 0, 10)
    decay: float = _from(0.0, 0, 1)
    shape: str = _of("constant", "cosine", "plateau")  # of the rate; cosine with a warm-up, plateau: a fifth of it then
    patience: int = _from(3, 1)  # epochs without a better loss on what is held out, for `plateau`
    stop: int = _from(0, 0)  # epochs without a better one after which it ends; 0: never
    keep: str = _of("last", "best")  # epoch
    epochs: int = _from(10, 1)
    batch: int = _from(32, 2)
    workers: int = _from(0, 0, 64)  # processes that change crops
    averaged: float = _from(0.0, 0, 0.99999)  # what a step leaves of the running mean of the weights; 0: no mean
    first: str = _of("individuals", "species")  # species: their classifier is trained first, on the same crops
    checkpoints: str = _of("last", "each")  # each: every epoch's is kept


@dataclass(frozen=True)
class Split:
    """What is held out of each class: one part of so many, near-duplicates together."""

    parts: int = _from(5, 2, 1000)
    by: str = _of("individual", "species")  # the class within which it is parted
    more_than: int = _from(1, 1)  # photos: of individuals with no more of them nothing is held out
    folds: int = _from(1, 1, 1000)  # how many of the parts are held out in turn


@dataclass(frozen=True)
class Answer:
    """How a crop is answered once it is trained."""

    by: str = _of("classifier", "nearest", "vote", "blend")
    neighbours: int = _from(20, 1)  # crops that are looked at, for all but `classifier`
    distance: str = _of("cosine", "euclidean")
    blend: float = _from(0.5, 0, 1)  # share of the neighbours in a blend with the classifier
    flipped: str = _of("single", "mean")  # mean: of the vectors of a crop and its mirror image
    pseudo: float = _from(0.9, 0, 1)  # least probability of a pseudo-label


@dataclass(frozen=True)
class Recipe:
    """All of it."""

    name: str
    follows: str  # the published result
    says: str = ""  # its figures, on its own data
    shown: Shown = field(default_factory=Shown)
    mask: Mask = field(default_factory=Mask)
    backbone: Backbone = field(default_factory=Backbone)
    freezing: Freezing = field(default_factory=Freezing)
    head: Head = field(default_factory=Head)
    loss: Loss = field(default_factory=Loss)
    sampling: Sampling = field(default_factory=Sampling)
    augmentation: Augmentation = field(default_factory=Augmentation)
    schedule: Schedule = field(default_factory=Schedule)
    split: Split = field(default_factory=Split)
    answer: Answer = field(default_factory=Answer)


def names() -> list[str]:
    """The recipes that travel with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_recipe(name: str) -> Recipe:
    """A recipe by its name, or a YAML file of one's own.

    Raises ConfigError: unknown name, unreadable file, unknown key, wrong value, a recipe without a loss.
    """
    path = _find(name)
    recipe = build(Recipe, {**_merged(path, ()), "name": path.stem}, str(path))
    if not any((recipe.loss.softmax, recipe.loss.focal, recipe.loss.arcface, recipe.loss.triplet)):
        raise ConfigError(f"{path}: a recipe without a loss; give one of softmax, focal, arcface, triplet a weight")
    return recipe


def _find(name: str) -> Path:
    if name in names():
        return FOLDER / f"{name}.yaml"
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    raise ConfigError(f"no recipe {name!r}; known are {', '.join(names())}, or give a .yaml file")


def _merged(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The keys of a file over those of the one that it is `like`."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected keys with values, found {data!r}")
    if LIKE not in data:
        return data
    if path in seen:
        raise ConfigError(f"{path}: is like itself")
    return _over(_merged(_find(str(data.pop(LIKE))), (*seen, path)), data)


def _over(base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: {**base[k], **v} for k, v in data.items() if isinstance(v, dict) and isinstance(base.get(k), dict)}
    return {**base, **data, **both}


def changed(
    recipe: Recipe,
    backbone: str | None = None,
    size: int | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    workers: int | None = None,
) -> Recipe:
    """A recipe with what the command line says otherwise; with another backbone it freezes what it says of its own."""
    given = {"epochs": epochs, "batch": batch, "workers": workers}
    schedule: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    recipe = replace(recipe, schedule=replace(recipe.schedule, **schedule))
    if size is not None:
        recipe = replace(recipe, shown=replace(recipe.shown, size=size))
    if backbone is not None:
        recipe = replace(recipe, backbone=replace(recipe.backbone, name=backbone))
    return recipe
