"""Render photos of flukes and fins at sea with all that is known of them, as label files in whalepipe's own formats.

Writes OUT/photos, OUT/boxes.csv, OUT/faults.csv, OUT/contours.csv and OUT/masks (labels/README.md describes them): the
same files for the same arguments on the same machine. With --seas the animals stand in real, box-free seas.

Usage: python scripts/render_set.py --out OUT [--number 6] [--seed 0] [--stream train] [--parts fluke dorsal_fin]
       [--size 480] [--seas DIR --boxes CSV]
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from whalepipe.errors import WhalepipeError
from whalepipe.render import for_training, render_scene, save_photo
from whalepipe.render.settings import FAULTS
from whalepipe.training.rendered import STREAM, Shown, drawn_scene, write_truth


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--number", type=int, default=6, help="of photos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stream", default=STREAM, help='of animals and seas; not "demo", "test"')
    parser.add_argument("--parts", nargs="+", default=["fluke", "dorsal_fin"], help="photo by photo in turn")
    parser.add_argument("--size", type=int, default=480, help="width of a photo in pixels; its height is two thirds")
    return parser.parse_args()


def photos(said: argparse.Namespace) -> Iterator[Shown]:
    """Render and save photo after photo; every fault has its turn, and no two photos are one encounter."""
    width, height = said.size, said.size * 2 // 3
    for number in range(said.number):
        fault = FAULTS[number % len(FAULTS)]
        scene = drawn_scene(said.stream, said.seed, number, said.parts, (width, height), [fault])
        made = render_scene(scene)
        name = f"{number:04d}.jpg"
        save_photo(said.out / "photos" / name, made.image)
        yield Shown(name, f"{said.stream}-{said.seed}-{number}", height, width, made.truths)


def main() -> None:
    """Write the set."""
    said = arguments()
    if said.out.exists() and any(said.out.iterdir()):
        sys.exit(f"render_set: {said.out} is not empty: what an earlier set left would pass for this one's")
    try:
        for_training(said.stream)
        (said.out / "photos").mkdir(parents=True, exist_ok=True)
        write_truth(said.out, photos(said))
    except (WhalepipeError, ValueError, OSError) as error:
        sys.exit(f"render_set: {error}")


if __name__ == "__main__":
    main()
