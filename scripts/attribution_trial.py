"""Does the embedder look at the animal? The share of attribution on rendered animals, whose masks are known.

Two photos each of rendered animals that no training drew, of the question how like the one is to the other: by the
shipped embedder and by the ImageNet network that its training began with (its pooled features, nothing learned), each
on the crops that the pipeline would cut and on the whole photos. No network was trained on whole photos for this: it
tells what cropping and what training do to where these two networks look.

For each: the share of what speaks for the likeness that lies on the animal, by occlusion and by Grad-CAM; the share
of the picture that the animal covers, which a network that looks nowhere would reach; and the share that a model of
which nothing but the animal counts would reach by the same sweep of the grey square (its ceiling: the square is
coarse). Then how far the share is from the one to the other, with a 95 % interval by resampling animals. On whole
photos the square is half as long beside the picture, and its places do not overlap. Of crops there is a row too with
the masks of the silhouette network in the place of the true ones, as `evaluate identity --attribution` has them.

Usage: python scripts/attribution_trial.py [--animals 20] [--part dorsal_fin --part fluke] [--seed 1] [--embedder NAME]
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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

STREAM, FIRST = "train", 7000  # of individuals of that stream no training draws so high a number
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
    individual = draw_individual(part, STREAM, FIRST + number)
    for shot in range(TRIES):
        rng = scene_rng(for_training(STREAM), "attribution", seed, part, number, shot)
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
    said = parser.parse_args()
    networks = {
        "shipped": embedder.load_voters(find_weights(said.embedder, embedder.KIND)),
        "untrained": untrained(),
    }
    outlines = silhouette.Silhouettes(find_weights("silhouette", silhouette.KIND))
    for part in said.part or silhouette.PARTS:
        rows: dict[str, list[dict[str, float]]] = {}
        for number in range(said.animals):
            shown = [shot for shot, _ in zip(photos(part, number, said.seed), range(2), strict=False)]
            if len(shown) < 2:
                continue
            for name, voters in networks.items():
                for cropped in (True, False):
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
