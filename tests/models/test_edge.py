from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from tests import fakes
from whalepipe.models.edge import Edge, compare, compare_many, trace
from whalepipe.models.outline import evenly, length, smoothed
from whalepipe.models.silhouette import SHAPE, Silhouette

SEA, SKIN = (120, 150, 170), (60, 62, 66)
TRAILING = [(185, 22), (170, 62), (164, 112), (170, 160), (192, 206)]  # tip to base, x and y


@dataclass(frozen=True)
class Drawn:
    """A crop of a part, and which of its pixels, 0 to 255, show the part and its trailing edge."""

    picture: fakes.Pixels
    part: str
    inside: fakes.Pixels
    line: fakes.Pixels

    def moved(self, matrix: np.ndarray) -> "Drawn":
        size = self.picture.shape[1::-1]
        pictures = [
            np.asarray(cv2.warpAffine(p, matrix, size, borderMode=cv2.BORDER_REPLICATE))
            for p in (self.picture, self.inside, self.line)
        ]
        return Drawn(pictures[0], self.part, *pictures[1:])

    def mirrored(self) -> "Drawn":
        return self.moved(np.array([[-1.0, 0, self.picture.shape[1] - 1], [0, 1, 0]]))

    def seen(self) -> Silhouette:
        """As a network that knows would see it."""
        maps = [cv2.resize(p, SHAPE, interpolation=cv2.INTER_AREA) for p in (self.inside, self.line)]
        part, line = (((p / 255 - level) * 12).astype(np.float32) for p, level in zip(maps, (0.5, 0.2), strict=True))
        return Silhouette(part, line)


def drawn(picture: fakes.Pixels, part: str, outline: np.ndarray, trailing: np.ndarray, skin: tuple[int, ...]) -> Drawn:
    inside, line = (np.zeros(picture.shape[:2], np.uint8) for _ in range(2))
    corners, along = (np.round(points * 16).astype(np.int32) for points in (outline, trailing))
    cv2.fillPoly(picture, [corners], skin, cv2.LINE_AA, 4)
    cv2.fillPoly(inside, [corners], 255, cv2.LINE_AA, 4)
    cv2.polylines(line, [along], False, 255, 4, cv2.LINE_AA, 4)
    return Drawn(picture, part, inside, line)


def sea(height: int, width: int, seed: int = 0) -> fakes.Pixels:
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 1))
    return np.clip(np.array(SEA) + noise, 0, 255).astype(np.uint8)


def fin(*nicks: float, skin: tuple[int, int, int] = SKIN) -> Drawn:
    """A fin whose tip points right, with nicks 14 pixels deep and 16 high in its trailing edge at these rows."""
    rows = np.arange(22.0, 207.0)
    x = np.interp(rows, [y for _, y in TRAILING], [x for x, _ in TRAILING])
    for nick in nicks:
        x -= 14 * np.clip(1 - np.abs(rows - nick) / 8, 0, None)
    leading, trailing = [(34, 206), (110, 96), (165, 30)], np.stack([x, rows], 1)
    return drawn(sea(240, 240), "dorsal_fin", np.vstack([leading, trailing]), trailing, skin)


def fluke(*notches: float) -> Drawn:
    """A fluke 300 pixels wide with notches in its trailing edge at these columns, beside the central one at 180."""
    columns = np.arange(30.0, 331.0)
    y = 26 + 24 * (1 - np.abs(columns - 180) / 150)
    y += 22 * np.clip(1 - np.abs(columns - 180) / 14, 0, None)
    for notch in notches:
        y += 12 * np.clip(1 - np.abs(columns - notch) / 9, 0, None)
    leading, trailing = [(300, 90), (205, 140), (200, 165), (160, 165), (155, 140), (60, 90)], np.stack([columns, y], 1)
    return drawn(sea(180, 360), "fluke", np.vstack([trailing, leading]), trailing, SKIN)


def edge(of: Drawn) -> Edge:
    found = trace(of.picture, of.part, of.seen())
    assert found is not None
    return found


def test_a_fins_trailing_edge_is_traced_from_tip_to_base() -> None:
    found = edge(fin())
    x = np.interp(found.pixels[:, 1], [y for _, y in TRAILING], [x for x, _ in TRAILING])
    assert np.median(np.abs(found.pixels[:, 0] - x)) < 1.0
    assert np.abs(found.pixels[0] - TRAILING[0]).max() < 8
    assert found.pixels[-1, 1] > 185
    assert found.plain == 1.0


def test_a_nick_is_traced_to_its_bottom() -> None:
    found = edge(fin(100))
    near = np.abs(found.pixels[:, 1] - 100) < 4
    assert found.pixels[near, 0].min() < 156  # 165 without the nick, 151 at its bottom


def test_a_nick_that_moved_is_seen() -> None:
    one, again, moved, none = fin(100), fin(100, skin=(90, 80, 70)), fin(140), fin()
    same = compare(edge(one), edge(again))
    assert same > 0.3
    assert compare(edge(one), edge(moved)) < same - 0.5
    assert compare(edge(one), edge(none)) < same - 0.3


def test_the_other_side_of_a_fin_shows_the_same_edge() -> None:
    left, right = edge(fin(80, 130)), edge(fin(80, 130).mirrored())
    assert np.abs(left.points - right.points).max() < 0.02
    assert compare(left, right) > 0.8 * compare(left, left)


def test_a_tilted_fin_is_the_same_fin() -> None:
    turn = cv2.getRotationMatrix2D((120, 120), 6, 1.0)
    one = edge(fin(90, 120))
    assert compare(one, edge(fin(90, 120).moved(turn))) > compare(one, edge(fin(75, 145))) + 0.4


def test_a_fluke_is_traced_from_tip_to_tip_over_its_notch() -> None:
    found = edge(fluke())
    assert found.pixels[0, 0] < 40
    assert found.pixels[-1, 0] > 320
    deepest = found.pixels[30:98][found.pixels[30:98, 1].argmax()]
    assert abs(deepest[0] - 180) < 4


def test_a_dorsal_view_shows_the_mirror_image_of_the_ventral() -> None:
    ventral, dorsal = edge(fluke(90, 120)), edge(fluke(90, 120).mirrored())
    assert compare(ventral, dorsal) > 0.8 * compare(ventral, ventral)
    assert compare(ventral, edge(fluke(60, 290))) < compare(ventral, dorsal) - 0.2


@pytest.mark.parametrize("part", ["dorsal_fin", "fluke"])
@pytest.mark.parametrize("shape", [(200, 240, 3), (1, 1, 3), (3, 900, 3)])
@pytest.mark.parametrize("shown", [-9.0, 9.0], ids=["nothing", "all of it"])
def test_where_no_outline_is_there_is_no_edge(shape: tuple[int, int, int], part: str, shown: float) -> None:
    flat = np.full(SHAPE[::-1], shown, np.float32)
    assert trace(np.full(shape, 128, np.uint8), part, Silhouette(flat, flat)) is None


@pytest.mark.parametrize("part", ["dorsal_fin", "fluke"])
def test_an_outline_that_hardly_meets_an_edge_is_none(part: str) -> None:
    inside, line = (np.full(SHAPE[::-1], -9, np.float32) for _ in range(2))
    inside[40:120, 40:180] = 9
    line[40, 40] = 9  # a corner
    assert trace(np.full((160, 224, 3), 128, np.uint8), part, Silhouette(inside, line)) is None
    inside[:], line[:] = -9, 9
    inside[80, 10:200] = 9  # a thread
    assert trace(np.full((160, 224, 3), 128, np.uint8), part, Silhouette(inside, line)) is None


def test_where_the_network_sees_no_trailing_edge_there_is_none() -> None:
    for of in (fin(90), fluke(90)):
        assert trace(of.picture, of.part, replace(of.seen(), edge=np.full(SHAPE[::-1], -9, np.float32))) is None


def test_the_middle_of_an_edge_may_be_hidden_but_not_most_of_it() -> None:
    whole = fluke(90, 250)
    some, most = whole.line.copy(), whole.line.copy()
    some[:, 120:128] = 0
    most[:, 80:] = 0
    assert compare(edge(replace(whole, line=some)), edge(whole)) > 0.8 * compare(edge(whole), edge(whole))
    hidden = replace(whole, line=most)
    assert trace(hidden.picture, "fluke", hidden.seen()) is None


def test_many_are_compared_as_one_by_one() -> None:
    edges = [edge(fin(*nicks)) for nicks in ((), (90,), (90, 140))]
    assert compare_many(edges[1], edges) == pytest.approx([compare(edges[1], other) for other in edges])
    assert compare_many(edges[0], []).shape == (0,)


def test_a_fin_and_a_fluke_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="dorsal_fin"):
        compare(edge(fin()), edge(fluke()))


def test_a_path_is_resampled_evenly_and_smoothed_between_its_ends() -> None:
    path = np.array([[0, 0], [3, 4], [3, 14]], np.float32)
    assert length(path) == 15.0
    assert evenly(path, 4) == pytest.approx(np.array([[0, 0], [3, 4], [3, 9], [3, 14]]))
    line = np.stack([np.arange(20), np.zeros(20)], 1).astype(np.float32)
    assert smoothed(line, 2.0) == pytest.approx(line, abs=1e-4)
