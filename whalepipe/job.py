"""What the user asked for, as the commands hand it to the pipeline."""

from dataclasses import dataclass, field
from pathlib import Path

from whalepipe.catalog.place import Place, called
from whalepipe.config import Config
from whalepipe.stopwatch import Stopwatch
from whalepipe.store import Origin


@dataclass(frozen=True)
class Job:
    """What the user asked for."""

    raw_dir: Origin
    out: Path
    config: Config = field(default_factory=Config)
    catalog: Place | None = None
    boxes: Path | None = None  # CSV of boxes that a person drew, in place of the detector
    device: str = "auto"
    verify: bool = False  # read every file again instead of knowing it by path, size and time of change
    watch: Stopwatch = field(default_factory=Stopwatch)  # where the run's time goes

    def asked(self) -> dict[str, str]:
        """The paths as they were given, and the folder that they start from: what it takes to find them again."""
        given = {"raw_dir": self.raw_dir, "catalog": self.catalog and called(self.catalog), "boxes": self.boxes}
        return {"folder": str(Path.cwd()), "device": self.device, **{k: str(p) for k, p in given.items() if p}}
