"""Does the embedder look at the animal? The share of attribution on rendered animals, whose masks are known.

Two photos each of rendered animals that no training drew, of the question how like the one is to the other: by the
shipped embedder and by the ImageNet network that its training began with (its pooled features, nothing learned), each
on the crops that the pipeline would cut and on the whole photos. With --train one network is trained by the recipe
`whalepipe` on whole photos of further animals, and another on the crops of the same photos, both so long that so many
pictures were shown; each looks at pictures of the kind that it was trained on. How often it then names the animal of a
held-out photo of those that it was trained on is printed too.

For each: the share of what speaks for the likeness that lies on the animal, by occlusion and by Grad-CAM; the share
of the picture that the animal covers, which a network that looks nowhere would reach; and the share that a model of
which nothing but the animal counts would reach by the same sweep of the grey square (its ceiling: the square is
coarse). Then how far the share is from the one to the other, with a 95 % interval by resampling animals. On whole
photos the square is half as long beside the picture, and its places do not overlap. Of crops there is a row too with
the masks of the silhouette network in the place of the true ones, as `evaluate identity --attribution` has them.

Usage: python scripts/attribution_trial.py [--animals 20] [--part dorsal_fin --part fluke] [--seed 1] [--embedder NAME]
    [--train 3000] [--trained 60] [--shots 5] [--size 128]
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whalepipe.boxes import window
from whalepipe.config import CropConfig
from whalepipe.evaluation.boxes import interval, resample
from whalepipe.models import attribution, embedder, silhouette
from whalepipe.models.attribution import SWEEP, Sweep
from whalepipe.models.embedder import Voter
from whalepipe.models.weights import find_weights
from whalepipe.render import draw_individual, draw_scene, for_training, render_scene, scene_rng
from whalepipe.training.imagenet import BACKBONE, load_imagenet
from whalepipe.training.memory import keep_freed_memory
from whalepipe.training.recipes.fit import fit
from whalepipe.training.recipes.fitting import Fitting
from whalepipe.training.recipes.recipe import Split, changed, read_recipe
from whalepipe.training.recipes.sampling import Crops, held_out
from whalepipe.training.recipes.train import judged

STREAM, FIRST = "train", 7000  # of individuals of that stream no training draws so high a number
TRAINED = 5000  # nor this: the first that a network is trained on here
WIDTH, HEIGHT = 960, 640
LEAST = 80  # pixels that a part is wide
TRIES = 20
OF_PHOTOS = Sweep(0.125, 1)
TIMES = 2000

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Map = NDArray[np.float32]


@dataclass(frozen=True)
class Shown:
    """A rendered photo of one animal, and the window of its crop: left, top, right, bottom."""

    image: Pixels
    mask: Mask
    window: tuple[int, int, int, int]

    def cut(self, cropped: bool) -> tuple[Pixels, Mask]:
        """The crop, or the whole photo; and its mask."""
        left, top, right, bottom = self.window if cropped else (0, 0, WIDTH, HEIGHT)
        return np.ascontiguousarray(self.image[top:bottom, left:right]), self.mask[top:bottom, left:right]


def photos(part: str, number: int, seed: int) -> Iterator[Shown]:
    """Photos of one animal in which it is large enough to be asked for."""
    individual = draw_individual(part, STREAM, number)
    for shot in range(TRIES):
        place = number - FIRST if number >= FIRST else number
        rng = scene_rng(for_training(STREAM), "attribution", seed, part, place, shot)
        rendered = render_scene(draw_scene(rng, [individual], WIDTH, HEIGHT))
        for truth in rendered.truths:
            if truth.xmax - truth.xmin >= LEAST:
                box = window(truth, CropConfig().margin, WIDTH, HEIGHT)
                yield Shown(rendered.image, truth.mask(HEIGHT, WIDTH), box)


def untrained() -> list[Voter]:
    """The network that training began with, its pooled features as they are."""
    import torch

    network = embedder.build(BACKBONE, 1280).eval()
    load_imagenet(network.backbone)  # type: ignore[arg-type]
    network.linear.weight.data = torch.eye(1280)  # type: ignore[union-attr]
    return [Voter(network, [256])]


def lessons(part: str, said: argparse.Namespace) -> Iterator[tuple[bool, Crops]]:
    """Crops, and the whole photos that they were cut from, of animals that are not asked about."""
    pictures: dict[bool, list[Pixels]] = {True: [], False: []}
    names = []
    for number in range(TRAINED, TRAINED + said.trained):
        for shown in islice(photos(part, number, said.seed), said.shots):
            names.append(str(number))
            for cropped, mine in pictures.items():
                mine.append(embedder.squashed(shown.cut(cropped)[0], said.size))
    places = [str(place) for place in range(len(names))]
    for cropped, mine in pictures.items():
        yield cropped, Crops(np.stack(mine), names, [""] * len(names), places, [part] * len(names))


def trained(crops: Crops, of: str, said: argparse.Namespace) -> list[Voter]:
    """A network that was trained on these, but for photos that it is scored on."""
    recipe = changed(read_recipe("whalepipe"), size=said.size, workers=0)
    held = held_out(crops, range(len(crops)), Split(), 0, said.seed)
    train = sorted(set(range(len(crops))) - set(held))
    with tempfile.TemporaryDirectory() as folder:
        fitted = fit(crops, train, [], recipe, Fitting(Path(folder), showings=said.train, seed=said.seed))
    told = judged(fitted, crops, train, held, recipe)
    top1 = f"top-1 {told['top1']} {told['intervals']['top1']} of {told['queries']} held out"
    print(f"trained on {of}: {len(train)} pictures of {told['classes']} animals; {top1}", flush=True)
    return [Voter(fitted.network.eval(), [said.size], fitted.shown)]


def networks(part: str, said: argparse.Namespace) -> Iterator[tuple[str, list[Voter], bool]]:
    """Each network, and whether it looks at crops, else at whole photos."""
    shipped = embedder.load_voters(find_weights(said.embedder, embedder.KIND))
    for name, voters in (("shipped", shipped), ("untrained", untrained())):
        yield from ((name, voters, cropped) for cropped in (True, False))
    for cropped, crops in lessons(part, said) if said.train else ():
        of = f"{part}, {'crops' if cropped else 'whole photos'}"
        yield "trained on such", trained(crops, of, said), cropped


def look(voters: Sequence[Voter], first: Shown, second: Shown, cropped: bool) -> dict[str, Map]:
    """The maps of one pair, of which the first is asked about, and of a model that sees the animal alone."""
    (picture, _), (other, _) = first.cut(cropped), second.cut(cropped)
    sweep, picture = SWEEP if cropped else OF_PHOTOS, attribution.shrunk(picture)
    question = attribution.likeness_to(embedder.voted(voters, [other])[0])
    hidden = attribution.occlusion(voters, picture, question, sweep=sweep)
    return {"occlusion": hidden, "gradcam": attribution.seen(voters, picture, question)[0]}


def shares(maps: dict[str, Map], mask: Mask, cropped: bool) -> dict[str, float]:
    """What of the maps lies on a mask, and between which bounds."""
    found = attribution.bounded(maps["occlusion"], mask, SWEEP if cropped else OF_PHOTOS)
    told = found or attribution.Shares(0.0, float(mask.mean()), 0.0)
    gradcam = attribution.share(maps["gradcam"], mask) or 0.0
    return {"occlusion": told.attribution, "gradcam": gradcam, "chance": told.chance, "ceiling": told.ceiling}


def told(name: str, rows: Sequence[dict[str, float]]) -> None:
    """Print the means of one row of the table with their intervals."""
    draws = resample(len(rows), TIMES, 0)
    values = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    samples = {key: each[draws].mean(1) for key, each in values.items()}
    whole = {key: each.mean(keepdims=True) for key, each in values.items()}
    for one in (samples, whole):
        one["from chance to ceiling"] = (one["occlusion"] - one["chance"]) / (one["ceiling"] - one["chance"])
    cells = (f"{key} {whole[key][0]:.2f} {interval(list(samples[key]))}" for key in samples)
    print(f"{name}, {len(rows)} animals: {'; '.join(cells)}", flush=True)


def main() -> None:
    """Draw the animals, look, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--animals", type=int, default=20, help="of each part")
    parser.add_argument("--part", action="append", choices=silhouette.PARTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--embedder", default="embedder")
    parser.add_argument("--train", type=int, default=0, help="pictures that each network trained here is shown")
    parser.add_argument("--trained", type=int, default=60, help="animals of each part that it is trained on")
    parser.add_argument("--shots", type=int, default=5, help="photos of each of those")
    parser.add_argument("--size", type=int, default=128, help="side of the squares that it is shown")
    said = parser.parse_args()
    keep_freed_memory()
    outlines = silhouette.Silhouettes(find_weights("silhouette", silhouette.KIND))
    for part in said.part or silhouette.PARTS:
        rows: dict[str, list[dict[str, float]]] = {}
        those = list(networks(part, said))
        for number in range(FIRST, FIRST + said.animals):
            shown = list(islice(photos(part, number, said.seed), 2))
            if len(shown) < 2:
                continue
            for name, voters, cropped in those:
                maps, (picture, mask) = look(voters, *shown, cropped), shown[0].cut(cropped)
                row = f"{part}, {name}, {'crops' if cropped else 'whole photos'}"
                rows.setdefault(row, []).append(shares(maps, mask, cropped))
                if cropped:
                    seen = outlines(picture).part > 0
                    rows.setdefault(f"{row}, masks by silhouette", []).append(shares(maps, seen, cropped))
            print(f"{part} {number}", file=sys.stderr, flush=True)
        for name, found in rows.items():
            told(name, found)


if __name__ == "__main__":
    main()
