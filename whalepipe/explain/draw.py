"""The picture of an explanation: query and candidate side by side, once for each kind of map."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whalepipe.models.attribution import Maps
from whalepipe.photos import fitted

WIDE, HIGH = 300, 240  # pixels that a crop may fill
GAP, TITLE, HEAD = 10, 24, 26
PAPER, INK, MUTED, LINE = (255, 255, 255), (20, 33, 43), (84, 102, 115), (255, 214, 10)
SIZE = 14  # of the writing, pixels
MOST_PAIRS = 60  # that are drawn, the ones most alike in place first
HEAT = 0.75  # of a pixel at the most is colour
COLOURS = cv2.COLORMAP_INFERNO

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Side:
    """One crop, (height, width, 3) uint8 RGB, its maps, where it shows the animal, and what stands above it."""

    crop: Pixels
    maps: Maps
    title: str
    animal: Mask | None = None  # of any size
    mirrored: bool = False  # drawn so


@dataclass(frozen=True)
class Drawing:
    """What is drawn: a query, perhaps a candidate, and the pairs (n, 4) of points that agree (keypoints.pairs)."""

    query: Side
    other: Side | None = None
    pairs: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    species: str = ""  # that the query is taken for, where there is no candidate


def draw(what: Drawing) -> Image.Image:
    """Marks that agree, occlusion, Grad-CAM, last convolution: two blocks beside two with a candidate, else four."""
    sides = [what.query, *([what.other] if what.other else [])]
    high = max(_scaled(side).shape[0] for side in sides)
    blocks = [_block(what, sides, title, kind, high) for title, kind in _titles(what)]
    across = 2 if what.other else 4
    rows = [blocks[i : i + across] for i in range(0, len(blocks), across)]
    wide, tall = blocks[0].size
    sheet = Image.new("RGB", (across * wide + (across + 1) * GAP, len(rows) * (tall + GAP) + GAP), PAPER)
    for number, block in enumerate(blocks):
        row, column = divmod(number, across)
        sheet.paste(block, (GAP + column * (wide + GAP), GAP + row * (tall + GAP)))
    return sheet


def _titles(what: Drawing) -> list[tuple[str, str]]:
    most = max(0.0, float(what.query.maps.occlusion.max(initial=0)))
    crops = f"Marks that agree: {len(what.pairs)}" if what.other else f"Taken for {what.species}"
    asked = "likeness" if what.other else "score"
    return [
        (crops, ""),
        (f"Occlusion: {asked} lost, up to {most:.2g}", "occlusion"),
        (f"Grad-CAM of the {asked}", "gradcam"),
        ("Last convolution, whatever is asked", "activation"),
    ]


def _block(what: Drawing, sides: Sequence[Side], title: str, kind: str, high: int) -> Image.Image:
    """One kind of map of each crop, under its title."""
    wide = len(sides) * WIDE + (len(sides) - 1) * GAP
    block = Image.new("RGB", (wide, TITLE + HEAD + high), PAPER)
    pen = ImageDraw.Draw(block)
    _write(pen, (0, 2), title, INK, wide)
    frames = []
    for number, side in enumerate(sides):
        picture = _shown(side, kind)
        left = number * (WIDE + GAP) + (WIDE - picture.shape[1]) // 2
        top = TITLE + HEAD + (high - picture.shape[0]) // 2
        _write(pen, (number * (WIDE + GAP), TITLE + 2), side.title, MUTED, WIDE)
        block.paste(Image.fromarray(picture), (left, top))
        frames.append((left, top, picture.shape[1], picture.shape[0], side.mirrored))
    return _joined(block, frames, what.pairs) if not kind and len(frames) == 2 else block


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, tone: tuple[int, int, int], room: int) -> None:
    """Text in one line, its end left out where it has no room."""
    font = ImageFont.load_default(SIZE)
    shown = text
    while shown and pen.textlength(shown, font) > room:
        shown = shown.removesuffix("...")[:-1] + "..." if len(shown) > 4 else ""
    pen.text(at, shown, tone, font)


def _scaled(side: Side) -> Pixels:
    height, width = side.crop.shape[:2]
    size = fitted(width, height, round(max(width, height) * min(WIDE / width, HIGH / height)))
    kind = cv2.INTER_AREA if size[0] < width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(side.crop, size, interpolation=kind), np.uint8)


def _shown(side: Side, kind: str) -> Pixels:
    """A crop with one of its maps over it, and around the animal a line; as it is where `kind` is empty."""
    picture = _scaled(side)
    if kind:
        picture = _heated(picture, getattr(side.maps, kind))
        if side.animal is not None:
            _outline(picture, side.animal)
    return np.ascontiguousarray(picture[:, ::-1] if side.mirrored else picture)


def _heated(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """What is hot in colour, what is not in grey, the hottest place as hot as can be."""
    size = picture.shape[1::-1]
    positive = cv2.resize(np.maximum(heat, 0), size, interpolation=cv2.INTER_LINEAR)
    told = (positive / max(float(positive.max()), 1e-12))[..., None]
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    tones = cv2.cvtColor(cv2.applyColorMap(np.uint8(np.round(told * 255)), COLOURS), cv2.COLOR_BGR2RGB)
    share = HEAT * np.sqrt(told)
    return np.asarray(np.round(grey * (1 - share) + tones * share), np.uint8)


def _outline(picture: Pixels, animal: Mask) -> None:
    on = cv2.resize(animal.astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    lines, _ = cv2.findContours(on, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, lines, -1, PAPER, 1, cv2.LINE_AA)


def _joined(
    block: Image.Image, frames: Sequence[tuple[int, int, int, int, bool]], pairs: NDArray[np.float32]
) -> Image.Image:
    """A line from each point of the query to its like in the candidate."""
    over = block.copy()
    pen = ImageDraw.Draw(over)
    for row in pairs[:MOST_PAIRS]:
        ends = []
        for (left, top, width, height, mirrored), (x, y) in zip(frames, row.reshape(2, 2), strict=True):
            across = 1 - x if mirrored else x
            ends.append((left + float(across) * width, top + float(y) * height))
        pen.line(ends, LINE, 1)
        for x, y in ends:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), LINE, INK)
    return Image.blend(block, over, 0.8)
