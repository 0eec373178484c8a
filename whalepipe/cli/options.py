"""The options that commands share, and how they become a job."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.errors import ConfigError, WhalepipeError

if TYPE_CHECKING:
    from whalepipe.config import Config
    from whalepipe.engines import Engine as WorkEngine
    from whalepipe.store import Origin, Store


class Engine(StrEnum):
    """Where the work is done."""

    local = "local"
    ray = "ray"


class Device(StrEnum):
    """What the models run on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


RawDir = Annotated[Path, typer.Argument(help="The folder of photos; sub-folders are read too. Never written to.")]
Photos = Annotated[
    str, typer.Argument(help="The folder of photos, or its URL; sub-folders are read too. Never written to.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Where results go.  [default: whalepipe-out/NAME]")]
CatalogPath = Annotated[
    str | None, typer.Option("--catalog", help="The catalogue of known individuals: an SQLite file or postgresql://...")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file with settings that differ from default.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, such as quality.min_size=60; may be repeated.")
]
Boxes = Annotated[Path | None, typer.Option("--boxes", help="CSV of boxes drawn by hand, in place of the detector.")]
MissRate = Annotated[
    float | None,
    typer.Option("--miss-rate", help="Write so many candidates that at most this share of known ones is missed."),
]
FalseMatchRate = Annotated[
    float | None,
    typer.Option("--false-match-rate", help="Give names that are wrong with at most this probability, such as 0.01."),
]
DeviceName = Annotated[Device, typer.Option("--device", help="What the models run on.")]
EngineName = Annotated[Engine, typer.Option("--engine", help="Where the work is done: here, or by Ray's workers.")]
RayAddress = Annotated[
    str, typer.Option("--ray-address", help="Ray's cluster, as host:port or auto; local: this machine's cores.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes here that share the work.")]
Verify = Annotated[bool, typer.Option("--verify", help="Read every photo again, even one that looks unchanged.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")]
Gallery = Annotated[Path | None, typer.Option("--gallery", help="The folder of the known individuals' crops.")]
GalleryLabels = Annotated[Path | None, typer.Option("--gallery-labels", help="CSV: crop, encounter, individual.")]
Query = Annotated[Path | None, typer.Option("--query", help="The folder of the crops to name.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else there.")]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="Leave out encounters or photos so named (* and ? allowed); may be repeated."),
]


def configuration(file: Path | None, settings: list[str] | None) -> "Config":
    """Default < file < `--set`. Raises ConfigError."""
    from whalepipe.config import load_config, with_settings

    return with_settings(load_config(file), settings or [])


def with_rates(config: "Config", rates: dict[str, float | None]) -> "Config":
    """The configuration with the rates that were given. Raises ConfigError for one that nothing can promise."""
    from whalepipe.config import with_settings

    for name, rate in rates.items():
        if rate is not None and rate <= 0:
            raise ConfigError(f"--{name.replace('_', '-')} {rate:g}: nothing is certain; give a share above 0, as 0.02")
        config = with_settings(config, [f"match.{name}={rate:.12f}"]) if rate is not None else config
    return config


def shared_out(engine: Engine, workers: int, ray_address: str) -> "WorkEngine | None":
    """What shares the work out; None where one process does it all."""
    if engine is Engine.ray:
        from whalepipe.engines.ray import Ray

        return Ray(ray_address)
    if workers > 1:
        from whalepipe.engines.processes import Processes

        return Processes(workers)
    return None


def catalog_path(text: str | None) -> "Path | str | None":
    """The catalogue's file, or its URL where it is on a server."""
    if text is None or ("://" in text and not text.startswith("sqlite:///")):
        return text
    return Path(text.removeprefix("sqlite:///"))


def results_folder(raw_dir: "Origin", out: Path | None) -> Path:
    """The folder for the results of photos in a folder or a store. Raises WhalepipeError."""
    if out is not None and out.parts and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]+:", out.parts[0]):
        raise WhalepipeError(f"--out {out}: results are written to a disk; give a folder of this machine")
    return output_folder(raw_dir, out) if isinstance(raw_dir, Path) else _folder_for(raw_dir, out)


def _folder_for(store: "Store", out: Path | None) -> Path:
    store.check()
    folder = out or Path("whalepipe-out") / store.name
    if out is None:
        _refuse_other_card(folder, str(store))
    return folder


def output_folder(raw_dir: Path, out: Path | None, option: str = "--out") -> Path:
    """The folder for results, which is not among the originals; `option` names it. Raises WhalepipeError."""
    try:
        if not raw_dir.exists():
            raise WhalepipeError(f"{raw_dir} does not exist; give the folder that your photos lie in")
        if not raw_dir.is_dir():
            raise WhalepipeError(f"{raw_dir} is a file; give the folder that your photos lie in")
        os.scandir(raw_dir).close()
    except OSError as error:  # no permission, a name too long
        raise WhalepipeError(f"{raw_dir} cannot be opened ({error.strerror})") from error
    raw = raw_dir.resolve()
    folder = out or Path("whalepipe-out") / (raw.name or "root")
    try:
        target = folder.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead round in a circle
        raise WhalepipeError(f"{option} {folder} cannot be used ({error})") from error
    if target.is_relative_to(raw):
        raise WhalepipeError(f"results would lie among the originals, in {target}; choose another folder with {option}")
    if any(raw.is_relative_to(target / made) for made in ("crops", "cache")):
        raise WhalepipeError(f"{raw_dir} lies among the results in {folder}; choose another folder with {option}")
    if out is None:
        _refuse_other_card(folder, str(raw))
    return folder


def _refuse_other_card(folder: Path, raw: str) -> None:
    """Two cards are often called alike (DCIM): the results of one must not silently replace those of the other."""
    from whalepipe.files import write_aside

    mark = folder / "cache" / "source.txt"
    try:
        source = mark.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        write_aside(mark, raw.encode("utf-8", "surrogateescape"))
        return
    if source != raw:
        raise WhalepipeError(f"{folder} holds the results of {source}; choose another folder with --out")
