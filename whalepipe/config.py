"""The configuration: one frozen dataclass a stage. Default < YAML file < flag; a default stands here only."""

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from whalepipe.errors import ConfigError


@dataclass(frozen=True)
class PhotosConfig:
    """Listing of the photos."""

    burst_gap_s: float = 3.0  # photos further apart than this are two bursts
    encounter_gap_min: float = 30.0  # and than this, two encounters
    max_megapixels: float = 400.0  # a picture that says it is larger is not decoded (decompression bombs)


@dataclass(frozen=True)
class DetectConfig:
    """Finding flukes and dorsal fins."""

    weights: str = "detector"  # a name in weights/ or the path of a .pt with its .json card beside it
    size: int = 960  # long side of the picture that the detector sees, pixels; a multiple of 32
    confidence: float = 0.25  # boxes below this are dropped
    overlap: float = 0.5  # of two boxes with a larger intersection over union, the less sure is dropped
    max_boxes: int = 50  # in one photo


@dataclass(frozen=True)
class CropConfig:
    """Cutting the crops from the full-size photo."""

    margin: float = 0.1  # of the box's width and height, on each side
    jpeg_quality: int = 95


@dataclass(frozen=True)
class EmbedConfig:
    """Turning crops into vectors."""

    weights: str = "embedder"


@dataclass(frozen=True)
class QualityConfig:
    """Least value of each measure (stages/quality.py says what they are) at which a crop is kept."""

    min_size: float = 48.0  # pixels: square root of the box's area in the full-size photo
    min_sharpness: float = 0.1
    min_exposure: float = 0.5
    min_contrast: float = 0.08
    min_completeness: float = 0.9


@dataclass(frozen=True)
class MatchConfig:
    """Naming the individual."""

    candidates: int = 10  # ranked individuals written for each crop, `new` among them
    prior_new: float = 0.5  # probability that an animal is new, before its crop is looked at
    identified_at: float = 0.8  # least probability of the best individual at which it is given as `identified`
    new_at: float = 0.8  # least probability of `new` at which a crop is given as `new`
    same_at: float = 0.5  # least probability of being one animal at which two new crops are grouped


@dataclass(frozen=True)
class Config:
    """All of it."""

    photos: PhotosConfig = field(default_factory=PhotosConfig)
    detect: DetectConfig = field(default_factory=DetectConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    match: MatchConfig = field(default_factory=MatchConfig)


T = TypeVar("T")


def load_config(path: Path | None) -> Config:
    """Read a YAML file over the defaults. Raises ConfigError: unreadable, unknown key, wrong type."""
    if path is None:
        return Config()
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    return _build(Config, data or {}, str(path))


def _build(kind: type[T], data: Any, where: str) -> T:
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected keys with values, found {data!r}")
    hints = typing.get_type_hints(kind)
    for key in data:
        if key not in hints:
            raise ConfigError(f"{where}: unknown key {key!r}; known are {', '.join(hints)}")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in data.items()})


def _value(hint: type, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value if value is not None else {}, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: expected a {hint.__name__}, found {value!r}")
    return value


def with_settings(config: Config, settings: Sequence[str]) -> Config:
    """The configuration with single settings changed, each written `stage.key=value`. Raises ConfigError."""
    for text in settings:
        name, equals, value = text.partition("=")
        stage, dot, key = name.strip().partition(".")
        if not (equals and dot):
            raise ConfigError(f"--set {text}: expected stage.key=value, such as quality.min_size=60")
        known = typing.get_type_hints(Config)
        if stage not in known:
            raise ConfigError(f"--set {text}: unknown stage {stage!r}; known are {', '.join(known)}")
        part = getattr(config, stage)
        changed = _build(type(part), {**dataclasses.asdict(part), key: _scalar(text, value)}, f"--set {text}")
        config = dataclasses.replace(config, **{stage: changed})
    return config


def _scalar(text: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text}: {value!r} is no number or word") from error
