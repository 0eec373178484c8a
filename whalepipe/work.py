"""One run over one folder: where its files lie, what its cache holds, and its models, loaded when first needed."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whalepipe import __version__
from whalepipe.cache import Cache, recipe, recipes
from whalepipe.catalog.gallery import Gallery
from whalepipe.catalog.place import open_catalog
from whalepipe.catalog.search.approximate import VERSION as SEARCH_VERSION
from whalepipe.catalog.search.choice import by_index
from whalepipe.causes import Causes, Keys
from whalepipe.errors import PhotoError, TableError
from whalepipe.files import sweep, write_aside
from whalepipe.instruments import Instruments
from whalepipe.job import Job
from whalepipe.listed import File
from whalepipe.models.calibration import Calibration
from whalepipe.models.grade import ANY
from whalepipe.models.runtimes import TORCH
from whalepipe.models.species import Sure
from whalepipe.opened import Desk, read_file
from whalepipe.packed import PackedCache
from whalepipe.photos import describe, encode_jpeg, read_keepsakes
from whalepipe.progress import Progress
from whalepipe.rows import having
from whalepipe.stages import crop as cropping
from whalepipe.stages import detect as detecting
from whalepipe.stages import match as matching
from whalepipe.stages.crop import CropFile
from whalepipe.summary import summarize
from whalepipe.tables import BoxLabel, Crop, Detection, Embedding, Ledger, Override, Photo, read_table, write_table
from whalepipe.taxonomy import species_of

if TYPE_CHECKING:
    from whalepipe.catalog.store import Catalog

OVERRIDES = "overrides.csv"  # in OUT: a person's say on which crops are used


class Work(Causes):
    """What the steps of the pipeline share. Every step asks here for pixels, models, entries and tables."""

    def __init__(self, job: Job, progress: Progress) -> None:
        super().__init__(job.config, job.device, job.catalog is not None)
        self.job = job
        self.each, self.watch, self.desk = progress, job.watch, Desk()
        self.cache: Cache = PackedCache(job.out / "cache")
        self.files: dict[str, File] = {}  # by photo
        self._rankings: dict[str, Keys] = {}  # by part
        for folder in (job.out, self.crops_dir, self.cache.folder, *self.cache.folders()):
            sweep(folder)

    @property
    def crops_dir(self) -> Path:
        """Where the crops lie."""
        return self.job.out / "crops"

    # Photos -----------------------------------------------------------------------------------------------------

    def check(self, stages: Collection[str]) -> None:
        """Say what these stages will lack before an hour of work is done. Raises WhalepipeError."""
        if "detect" in stages and self.job.boxes is None:
            _ = self.exported_detector, self.tightener
        if "quality" in stages:
            _ = self.exported_embedder, self.sides, self.least_grade(ANY), self.distinctiveness
        if "identify" in stages:
            _ = self.gallery_revision, self.species_model, self.closer_look, self.indexed

    def described(self, found: File) -> tuple[Photo, bytes | None]:
        """What is known of a file, and what it holds where it had to be read; one that failed is read each time."""
        key = self.photo_key(found)
        kept = None if found.note else self.cache.load("photos", key, Photo)
        # Under the name that it has below this RAW_DIR: an earlier run may have begun at another folder.
        known = having(kept[0], photo=found.photo) if kept else None
        if known and not self.job.verify:
            return known, None
        with self.watch("read"):
            try:
                data = read_file(found)
            except PhotoError as error:
                return Photo(found.photo, error=str(error)), None
            if known and data is not None and hashlib.sha256(data).hexdigest() == known.photo_id:
                return known, data  # the same bytes say the same
            photo = describe(found, self.config.photos, data)
        if photo.usable and photo != known:
            self.cache.store("photos", key, [photo])
        return photo, data

    def opened(self, photo: Photo, data: bytes | None) -> AbstractContextManager[None]:
        """Within, this photo lies open for this thread; `data` as `described` gave it."""
        return self.desk.opened(self.files[photo.photo], self.config.photos.max_megapixels, data)

    def pixels(self, photo: Photo, max_side: int | None = None) -> NDArray[np.uint8]:
        """The upright photo, (height, width, 3) uint8 RGB. Raises PhotoError, also where it changed since listing."""
        with self.watch("decode"):
            return self.desk.photo(self.files[photo.photo], self.config.photos.max_megapixels).pixels(max_side)

    # Boxes and crops --------------------------------------------------------------------------------------------

    def drawn_boxes(self, photos: Sequence[Photo]) -> dict[str, list[BoxLabel]] | None:
        """The boxes that a person drew, by photo; None where the detector is to find them. Raises TableError."""
        if self.job.boxes is None:
            return None
        labels = detecting.by_photo(read_table(self.job.boxes, BoxLabel, aliases=True), photos)
        if not labels.keys() & {p.photo for p in photos}:
            raise TableError(f"{self.job.boxes}: none of its photos lies in {self.job.raw_dir}")
        return labels

    def kept_crops(
        self,
        photo: Photo,
        boxes: Sequence[Detection],
        make: Callable[[], list[tuple[Crop, NDArray[np.uint8]]]],
    ) -> list[Crop]:
        """The crops of a photo, whose files lie in crops/ as they were written; else made and written again."""
        key = self.crop_key(boxes)
        kept = self.cache.load("crop", key, CropFile)
        folder = self.crops_dir
        if kept is None or not all(c.intact(folder) for c in kept):
            kept = self._write_crops(photo, make())
            self.cache.store("crop", key, kept)
        return [Crop(c.crop, photo.photo, photo.photo_id, c.box, c.part, c.width, c.height) for c in kept]

    def _write_crops(self, photo: Photo, cuts: Sequence[tuple[Crop, NDArray[np.uint8]]]) -> list[CropFile]:
        source = self.desk.photo(self.files[photo.photo], self.config.photos.max_megapixels).source
        exif, profile = read_keepsakes(source)
        kept = []
        for crop, pixels in cuts:
            data = encode_jpeg(pixels, self.config.crop.jpeg_quality, exif, profile)
            self.put_crop(crop.crop, data)
            self.desk.keep(crop.crop, data)
            status = (self.crops_dir / crop.crop).stat()
            kept.append(
                CropFile(crop.crop, crop.box, crop.part, crop.width, crop.height, status.st_size, status.st_mtime_ns)
            )
        return kept

    def put_crop(self, name: str, data: bytes) -> None:
        """Write a crop's file. Raises StorageError."""
        write_aside(self.crops_dir / name, data)

    def forget_crops(self, photos: Sequence[Photo], crops: Sequence[Crop]) -> None:
        """Remove the files that an earlier run with other boxes made of the same photos and this run did not."""
        cropping.forget(self.crops_dir, {c.crop for c in crops}, {p.photo_id[:8] for p in photos if p.photo_id})

    def crop_pixels(self, crop: Crop) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB of a crop's file."""
        with self.watch("decode"):
            return self.desk.crop(crop.crop, self.crops_dir)

    def overrides(self, crops: Sequence[Crop]) -> dict[str, Override]:
        """What a person said of crops in OUT/overrides.csv, if anything. Raises TableError, for an unknown crop too."""
        path = self.job.out / OVERRIDES
        if not path.exists():
            return {}
        said = {row.crop: row for row in read_table(path, Override)}
        unknown = sorted(said.keys() - {c.crop for c in crops})
        if unknown:
            raise TableError(f"{path}: there is no crop {unknown[0]} in {self.crops_dir}; mend or delete that row")
        return said

    # Catalogue --------------------------------------------------------------------------------------------------

    @cached_property
    def catalog(self) -> "Catalog | None":
        """The catalogue, if there is one."""
        return open_catalog(self.job.catalog)

    @cached_property
    def gallery_revision(self) -> str:
        """What the catalogue held when it was last changed; empty without a catalogue."""
        return self.catalog.revision if self.catalog else ""

    @cached_property
    def known(self) -> Counter[str]:
        """How many individuals the catalogue holds of each part."""
        return Counter(s.part for s in self.catalog.summaries()) if self.catalog else Counter()

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The species of the catalogue's individuals, where it is one."""
        held = self.catalog.summaries() if self.catalog else []
        return {s.individual: s.species for s in held if species_of(s.species)}

    @cached_property
    def indexed(self) -> frozenset[str]:
        """The parts of which an index says whom to compare with. Raises ConfigError."""
        return by_index(self.config.match.search, self.catalog.parts() if self.catalog else {})

    @cached_property
    def gallery(self) -> Gallery:
        """The catalogue's vectors under today's weights, those that are missing made now."""
        if self.catalog is None:
            return Gallery()
        given = self.embedder_weights.digest, lambda p: self.embedder(p), self.each, self.closer_look
        return self.catalog.searched(*given, self.indexed)

    def borrow(self, other: Instruments) -> None:
        """Take over another's models, and its gallery as long as the catalogue is as it was."""
        super().borrow(other)
        if isinstance(other, Work) and self.gallery_revision == other.gallery_revision:
            held = ("catalog", "known", "kinds", "indexed", "gallery")
            self.__dict__.update({name: value for name, value in vars(other).items() if name in held})

    def match_key(self, crop: Crop, calibration: Calibration, species: Sure | None) -> str:
        """The cause of a crop's ranked candidates; `species` where it is sure."""
        if crop.part not in self._rankings:
            look, ranking = self.closer_look, self.config.match.ranking
            causes = [ranking, self.gallery_revision, look and look.method, crop.part, calibration]
            causes.append(SEARCH_VERSION if crop.part in self.indexed else "exact")
            self._rankings[crop.part] = recipes("match", matching.VERSION, *causes)
        return self._rankings[crop.part](self.embed_key(crop), species)

    # Tables -----------------------------------------------------------------------------------------------------

    def write(self, name: str, row: type, rows: Sequence[Any]) -> None:
        """Write a table into the output folder."""
        with self.watch("write"):
            write_table(self.job.out / f"{name}.csv", row, rows)

    def write_vectors(self, crops: Sequence[Crop], vectors: dict[str, NDArray[np.float32]]) -> None:
        """Write embeddings.npy, (number of crops, dimension) float32, and embeddings.csv, which names its rows."""
        stacked = np.stack([vectors[c.crop] for c in crops]) if crops else np.zeros((0, 0), dtype=np.float32)
        out = io.BytesIO()
        np.save(out, stacked, allow_pickle=False)
        write_aside(self.job.out / "embeddings.npy", out.getvalue())
        digest = self.embedder_weights.digest if crops else ""
        self.write("embeddings", Embedding, [Embedding(c.crop, i, digest) for i, c in enumerate(crops)])

    def _runtime(self) -> str:
        """What runs the networks, all of them one: what runs the forms that there are, else torch."""
        forms = (None if self.job.boxes else self.exported_detector), self.exported_embedder
        return next((form.runtime for form in forms if form), TORCH)

    def write_summary(self, rows: Sequence[Ledger], expected: dict[str, Any]) -> None:
        """Write summary.json: what became of files and crops, what is `expected`, what the run was made with and
        asked for."""
        made_with = {
            "whalepipe": __version__,
            "detector": "" if self.job.boxes else self.detector_weights.digest,
            "detector_exported": "" if self.job.boxes or not self.exported_detector else self.exported_detector.digest,
            "runtime": self._runtime(),
            "tightener": "" if self.job.boxes or not self.tightener else self.tightener.digest,
            "embedder": self.embedder_weights.digest,
            "embedder_exported": self.exported_embedder.digest if self.exported_embedder else "",
            "calibration": recipe("calibration", 1, self.embedder_weights.card.get("calibration")),
            "silhouette": self.closer_look.weights.digest if self.closer_look else "",
            "view": self.sides.weights.digest if self.sides else "",
            "distinctiveness": self.distinctiveness.weights.digest if self.distinctiveness else "",
            "quality": self.grader_weights.digest if self.grader_weights else "",
            "species": self.species_model.digest if self.species_model else "",
            "catalogue": self.gallery_revision,
            "searched_by_index": sorted(self.indexed),
            "config": asdict(self.config),
        }
        told = {**summarize(rows), **expected, "made_with": made_with, "asked": self.job.asked()}
        text = json.dumps(told, indent=2)  # all in ASCII: a path may hold bytes that are no UTF-8
        write_aside(self.job.out / "summary.json", (text + "\n").encode())
