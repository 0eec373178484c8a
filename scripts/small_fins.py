"""Measure what looking closer (detect.tiles) brings for distant animals, and what it costs.

Composes photos of about 6,000 pixels: real dorsal fins (fins/photos with fins/boxes.csv), shrunk to some widths, in
real seas (card/ in full size). A fin is pasted with the water around it, its edge soft, its colours shifted by the
difference of the two waters: real photo on real photo, the seams faint but not none. Seas are of two kinds: `beside`,
a photo as it was taken, with its own animals, shore and splashes; `alone`, a stretch of open sea of such a photo,
mirrored at its edges until it is as large. Composed photos are kept in --kept as JPEG and read as the pipeline does.

--only chooses what is printed, with each setting of detect.tiles: `small`: for each kind and width, recall of the
pasted fins (a box of a dorsal fin with an intersection over union of 0.3) with 95 % of bootstrap draws of photos, false
boxes a photo (on nothing pasted and no animal of its own), the own animals found, and CPU milliseconds a photo
(decoding and all looks, one thread; the settings take turns, photo by photo). `empty`: false boxes and time where
nothing is pasted, and on photos without animals (negatives/), side by side in mosaics of 6,000 pixels. `card`: for each
photo of card/ the animals found in full size and at 1,600 pixels.

The shipped detector has learned all these animals and most seas: --weights of a fold and --fins say more of others.

Usage: python scripts/small_fins.py --data ../shared/data --kept DIR [--tiles none auto all] [--widths 60 40 25]
       [--each 6] [--rounds 1] [--seas IMG_4906 ...] [--weights detector] [--only small empty card] [--fins IMG_49]
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import area, overlap, shared
from whalepipe.config import DetectConfig, PhotosConfig
from whalepipe.models.detector import KIND, Detector
from whalepipe.models.weights import find_weights
from whalepipe.photos import Found, describe, encode_jpeg, read_photo, upright_size
from whalepipe.stages import detect as detecting
from whalepipe.tables import BoxLabel, Detection, fits, read_table

# Read by eye: the height at which the sea begins (share of the photo), and a stretch of it without an animal or its
# wake (left, top, right, bottom).
SEAS: dict[str, tuple[float, tuple[float, float, float, float] | None]] = {
    "IMG_4906": (0.18, (0.0, 0.18, 1.0, 0.5)),
    "IMG_4909": (0.03, (0.0, 0.03, 1.0, 0.42)),
    "IMG_4910": (0.03, (0.0, 0.75, 1.0, 1.0)),
    "IMG_4913": (0.06, (0.0, 0.62, 1.0, 1.0)),
    "IMG_4925": (0.65, None),
    "IMG_4929": (0.52, None),
    "IMG_4938": (0.03, (0.0, 0.6, 1.0, 1.0)),
    "IMG_4943": (0.03, (0.0, 0.03, 1.0, 0.45)),
    "SB15-1572-367": (0.0, (0.0, 0.0, 0.45, 0.55)),
    "SB16-1619-120": (0.0, (0.0, 0.0, 1.0, 0.36)),
    "SB19-1767-558": (0.0, (0.0, 0.0, 0.72, 0.28)),
}
LARGE = 5000  # pixels: photos with a longer side serve as they are
WIDTH, HEIGHT = 6000, 4000  # of a composed open sea
AROUND = 0.5  # of a fin's width and height: the water that is pasted with it, on each side
FOUND = 0.3  # intersection over union from which a box shows the fin
DRAWS = 1000  # of the bootstrap
CELL = 500, 400  # of a mosaic, pixels

Pixels = NDArray[np.uint8]
Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """A composed photo, and the corners (pixels) of what was pasted and of its own animals."""

    kind: str
    width: int  # of the pasted fins; 0: none
    path: Path
    pasted: list[Corners]
    own: list[Corners]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with card/, fins/ and negatives/")
    parser.add_argument("--kept", type=Path, required=True, help="folder for the composed photos, one for each --fins")
    parser.add_argument("--tiles", nargs="+", default=["none", "auto", "all"], help="settings of detect.tiles")
    parser.add_argument("--widths", nargs="+", type=int, default=[60, 40, 25], help="of the fins, pixels")
    parser.add_argument("--each", type=int, default=6, help="fins in a photo")
    parser.add_argument("--rounds", type=int, default=1, help="photos of each sea and width")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", default="detector", help="shipped ones by name, or a path")
    parser.add_argument("--seas", nargs="+", default=list(SEAS), help="which photos of card/ to compose in")
    parser.add_argument("--fins", nargs="+", default=["*"], help="encounters and photos from which fins are taken")
    parser.add_argument("--only", nargs="+", default=["small", "empty", "card"], help="which of the three to measure")
    return parser.parse_args()


def boxes_of(data: Path) -> dict[str, list[BoxLabel]]:
    """The drawn boxes by the photo's name without ending; of photos whose long side is 1,600 pixels."""
    by: dict[str, list[BoxLabel]] = defaultdict(list)
    for row in read_table(data / "fins" / "boxes.csv", BoxLabel):
        by[Path(row.photo).stem].append(row)
    return by


def cut_fins(data: Path, boxes: dict[str, list[BoxLabel]], chosen: Sequence[str]) -> list[Pixels]:
    """Fins with the water around them, those whose surroundings lie wholly in the photo."""
    fins = []
    for rows in (each for each in boxes.values() if fits(chosen, each[0].encounter, each[0].photo)):
        photo = read_photo(data / "fins" / "photos" / rows[0].photo)
        for row in rows:
            x0, y0, x1, y1 = row.corners
            dx, dy = AROUND * (x1 - x0), AROUND * (y1 - y0)
            left, top, right, bottom = round(x0 - dx), round(y0 - dy), round(x1 + dx), round(y1 + dy)
            if min(left, top) >= 0 and right <= photo.shape[1] and bottom <= photo.shape[0] and x1 - x0 >= 80:
                fins.append(photo[top:bottom, left:right])
    return fins


def open_sea(photo: Pixels, place: Corners) -> Pixels:
    """A stretch of a photo, mirrored at its edges until it is WIDTH x HEIGHT."""
    height, width = photo.shape[:2]
    left, top, right, bottom = (round(v * s) for v, s in zip(place, (width, height) * 2, strict=True))
    sea = photo[top:bottom, left:right]
    while sea.shape[0] < HEIGHT or sea.shape[1] < WIDTH:
        down = min(HEIGHT - sea.shape[0], sea.shape[0]) if sea.shape[0] < HEIGHT else 0
        across = min(WIDTH - sea.shape[1], sea.shape[1]) if sea.shape[1] < WIDTH else 0
        sea = cv2.copyMakeBorder(sea, 0, down, 0, across, cv2.BORDER_REFLECT)
    return np.ascontiguousarray(sea[:HEIGHT, :WIDTH])


def paste(sea: Pixels, fin: Pixels, width: int, x: int, y: int) -> Corners:
    """Paste a fin with its water such that its box is `width` wide and begins at (x, y); returns the box."""
    scale = width * (1 + 2 * AROUND) / fin.shape[1]
    size = (max(1, round(fin.shape[1] * scale)), max(1, round(fin.shape[0] * scale)))
    small = cv2.resize(fin, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    w, h = size[0] / (1 + 2 * AROUND), size[1] / (1 + 2 * AROUND)
    left, top = x - round(AROUND * w), y - round(AROUND * h)
    place = sea[top : top + size[1], left : left + size[0]]
    # 1 in the box, 0 at the edge of the water around it.
    far = [np.abs(np.linspace(-1, 1, n)) * (1 + 2 * AROUND) - 1 for n in size]
    far_x, far_y = (np.clip(f / (2 * AROUND), 0, 1) for f in far)
    opaque = (np.cos(np.pi * np.maximum(far_y[:, None], far_x[None])) / 2 + 0.5)[..., None]
    water = opaque[..., 0] < 0.5
    shift = np.median(place[water], axis=0) - np.median(small[water], axis=0)
    place[:] = np.clip(np.round(opaque * (small + shift) + (1 - opaque) * place), 0, 255).astype(np.uint8)
    return left + AROUND * w, top + AROUND * h, left + (1 + AROUND) * w, top + (1 + AROUND) * h


def compose(sea: Pixels, begin: float, own: Sequence[Corners], fins: Sequence[Pixels], said: argparse.Namespace,
            width: int, rng: np.random.Generator) -> list[Corners]:  # fmt: skip
    """Paste fins into the sea in place, far from one another and from its own animals; returns their boxes."""
    pasted: list[Corners] = []
    height, across = sea.shape[:2]
    while len(pasted) < (said.each if width else 0):
        x = int(rng.integers(2 * width, across - 4 * width))
        y = int(rng.integers(max(begin * height, 3 * width), height - 4 * width))
        clear = (x - 4 * width, y - 4 * width, x + 5 * width, y + 5 * width)
        if not any(overlap(_corners(clear), _corners(o)) for o in (*pasted, *own)):
            pasted.append(paste(sea, fins[int(rng.integers(len(fins)))], width, x, y))
    return pasted


def _corners(c: Corners) -> BoxLabel:
    return BoxLabel("", "", "", *c)


def scenes(said: argparse.Namespace) -> Iterator[Scene]:
    """The composed photos, made where they are not kept yet."""
    said.kept.mkdir(parents=True, exist_ok=True)
    boxes = boxes_of(said.data)
    fins = cut_fins(said.data, boxes, said.fins)
    chosen = [(n, name, *sea) for n, (name, sea) in enumerate(SEAS.items()) if name in said.seas]
    for number, name, begin, place in chosen:
        photo = read_photo(said.data / "card" / f"{name}.JPG")
        scale = max(photo.shape[:2]) / 1600
        animals = [tuple(scale * c for c in row.corners) for row in boxes[name]]
        kinds = [("beside", photo, begin, animals)] if max(photo.shape[:2]) >= LARGE else []
        kinds += [("alone", open_sea(photo, place), 0.0, [])] if place else []
        for kind, sea, top, own in kinds:
            for width in (0, *said.widths):
                for turn in range(said.rounds if width else 1):
                    path = said.kept / f"{name}-{kind}-{width}-{said.each}-{said.seed}-{turn}.jpg"
                    if not path.exists():
                        rng = np.random.default_rng([said.seed, number, width, turn, kind == "alone"])
                        made = sea.copy()
                        pasted = compose(made, top, own, fins, said, width, rng)
                        path.with_suffix(".json").write_text(json.dumps(pasted))
                        path.write_bytes(encode_jpeg(made, 92))
                    yield Scene(kind, width, path, json.loads(path.with_suffix(".json").read_text()), own)


def mosaics(said: argparse.Namespace) -> Iterator[Scene]:
    """The photos without animals, each once or twice, in their own size (cut to the CELL) side by side."""
    paths = sorted((said.data / "negatives").glob("*.*"))
    columns, rows = WIDTH // CELL[0], HEIGHT // CELL[1]
    for turn in range(-(-len(paths) // (columns * rows))):
        path = said.kept / f"negatives-{turn}.jpg"
        if not path.exists():
            picture = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
            for n in range(columns * rows):
                cell = read_photo(paths[(turn * columns * rows + n) % len(paths)])[: CELL[1], : CELL[0]]
                x, y = n % columns * CELL[0], n // columns * CELL[1]
                picture[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
            path.write_bytes(encode_jpeg(picture, 92))
        yield Scene("negatives", 0, path, [], [])


class Finder:
    """The detection stage as the pipeline runs it, with a clock."""

    def __init__(self, said: argparse.Namespace) -> None:
        import torch

        torch.set_num_threads(1)
        self.detector = Detector(find_weights(said.weights, KIND))
        self.settings = {tiles: DetectConfig(weights=said.weights, tiles=tiles) for tiles in said.tiles}

    def __call__(self, path: Path, tiles: str) -> tuple[list[Detection], float]:
        """The boxes in a photo, and the CPU seconds of decoding and looking."""
        photo, config = describe(Found(path.name, path), PhotosConfig()), self.settings[tiles]
        begun = time.process_time()
        pixels = read_photo(path, config.size)
        found = detecting.detect(photo, pixels, self.detector, config, partial(read_photo, path))
        return found, time.process_time() - begun


def shown(truths: Sequence[Corners], found: Sequence[Detection], least: float) -> list[bool]:
    """For each of the truths, whether a box of a dorsal fin shows it."""
    fins = [d for d in found if d.part == "dorsal_fin"]
    return [any(overlap(_corners(t), d) >= least for d in fins) for t in truths]


def false(scene: Scene, found: Sequence[Detection]) -> int:
    """Boxes that lie on nothing pasted and on no animal of the sea's own (its box thrice as wide and high)."""
    wide = [(2 * x0 - x1, 2 * y0 - y1, 2 * x1 - x0, 2 * y1 - y0) for x0, y0, x1, y1 in (*scene.pasted, *scene.own)]
    return sum(not any(shared(_corners(w), d) >= 0.5 * area(d) for w in wide) for d in found)


def interval(hits: Sequence[Sequence[bool]]) -> str:
    """Recall over all fins, and 95 % of bootstrap draws of the photos."""
    rng, right, of = np.random.default_rng(0), np.array([sum(h) for h in hits]), np.array([len(h) for h in hits])
    drawn = rng.integers(len(hits), size=(DRAWS, len(hits)))
    low, high = np.percentile(right[drawn].sum(axis=1) / of[drawn].sum(axis=1), (2.5, 97.5))
    return f"{right.sum() / of.sum():.2f} [{low:.2f}, {high:.2f}] of {of.sum()}"


def report(what: Sequence[Scene], finder: Finder) -> None:
    """Print the figures of composed photos, by kind, width and setting."""
    rows: dict[tuple[str, int, str], list[tuple[list[bool], int, list[bool], float]]] = defaultdict(list)
    for number, scene in enumerate(what):
        settings = list(finder.settings)
        for tiles in settings[number % len(settings) :] + settings[: number % len(settings)]:
            found, seconds = finder(scene.path, tiles)
            hits, own = shown(scene.pasted, found, FOUND), shown(scene.own, found, FOUND)
            row = hits, false(scene, found), own, seconds
            rows[scene.kind, scene.width, tiles].append(row)
            counted = f"{sum(hits)} found, {row[1]} false, {sum(own)} own, {seconds:.2f} s"
            print(f"{scene.path.name} {tiles}: {counted}", file=sys.stderr, flush=True)
    for kind, width, tiles in sorted(rows, key=lambda r: (r[0], -r[1], list(finder.settings).index(r[2]))):
        hits, wrong, own, seconds = zip(*rows[kind, width, tiles], strict=True)
        recall = f"recall {interval(hits)}, " if width else ""
        owned = f", own animals {sum(map(sum, own))} of {sum(map(len, own))}" if any(own) else ""
        cost = f"{1000 * np.mean(seconds):.0f} (median {1000 * np.median(seconds):.0f}) CPU ms a photo"
        print(f"{kind} {width} {tiles}: {recall}{sum(wrong)} false in {len(wrong)} photos{owned}, {cost}", flush=True)


def report_card(data: Path, finder: Finder) -> None:
    """Print for each photo of card/ how many of its drawn boxes are found at 1,600 pixels and in full size."""
    boxes = boxes_of(data)
    for path in sorted((data / "card").iterdir()):
        rows = boxes[path.stem]
        line: list[str] = []
        for tiles in finder.settings:
            for name, place in (("1,600", data / "fins" / "photos" / rows[0].photo), ("full", path)):
                found, seconds = finder(place, tiles)
                scale = 1.0 if name == "1,600" else max(upright_size(path)) / 1600
                truths = [tuple(scale * c for c in row.corners) for row in rows]
                hits = sum(shown(truths, found, 0.5))
                line.append(f"{tiles} {name} {hits} of {len(rows)} in {len(found)} boxes, {1000 * seconds:.0f} ms")
        print(f"{path.name}: {'; '.join(line)}", flush=True)


def main() -> None:
    """Measure what was asked for."""
    said = arguments()
    cv2.setNumThreads(1)
    made = sorted(scenes(said), key=lambda s: s.path.name[::-1]) if {"small", "empty"} & set(said.only) else []
    finder = Finder(said)
    if "small" in said.only:
        report([s for s in made if s.width], finder)
    if "empty" in said.only:
        report([*(s for s in made if not s.width), *mosaics(said)], finder)
    if "card" in said.only:
        report_card(said.data, finder)


if __name__ == "__main__":
    main()
