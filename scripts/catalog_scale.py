"""How a large catalogue behaves: the file's size, and how long what people do with it takes.

Usage: python scripts/catalog_scale.py FOLDER [CROPS] [INDIVIDUALS] [CROPS_FOLDER]   100,000 crops of 10,000 individuals

Vectors are those of real or rendered crops (the JPEG files of CROPS_FOLDER, or rendered ones), under the shipped
embedder, each moved a little at random and brought back to unit length. The pictures in the file are tiny. Prints one
JSON object; times are in seconds, the median of three but for what changes the catalogue. What an audit of FOLDER's
catalogue takes `audit_scale.py` measures.
"""

import io
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sql
from PIL import Image

from whalepipe.catalog.decisions import By, Judgement, Verdict
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.schema import embeddings
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.instruments import Instruments
from whalepipe.photos import read_photo

BY, SEED, MOVED = By("scale"), 7, 0.6  # MOVED: length of the random vector that is added to one of unit length
WEIGHTS_BATCH = 5000


def bases(folder: Path | None, models: Instruments) -> np.ndarray:
    """Unit vectors, (n, dimension), of up to 200 pictures."""
    if folder:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))[:200]
        return np.stack([models.embedder(read_photo(p)) for p in files])
    from whalepipe.render import draw_individual, draw_scene, render_scene

    pictures = []
    for number in range(40):
        scene = draw_scene(np.random.default_rng([5, number]), [draw_individual("dorsal_fin", "test", number)])
        pictures.append(render_scene(scene).image)
    return np.stack([models.embedder(p) for p in pictures])


def entries(crops: int, individuals: int) -> Iterator[Entry]:
    """Crops, each individual's in five encounters."""
    rng = np.random.default_rng(SEED)
    for n in range(crops):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (16, 18), np.uint8)).resize((36, 32)).convert("RGB").save(out, "JPEG")
        who = n % individuals
        day, shown = f"day {n // individuals % 5}-{who % 50}", ("left", "right")[n % 2]
        yield Entry(
            f"W{who:05}",
            "dorsal_fin",
            f"IMG_{n:06}.jpg",
            out.getvalue(),
            f"{n:064x}",
            f"{n}.jpg",
            day,
            shown,
            "Orcinus orca",
        )


def fill(catalog: Catalog, start: np.ndarray, individuals: int, digest: str) -> None:
    """Give every crop a vector near its individual's."""
    rng, numbers = np.random.default_rng(SEED), catalog.numbers()
    animals = moved(start[rng.integers(0, len(start), individuals)], rng)
    for begin in range(0, len(numbers), WEIGHTS_BATCH):
        some = numbers[begin : begin + WEIGHTS_BATCH]
        vectors = moved(animals[(np.arange(len(some)) + begin) % individuals], rng).astype("<f4")
        rows = [{"crop_id": n, "weights": digest, "vector": v.tobytes()} for n, v in zip(some, vectors, strict=True)]
        with catalog.database.writing() as connection:
            connection.execute(sql.insert(embeddings), rows)


def moved(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same, each with a random vector of length MOVED added, of unit length."""
    noise = rng.normal(size=vectors.shape)
    noise *= MOVED / np.linalg.norm(noise, axis=1, keepdims=True)
    return (vectors + noise) / np.linalg.norm(vectors + noise, axis=1, keepdims=True)


def timed(do: Callable[[], Any], times: int = 3) -> float:
    """The median of seconds."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        do()
        taken.append(time.perf_counter() - begun)
    return round(statistics.median(taken), 4)


def main() -> None:
    """The command line."""
    folder = Path(sys.argv[1])
    crops, individuals = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((2, 100_000), (3, 10_000)))
    folder.mkdir(parents=True, exist_ok=True)
    path, models = folder / "scale.sqlite", Instruments(Config(), "cpu")
    digest = models.embedder_weights.digest
    start = bases(Path(sys.argv[4]) if len(sys.argv) > 4 else None, models)
    path.unlink(missing_ok=True)
    catalog, found = Catalog.open_or_create(path), {"crops": crops, "individuals": individuals}
    figures: dict[str, float] = {"add": timed(lambda: catalog.add(entries(crops, individuals), BY), 1)}
    fill(catalog, start, individuals, digest)
    gallery = None

    def load() -> None:
        nonlocal gallery
        gallery = catalog.gallery(digest, lambda _: start[0], lambda _, items: items)

    figures |= {
        "open": timed(lambda: Catalog.open(path)),
        "list": timed(catalog.summaries),
        "show": timed(lambda: catalog.holdings("W00042")),
        "decisions": timed(catalog.decisions),
        "decisions of one": timed(lambda: catalog.decisions(individual="W00042")),
        "decisions of a crop": timed(lambda: catalog.decisions(origin=f"{42:064x}")),
        "gallery": timed(load),
        "rename": timed(lambda: catalog.rename("W00007", "renamed", BY), 1),
        "undo": timed(lambda: catalog.undo(None, BY), 1),
        "judge": timed(lambda: catalog.judge(Judgement(f"{42:064x}", Verdict.same, "W00043"), BY), 1),
        "merge": timed(lambda: catalog.merge("W00044", "W00045", BY), 1),
    }
    assert gallery is not None
    figures["first query"] = timed(lambda: gallery.nearest("dorsal_fin", start[:1].astype(np.float32)), 1)
    figures["query"] = timed(lambda: gallery.nearest("dorsal_fin", start[:1].astype(np.float32)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sizes = {"file_mb": path.stat().st_size // 2**20, "memory_mb": memory, "dimension": gallery.vectors.shape[1]}
    print(json.dumps({**found, **sizes, "seconds": figures}), flush=True)


if __name__ == "__main__":
    main()
