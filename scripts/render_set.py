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
from whalepipe.render import for_training, paste, render_scene, save_photo, scene_rng
from whalepipe.render.paste import OF_CAMERA
from whalepipe.render.settings import FAULTS
from whalepipe.training.rendered import STREAM, Shown, drawn_scene, write_truth
from whalepipe.training.seas import Seas


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--number", type=int, default=6, help="of photos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stream", default=STREAM, help='of animals and seas; not "demo", "test"')
    parser.add_argument("--parts", nargs="+", default=["fluke", "dorsal_fin"], help="photo by photo in turn")
    parser.add_argument("--size", type=int, default=480, help="width of a photo in pixels; its height is two thirds")
    parser.add_argument("--seas", type=Path, help="a folder of photos: the animals stand in their box-free seas")
    parser.add_argument("--boxes", type=Path, help="the boxes of those photos (boxes.csv)")
    said = parser.parse_args()
    if bool(said.seas) != bool(said.boxes):
        parser.error("--seas and --boxes go together")
    return said


def photos(said: argparse.Namespace) -> Iterator[Shown]:
    """Render and save photo after photo; every fault has its turn, and no two photos are one encounter."""
    size = (said.size, said.size * 2 // 3)
    seas = Seas([(said.boxes, said.seas)]) if said.seas else None
    faults = [fault for fault in FAULTS if seas is None or fault not in OF_CAMERA]
    for number in range(said.number):
        fault = faults[number % len(faults)]
        scene = drawn_scene(said.stream, said.seed, number, said.parts, size, [fault])
        if seas is None:
            made = render_scene(scene)
        else:
            made = paste(scene, seas.window(scene_rng(said.stream, "seas", said.seed, number), size))
        name = f"{number:04d}.jpg"
        save_photo(said.out / "photos" / name, made.image, quality=85)
        yield Shown(name, f"{said.stream}-{said.seed}-{number}", size[1], size[0], made.truths)


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
