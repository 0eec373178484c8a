"""Rendered and real photos, mixed on contact sheets, to be told apart by somebody who has not seen the key.

    python scripts/blind_sheet.py OUT --real DIR [--real DIR ...] [--photos 60] [--seed 1]

writes OUT/sheet-1.png, ... of 12 numbered tiles and OUT/key.csv (tile, whether rendered, what it is). All tiles have
one size and shape and no border, so that only what they show can tell.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from whalepipe.files import aside
from whalepipe.photos import read_photo
from whalepipe.render import draw_individual, draw_scene, render_scene

TILE = (640, 427)
ACROSS, DOWN = 3, 4
ENDINGS = {".jpg", ".jpeg", ".png"}


def main() -> None:
    """Draw the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--real", type=Path, action="append", required=True, help="a folder of real photos")
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    tiles = [*_real(options.real, options.photos // 2, rng), *_rendered(options.photos - options.photos // 2, rng)]
    tiles = [tiles[i] for i in rng.permutation(len(tiles))]
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "key.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["tile", "rendered", "what"])
        rows.writerows([n, kind, what] for n, (_, kind, what) in enumerate(tiles, 1))
    for first in range(0, len(tiles), ACROSS * DOWN):
        _sheet(tiles, first, options.out / f"sheet-{first // (ACROSS * DOWN) + 1}.png")


def _real(folders: list[Path], count: int, rng: np.random.Generator) -> list[tuple[np.ndarray, bool, str]]:
    """As many of each folder as there are, in turn, so that the largest does not fill the sheets."""
    shuffled = []
    for folder in folders:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS)
        shuffled.append([paths[i] for i in rng.permutation(len(paths))])
    turns = [paths[i] for i in range(max(map(len, shuffled))) for paths in shuffled if i < len(paths)]
    return [(_fit(read_photo(path), rng), False, path.name) for path in turns[:count]]


def _rendered(count: int, rng: np.random.Generator) -> list[tuple[np.ndarray, bool, str]]:
    drawn = []
    for number in range(count):
        part = "fluke" if number % 3 == 0 else "dorsal_fin"
        animals = [draw_individual(part, "look", int(rng.integers(10**6))) for _ in range(1 + int(rng.random() < 0.25))]
        drawn.append((_fit(render_scene(draw_scene(rng, animals)).image, rng), True, part))
    return drawn


def _fit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The largest window of the tile's shape, somewhere in the picture, at the tile's size."""
    height, width = image.shape[:2]
    scale = min(width / TILE[0], height / TILE[1])
    wide, high = int(TILE[0] * scale), int(TILE[1] * scale)
    left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
    window = image[top : top + high, left : left + wide]
    return np.asarray(cv2.resize(window, TILE, interpolation=cv2.INTER_AREA))


def _sheet(tiles: list[tuple[np.ndarray, bool, str]], first: int, path: Path) -> None:
    sheet = np.zeros((DOWN * TILE[1], ACROSS * TILE[0], 3), np.uint8)
    for place, (tile, _, _) in enumerate(tiles[first : first + ACROSS * DOWN]):
        left, top = place % ACROSS * TILE[0], place // ACROSS * TILE[1]
        sheet[top : top + TILE[1], left : left + TILE[0]] = tile
        at = (left + 8, top + 30)
        for colour, thick in ((0, 5), (255, 2)):
            cv2.putText(sheet, str(first + place + 1), at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, (colour,) * 3, thick)
    with aside(path) as temporary:
        cv2.imwrite(str(temporary), sheet[..., ::-1])


if __name__ == "__main__":
    main()
