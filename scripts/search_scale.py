"""How search behaves in large catalogues: recall, time, memory, and how long it takes to build and to add.

Usage: python scripts/search_scale.py vectors CROPS_FOLDER OUT.npy [--numbers 512]
       python scripts/search_scale.py search VECTORS.npy FOLDER [--crops 1000000] [--each 10] [--asks 50]
       python scripts/search_scale.py others VECTORS.npy [--crops 200000] [--each 10] [--asks 50]
       python scripts/search_scale.py run CROPS_FOLDER VECTORS.npy FOLDER --photo PHOTO --part dorsal_fin
                                          [--crops 6000] [--each 10] [--asks 5]

`vectors` writes what the shipped embedder makes of real crops; `--numbers` keeps the first so many of each vector,
which are those of one look of its first network, brought back to unit length.

`search` makes a catalogue of so many crops in FOLDER, their vectors real ones, each animal's and then each crop's moved
at random (MOVED), and measures the index: its building, its opening, a query beside an exact one, the addition of 1,000
crops. Half of the queries are new crops of animals that it holds, half are of animals that it does not. Each step is
a process of its own, whose peak of resident memory is told, and of that what is not the mapped file.

`others` compares with other indexes of FAISS on the same vectors.

`run` makes a catalogue with pictures and details as well (those of 40 real crops, again and again), and times whole
processes of `whalepipe identify` on one photo, and `POST /identify` of a server. Prints JSON lines.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sql

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from whalepipe.catalog.gallery import Gallery
from whalepipe.catalog.schema import crops, details, embeddings, encounters, individuals, settings
from whalepipe.catalog.search import eight
from whalepipe.catalog.search.exact import cosines
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config, MatchConfig
from whalepipe.instruments import Instruments
from whalepipe.models.embedder import DECIMALS
from whalepipe.photos import read_photo
from whalepipe.stages.match import match
from whalepipe.tables import Crop

SEED, MOVED = 7, 0.6  # MOVED: length of the random vector that is added to one of unit length
NEIGHBOURS, PART, WEIGHTS, BATCH = 20, "head", "w", 20_000


def unit(vectors: np.ndarray) -> np.ndarray:
    """Brought to unit length and rounded as an embedder's are."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.round(vectors / length, DECIMALS).astype(np.float32)


def moved(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same, each with a random vector of length MOVED added."""
    noise = rng.standard_normal(vectors.shape, dtype=np.float32)
    return unit(vectors + noise * (MOVED / np.linalg.norm(noise, axis=1, keepdims=True)))


class Stock:
    """So many crops of animals that were never seen, `each` of every one, made batch by batch."""

    def __init__(self, real: np.ndarray, crops: int, each: int) -> None:
        rng = np.random.default_rng(SEED)
        self.real, self.crops, self.each = real, crops, each
        self.animals = moved(real[rng.integers(0, len(real), max(crops // each, 1))], rng)

    def batches(self, begin: int = 0, end: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers of crops and their vectors; crop n is of animal n modulo their number."""
        for number in range(begin, self.crops if end is None else end, BATCH):
            some = np.arange(number, min(number + BATCH, self.crops if end is None else end))
            yield some, moved(self.animals[some % len(self.animals)], np.random.default_rng([SEED, number]))

    def queries(self, count: int) -> np.ndarray:
        """Half of animals that are among them."""
        rng = np.random.default_rng(SEED + 1)
        known = self.animals[rng.integers(0, len(self.animals), count // 2)]
        new = moved(self.real[rng.integers(0, len(self.real), count - count // 2)], rng)
        return moved(np.concatenate([known, new]), rng)


def fill(catalog: Catalog, stock: Stock, begin: int, end: int, weights: str, pictures: list[bytes]) -> None:
    """Put the crops with these numbers into a catalogue, without the decisions that a command would note."""
    animals = len(stock.animals)
    with catalog.database.writing() as connection:
        if not begin:
            connection.execute(sql.insert(individuals), [{"id": n + 1, "name": f"W{n:06}"} for n in range(animals)])
            days = [{"id": n + 1, "name": f"day {n}"} for n in range(5)]
            connection.execute(sql.insert(encounters), days)
        connection.execute(sql.delete(settings).where(settings.c.name == "revision"))
        connection.execute(sql.insert(settings), {"name": "revision", "value": f"of {end} crops"})
        for numbers, vectors in stock.batches(begin, end):
            rows = [
                {
                    "id": n + 1, "individual_id": n % animals + 1, "origin": f"{n:064x}", "crop": f"IMG_{n:07}.jpg",
                    "part": PART, "view": ("left", "right")[n % 2], "encounter_id": n // animals % 5 + 1,
                    "jpeg": pictures[n % len(pictures)],
                }
                for n in numbers.tolist()
            ]  # fmt: skip
            connection.execute(sql.insert(crops), rows)
            made = [
                {"crop_id": row["id"], "weights": weights, "vector": vector.astype("<f4").tobytes()}
                for row, vector in zip(rows, vectors, strict=True)
            ]
            connection.execute(sql.insert(embeddings), made)


def silent(_: str, items: Any) -> Any:
    """No progress."""
    return items


def gallery(path: Path, indexed: bool) -> Gallery:
    """As a run would have it."""
    return Catalog.open(path).searched(WEIGHTS, lambda _: np.zeros(1, np.float32), silent, None, [PART] * indexed)


def memory() -> dict[str, int]:
    """MiB: the peak of this process, and what it holds now that is no mapped file."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        name: int(status[field].split()[0]) // 1024 for name, field in (("peak_mib", "VmHWM"), ("own_mib", "RssAnon"))
    }


def tell(step: str, **figures: Any) -> None:
    """A line of JSON."""
    print(json.dumps({"step": step, **figures}), flush=True)


class Watch:
    """How long things take, each time: by the clock, and of all threads of a process together."""

    def __init__(self, own: Callable[[], float] = time.process_time) -> None:
        """`own`: the processor seconds so far."""
        self.own, self.taken = own, list[tuple[float, float]]()

    def __call__(self, do: Callable[[], Any]) -> Any:
        """What `do` returns."""
        wall, own = time.perf_counter(), self.own()
        result = do()
        self.taken.append((time.perf_counter() - wall, self.own() - own))
        return result

    @property
    def seconds(self) -> dict[str, float]:
        """Of the last time."""
        wall, own = self.taken[-1]
        return {"seconds": round(wall, 2), "processor_s": round(own, 2)}

    @property
    def milliseconds(self) -> dict[str, float]:
        """The first time, the median of the others, the worst of them, and the median of processor time."""
        wall, own = ([1000 * one[k] for one in self.taken] for k in (0, 1))
        rest = {"median_ms": statistics.median(wall[1:]), "worst_ms": max(wall[1:])}
        figures = {"first_ms": wall[0], **rest, "processor_ms": statistics.median(own[1:])}
        return {name: round(value, 1) for name, value in figures.items()}


def a_step(step: str, asked: argparse.Namespace) -> None:
    """One step of `search`, in a process of its own."""
    path, queries = asked.folder / "search.sqlite", np.load(asked.folder / "queries.npy")
    if step == "truth":
        truth(path, queries, asked)
    elif step == "exact":
        exact(path, queries)
    else:
        watch = Watch()
        known = watch(lambda: gallery(path, True))
        tell(f"{step}: opening", threads=asked.threads, **watch.seconds, **memory())
        if step == "query":
            ask(known, queries, asked.folder, asked.threads)


def exact(path: Path, queries: np.ndarray) -> None:
    """Exact search, and how far from its probabilities those with an index are."""
    watch, known, indexed = Watch(), gallery(path, False), gallery(path, True)
    for query in queries:
        watch(lambda q=query: known.search(PART, q, 4, 20))
    tell("exact", **watch.milliseconds, **memory())
    calibrations, config = Instruments(Config(), "cpu").calibrations([PART]), MatchConfig(looked_at=0)
    crop, same, apart = Crop("q", "q.jpg", "", 0, PART, 1, 1), 0, []
    for query in queries:
        one, other = (match([crop], {"q": query}, g, calibrations, "w", config) for g in (known, indexed))
        same += sorted(m.individual for m in one) == sorted(m.individual for m in other)
        theirs = {m.individual: m.probability for m in other}
        apart.append(max(abs(m.probability - theirs.get(m.individual, 0.0)) for m in one))
    largest, usual = round(max(apart), 4), round(statistics.median(apart), 4)
    tell("probabilities", same_candidates=same, of=len(queries), largest_difference=largest, median_difference=usual)


def truth(path: Path, queries: np.ndarray, asked: argparse.Namespace) -> None:
    """The cosines of the nearest crops of every query among all, exactly."""
    found, catalog, wide = np.zeros((len(queries), 0)), Catalog.open(path), queries.T.astype(np.float64)
    for begin in range(0, asked.crops, BATCH):
        numbers = np.arange(begin, min(begin + BATCH, asked.crops)) + 1
        scores = np.round(catalog._vectors(WEIGHTS, numbers).astype(np.float64) @ wide, 4).T
        found = np.sort(np.concatenate([found, scores], axis=1), axis=1)[:, -NEIGHBOURS:]
    np.save(asked.folder / "truth.npy", found)


def ask(known: Gallery, queries: np.ndarray, folder: Path, threads: int) -> None:
    """Time and recall of queries by the index."""
    least = np.load(folder / "truth.npy")[:, 0]
    watch, scan = Watch(), Watch()
    for query in queries:
        watch(lambda q=query: known.search(PART, q, 4, 20))
    right = [known.search(PART, query, 10_000, 20) for query in queries]
    shelf = known._shelves[PART]
    for query in queries:
        scan(lambda q=query: eight.scan(shelf._index.segments, q, 512))
    rows = sorted({row for found in right for one in found.nearest for row in one.rows})
    vectors = dict(zip(rows, shelf._fetch(np.array(rows)), strict=True))
    counts = []
    for query, found, bound in zip(queries, right, least, strict=True):
        mine = np.stack([vectors[row] for one in found.nearest for row in one.rows])
        counts.append(min(int((cosines(mine, query) >= bound).sum()), NEIGHBOURS))
    figures = {
        "recall_at_20": round(sum(counts) / NEIGHBOURS / len(counts), 5),
        "worst_recall": min(counts) / NEIGHBOURS,
    }
    tell("query", threads=threads, **figures, **watch.milliseconds, scan=scan.milliseconds, **memory())


def search(asked: argparse.Namespace) -> None:
    """The index in a catalogue of `asked.crops`."""
    stock, path = Stock(np.load(asked.vectors), asked.crops, asked.each), asked.folder / "search.sqlite"
    asked.folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fill(Catalog.open_or_create(path), stock, 0, asked.crops, WEIGHTS, [b"none"])
    tell("catalogue", crops=asked.crops, animals=len(stock.animals), numbers=stock.real.shape[1])
    np.save(asked.folder / "queries.npy", stock.queries(asked.asks))

    def step(name: str, threads: int = 1) -> None:
        words = [
            sys.executable,
            __file__,
            "search",
            asked.vectors,
            asked.folder,
            "--crops",
            asked.crops,
            "--step",
            name,
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        subprocess.run([*map(str, words), "--threads", str(threads)], check=True, env=environment)

    for name in ("truth", "build", "open"):
        step(name)
    for threads in (1, 2):
        step("query", threads)
    folder = next((asked.folder / "search.sqlite.search").iterdir())
    size = sum(file.stat().st_size for file in folder.iterdir()) // 2**20
    tell("files", index_mib=size, catalogue_mib=path.stat().st_size // 2**20)
    fill(Catalog.open(path), stock, asked.crops, asked.crops + 1000, WEIGHTS, [b"none"])
    step("add 1000")
    if asked.exact:
        step("exact")


def others(asked: argparse.Namespace) -> None:
    """Other indexes: recall of the nearest 20 after the first 64 (512 by one bit) were compared exactly."""
    import faiss

    faiss.omp_set_num_threads(1)
    stock = Stock(np.load(asked.vectors), asked.crops, asked.each)
    data = np.concatenate([vectors for _, vectors in stock.batches()])
    queries, dimension, product = stock.queries(asked.asks), data.shape[1], faiss.METRIC_INNER_PRODUCT
    every = [cosines(data, query) for query in queries]
    right = [set(np.lexsort((np.arange(len(c)), -c))[:NEIGHBOURS].tolist()) for c in every]

    def measure(
        name: str, index: Any, first: int, settings: dict[str, Callable[[], None]], whole: bool = False
    ) -> None:
        shown = eight.whole if whole else (lambda v: v)
        begin = time.process_time()
        if not index.is_trained:
            index.train(data[np.random.default_rng(1).permutation(len(data))[:100_000]])
        index.add(np.ascontiguousarray(shown(data)))
        built = time.process_time() - begin
        for setting, set_it in settings.items():
            set_it()
            watch, recall = Watch(), []
            for query, mine, scores in zip(queries, right, every, strict=True):
                rows = watch(lambda q=query: index.search(shown(q[None]), first)[1][0])
                rows = np.sort(rows[rows >= 0])
                best = rows[np.lexsort((rows, -scores[rows]))[:NEIGHBOURS]]
                recall.append(len(mine & set(best.tolist())) / NEIGHBOURS)
            size = len(faiss.serialize_index(index)) / len(data)
            tell(f"{name} {setting}".strip(), build_processor_s=round(built, 1), bytes_a_crop=round(size),
                 recall_at_20=round(float(np.mean(recall)), 4), worst=min(recall), **watch.milliseconds)  # fmt: skip

    nothing = {"": lambda: None}
    measure("eight bits, all", eight.empty(dimension), 64, nothing, whole=True)
    measure("one bit (RaBitQ), all", faiss.IndexRaBitQFastScan(dimension, product), 512, nothing)
    lists = max(16, 2 ** round(np.log2(4 * np.sqrt(len(data)))) // 2)
    inverted = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.ScalarQuantizer.QT_8bit, product
    )
    probes = {f"{n} of {lists}": (lambda n=n: setattr(inverted, "nprobe", n)) for n in (1, 4, 16, 64)}
    measure("IVF, eight bits", inverted, 64, probes)
    graph = faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_8bit, 32, product)
    graph.hnsw.efConstruction = 80
    efs = {f"ef {n}": (lambda n=n: setattr(graph.hnsw, "efSearch", n)) for n in (64, 256)}
    measure("HNSW 32, eight bits", graph, 64, efs)


def run(asked: argparse.Namespace) -> None:
    """Whole processes of `whalepipe identify`, and a server's POST /identify."""
    path, models = asked.folder / "run.sqlite", Instruments(Config(), "cpu")
    asked.folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        made(path, models, asked)
    size = path.stat().st_size // 2**20
    tell("catalogue", crops=asked.crops, animals=asked.crops // asked.each, catalogue_mib=size, photo=asked.photo.name)
    raw = asked.folder / "raw"
    raw.mkdir(exist_ok=True)
    (raw / asked.photo.name).write_bytes(asked.photo.read_bytes())
    more = [word for setting in asked.set for word in ("--set", setting)]
    for attempt in range(asked.asks):
        out = asked.folder / f"out-{attempt}-{time.time_ns()}"
        words = [
            "-m",
            "whalepipe",
            "identify",
            raw,
            "--out",
            out,
            "--catalog",
            path,
            "--device",
            "cpu",
            "--quiet",
            *more,
        ]
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([sys.executable, *map(str, words)], check=False, capture_output=True, text=True)
        seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(done.stderr)
        rows, own = len((out / "ledger.csv").read_text().splitlines()) - 1, after.ru_utime - before.ru_utime
        own += after.ru_stime - before.ru_stime
        figures = {"seconds": round(seconds, 2), "processor_s": round(own, 2), "peak_mib": after.ru_maxrss // 1024}
        tell("identify", attempt=attempt, rows=rows, **figures)
    post(asked, out)


def post(asked: argparse.Namespace, out: Path) -> None:
    """POST /identify, `asked.asks` times and once more."""
    import httpx

    from tests.review.servers import serving

    more = ("--catalog", str(asked.folder / "run.sqlite"))
    with serving(out, *more) as server, httpx.Client(base_url=server.address, timeout=600) as client:
        data, watch = asked.photo.read_bytes(), Watch(lambda: processor_seconds(server.pid))
        for _ in range(asked.asks + 1):
            answer = watch(lambda: client.post("/identify", files={"photo": ("photo.jpg", data)}))
            if answer.status_code != 200:
                sys.exit(answer.text[:500])
        animals = answer.json()["animals"]
        status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
        peak = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
        tell("POST /identify", animals=len(animals), **watch.milliseconds, peak_mib=peak)


def processor_seconds(pid: int) -> float:
    """Of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def made(path: Path, models: Instruments, asked: argparse.Namespace) -> None:
    """A catalogue of real vectors, moved, with the pictures and details of 40 real crops again and again."""
    files = sorted(asked.crops_folder.iterdir())[:: max(1, len(list(asked.crops_folder.iterdir())) // 40)][:40]
    stock, look = Stock(np.load(asked.vectors), asked.crops, asked.each), models.closer_look
    catalog = Catalog.open_or_create(path)
    fill(catalog, stock, 0, asked.crops, models.embedder_weights.digest, [file.read_bytes() for file in files])
    with catalog.database.writing() as connection:
        connection.execute(sql.update(crops).values(part=asked.part))
        if look is None:
            return
        packed = [look(read_photo(file), asked.part).packed() for file in files]
        details.create(connection, checkfirst=True)
        for begin in range(0, asked.crops, BATCH):
            numbers = range(begin, min(begin + BATCH, asked.crops))
            rows = [{"crop_id": n + 1, "method": look.method, "packed": packed[n % len(packed)]} for n in numbers]
            connection.execute(sql.insert(details), rows)


def vectors(asked: argparse.Namespace) -> None:
    """What the shipped embedder makes of a folder of crops."""
    models = Instruments(Config(), "cpu")
    found = np.stack([models.embedder(read_photo(path)) for path in sorted(asked.crops_folder.iterdir())])
    np.save(asked.out, unit(found[:, : asked.numbers or found.shape[1]]))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True)
    given: dict[str, tuple[Callable[[argparse.Namespace], None], tuple[str, ...], int, int]] = {
        "vectors": (vectors, ("crops_folder", "out"), 0, 0),
        "search": (search, ("vectors", "folder"), 1_000_000, 50),
        "others": (others, ("vectors",), 200_000, 50),
        "run": (run, ("crops_folder", "vectors", "folder"), 6_000, 5),
    }
    for name, (do, paths, crops_by_default, asks) in given.items():
        kind = kinds.add_parser(name)
        kind.set_defaults(do=do)
        for path in paths:
            kind.add_argument(path, type=Path)
        for option, default in (("crops", crops_by_default), ("each", 10), ("asks", asks), ("threads", 1)):
            kind.add_argument(f"--{option}", type=int, default=default)
        kind.add_argument("--numbers", type=int, default=0)
        kind.add_argument("--step", default="")
        kind.add_argument("--exact", action="store_true", help="time exact search too, which takes all into memory")
        kind.add_argument("--photo", type=Path)
        kind.add_argument("--part", default=PART)
        kind.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    if asked.step:
        a_step(asked.step, asked)
    else:
        asked.do(asked)


if __name__ == "__main__":
    main()
