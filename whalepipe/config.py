"""The configuration: one frozen dataclass a stage. Default < YAML file < flag; a default stands here only."""

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from whalepipe.errors import ConfigError

LONGEST_LIST = 50  # candidates: nobody looks at more of them for each crop


def _number(default: Any, least: float, most: float) -> Any:
    """A field with the range of values that make sense."""
    return field(default=default, metadata={"range": (least, most)})


def _choice(*values: str) -> Any:
    """A field with few values, the first by default."""
    return field(default=values[0], metadata={"choices": values})


def _share(default: float) -> Any:
    return _number(default, 0.0, 1.0)


@dataclass(frozen=True)
class PhotosConfig:
    """Listing of the photos."""

    burst_gap_s: float = _number(3.0, 0.0, 1e6)  # photos further apart than this are two bursts
    encounter_gap_min: float = _number(30.0, 0.0, 1e6)  # and than this, two encounters
    max_megapixels: float = _number(400.0, 0.001, 1e5)  # a picture that says it is larger (a bomb?) is not decoded


@dataclass(frozen=True)
class DetectConfig:
    """Finding flukes and dorsal fins."""

    weights: str = "detector"  # a name in weights/ or the path of a .pt with its .json card beside it
    size: int = _number(960, 32, 8192)  # long side of the picture that the detector sees, pixels; a multiple of 32
    confidence: float = _share(0.4)  # boxes below this are dropped
    overlap: float = _share(0.4)  # of two boxes with a larger intersection over union, the less sure is dropped
    max_boxes: int = _number(50, 1, 10_000)  # in one photo
    tighten: str = _choice("auto", "none")  # auto: boxes of flukes are drawn anew around what is seen of them
    silhouette: str = "silhouette"  # the weights that see it
    # What runs the networks, all of them. auto: on a processor onnx, else openvino, where it is installed; else torch.
    backend: str = _choice("auto", "onnx", "openvino", "tensorrt", "torch")
    # What is looked at closer in photos at least twice as long as `size`: where a distant animal is suspected, nothing,
    # or all of it in full size, which takes some thirty times as long.
    tiles: str = _choice("auto", "none", "all")


@dataclass(frozen=True)
class CropConfig:
    """Cutting the crops from the full-size photo."""

    margin: float = _number(0.1, 0.0, 10.0)  # of the box's width and height, on each side
    jpeg_quality: int = _number(95, 1, 100)


@dataclass(frozen=True)
class EmbedConfig:
    """Turning crops into vectors."""

    weights: str = "embedder"  # a name in weights/ or the path of a .pt with its card; several, with commas, are joined
    blend: str = _choice("vote", "sum")  # several: each network alike, or by how steep its calibration is


@dataclass(frozen=True)
class ViewConfig:
    """Telling which side of the animal is seen."""

    tell: str = _choice("auto", "none")  # auto: of dorsal fins, by their outline
    silhouette: str = "silhouette"  # the weights that see it
    sure_at: float = _share(0.9)  # least probability of a side at which it is given


@dataclass(frozen=True)
class QualityConfig:
    """Which crops are kept: by limits of single measures (stages/quality.py says what they are), and by their grade."""

    weights: str = "quality"  # what grades: shipped weights by name, or a path; `none`: the limits alone
    keep_right: float = _share(0.0)  # of the good crops the grade is to keep so many; 0: the limits alone decide
    min_size: float = _number(60.0, 0.0, 1e5)  # pixels: square root of the box's area in the full-size photo
    # Of crops below that less than half as many find their animal as of sharp ones: scripts/limits_trial.py.
    min_sharpness: float = _share(0.115)
    min_exposure: float = _share(0.5)
    min_contrast: float = _share(0.08)
    min_completeness: float = _share(0.9)
    silhouette: str = "silhouette"  # weights that tell how marked fins are and what the frame cuts; `none`: neither is


@dataclass(frozen=True)
class SpeciesConfig:
    """Naming the species."""

    weights: str = "species"  # where none ship under this name, every species is `unknown`
    named_at: float = _share(0.8)  # least probability of the best species at which it is given
    candidates: int = _number(5, 0, 10_000)  # ranked species written for each crop


@dataclass(frozen=True)
class MatchConfig:
    """Naming the individual."""

    candidates: int = _number(10, 2, 10_000)  # ranked individuals written for each crop, `new` among them
    looked_at: int = _number(20, 0, 10_000)  # individuals, the likeliest, whose crops are compared point by point
    crops_each: int = _number(4, 1, 1000)  # crops of each of them, the nearest
    silhouette: str = "silhouette"  # weights that tell an animal's outline: shipped ones by name, or a path
    prior_new: float = _share(0.5)  # probability that an animal is new, before its crop is looked at
    identified_at: float = _share(0.8)  # least probability of the best individual at which it is given as `identified`
    false_match_rate: float = _share(0.0)  # expected wrong names among the `identified`; 0: `identified_at` decides
    miss_rate: float = _share(0.0)  # expected known animals not among the candidates; 0: `candidates` of each
    # exact: every crop is compared; approximate: an index says which individuals are worth it and the others' part in
    # the probabilities is estimated; auto: exact up to 100,000 crops of a part, or without the extra `search`.
    search: str = _choice("auto", "exact", "approximate")
    pool: str = _choice("burst", "none")  # burst: crops of one that follow the same animal share a list of candidates
    new_at: float = _share(0.8)  # least probability of `new` at which a crop is given as `new`
    same_at: float = _number(0.5, 0.001, 0.999)  # least probability of being one animal at which new crops are grouped

    @property
    def named_at(self) -> float:
        """Least probability at which a name is given without a look."""
        return 1 - self.false_match_rate if self.false_match_rate else self.identified_at

    @property
    def ranked(self) -> int:
        """How many answers are ranked for each crop, `new` among them."""
        return max(self.candidates, LONGEST_LIST + 1) if self.miss_rate else self.candidates

    @property
    def ranking(self) -> "MatchConfig":
        """What the ranked candidates depend on; the rest, which is decided by them, at its default."""
        default = MatchConfig(candidates=self.ranked)
        kept = ("looked_at", "crops_each", "silhouette", "prior_new")
        return dataclasses.replace(default, **{name: getattr(self, name) for name in kept})


@dataclass(frozen=True)
class Config:
    """All of it."""

    photos: PhotosConfig = field(default_factory=PhotosConfig)
    detect: DetectConfig = field(default_factory=DetectConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    view: ViewConfig = field(default_factory=ViewConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    species: SpeciesConfig = field(default_factory=SpeciesConfig)
    match: MatchConfig = field(default_factory=MatchConfig)


T = TypeVar("T")
KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "a text"}


def load_config(path: Path | None) -> Config:
    """Read a YAML file over the defaults. Raises ConfigError: unreadable, unknown key, wrong type."""
    if path is None:
        return Config()
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8; a date such as 2024-13-01
        raise ConfigError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    return config_of({} if data is None else data, str(path))


def config_of(data: Any, where: str) -> Config:
    """The configuration of keys with values, as `asdict` makes them; `where` names their file. Raises ConfigError."""
    return build(Config, data, where)


def build(kind: type[T], data: Any, where: str) -> T:
    """A dataclass of settings from keys and values; `where` names their source. Raises ConfigError."""
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected keys with values, found {data!r}")
    hints = typing.get_type_hints(kind)
    for key in data:
        if key not in hints:
            raise ConfigError(f"{where}: unknown key {key!r}; known are {', '.join(hints)}")
    values = {key: _value(hints[key], value, f"{where}: {key}") for key, value in data.items()}
    for f in dataclasses.fields(typing.cast("Any", kind)):
        _check_range(values.get(f.name), f.metadata.get("range"), f"{where}: {f.name}")
        _check_choice(values.get(f.name), f.metadata.get("choices"), f"{where}: {f.name}")
    return kind(**{key: float(value) if hints[key] is float else value for key, value in values.items()})


def _value(hint: type, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(hint, value if value is not None else {}, where)
    if not isinstance(value, (int, float) if hint is float else hint) or isinstance(value, bool):
        raise ConfigError(f"{where}: expected {KINDS.get(hint, hint.__name__)}, found {value!r}")
    return value


def _check_range(value: Any, limits: tuple[float, float] | None, where: str) -> None:
    if value is not None and limits and not limits[0] <= value <= limits[1]:
        raise ConfigError(f"{where}: {value} is not between {limits[0]:g} and {limits[1]:g}")


def _check_choice(value: Any, choices: Sequence[str] | None, where: str) -> None:
    if value is not None and choices and value not in choices:
        raise ConfigError(f"{where}: {value!r} is none of {', '.join(choices)}")


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
        given = value if typing.get_type_hints(type(part)).get(key) is str else _scalar(text, value)
        changed = build(type(part), {**dataclasses.asdict(part), key: given}, f"--set {text}")
        config = dataclasses.replace(config, **{stage: changed})
    return config


def _scalar(text: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"--set {text}: {value!r} is no number or word") from error
