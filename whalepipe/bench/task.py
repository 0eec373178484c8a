"""What is measured, as every process of a measurement is told it on its command line."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from whalepipe.config import Config, load_config
from whalepipe.files import write_aside
from whalepipe.photos import Found, scan


@dataclass(frozen=True)
class Task:
    """Photos and what they are to be treated with."""

    raw_dir: Path
    settings: Path  # a configuration's file
    device: str

    def arguments(self, result: Path) -> tuple[str | Path, ...]:
        """As `parse` takes them, with the file that the result goes to."""
        return self.raw_dir, self.settings, self.device, result

    @classmethod
    def parse(cls, arguments: list[str]) -> tuple["Task", Path]:
        """What `arguments` wrote."""
        raw, settings, device, result = arguments
        return cls(Path(raw), Path(settings), device), Path(result)

    @property
    def config(self) -> Config:
        """The configuration."""
        return load_config(self.settings)

    @property
    def photos(self) -> list[Found]:
        """The photos, without files that are none."""
        return [found for found in scan(self.raw_dir) if not found.note]


def write_settings(path: Path, config: Config) -> None:
    """Write a configuration as a file that `--config` takes: JSON is YAML too."""
    write_aside(path, json.dumps(asdict(config)).encode())


def write_result(path: Path, found: dict[str, object]) -> None:
    """Write what a process found out."""
    write_aside(path, json.dumps(found).encode())
