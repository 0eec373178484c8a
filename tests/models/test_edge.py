import cv2
import numpy as np
import pytest

from tests import fakes
from whalepipe.models.edge import Edge, compare, compare_many, trace
from whalepipe.models.outline import evenly, length, smoothed

SEA, SKIN = (120, 150, 170), (60, 62, 66)
TRAILING = [(185, 22), (170, 62), (164, 112), (170, 160), (192, 206)]  # tip to base, x and y


def sea(height: int, width: int, seed: int = 0) -> fakes.Pixels:
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 1))
    return np.clip(np.array(SEA) + noise, 0, 255).astype(np.uint8)


def fin(*nicks: float, skin: tuple[int, int, int] = SKIN) -> fakes.Pixels:
    """A fin whose tip points right, with nicks 14 pixels deep and 16 high in its trailing edge at these rows."""
    rows = np.arange(22.0, 207.0)
    x = np.interp(rows, [y for _, y in TRAILING], [x for x, _ in TRAILING])
    for nick in nicks:
        x -= 14 * np.clip(1 - np.abs(rows - nick) / 8, 0, None)
    leading = [(0, 239), (0, 216), (34, 206), (110, 96), (165, 30)]
    outline = np.vstack([leading, np.stack([x, rows], 1), [(239, 214), (239, 239)]])
    picture = sea(240, 240)
    cv2.fillPoly(picture, [np.round(outline * 16).astype(np.int32)], skin, cv2.LINE_AA, 4)
    return picture


def fluke(*notches: float) -> fakes.Pixels:
    """A fluke 300 pixels wide with notches in its trailing edge at these columns, beside the central one at 180."""
    columns = np.arange(30.0, 331.0)
    y = 26 + 24 * (1 - np.abs(columns - 180) / 150)
    y += 22 * np.clip(1 - np.abs(columns - 180) / 14, 0, None)
    for notch in notches:
        y += 12 * np.clip(1 - np.abs(columns - notch) / 9, 0, None)
    leading = [(300, 90), (205, 140), (200, 165), (160, 165), (155, 140), (60, 90)]
    picture = sea(180, 360)
    outline = np.vstack([np.stack([columns, y], 1), leading])
    cv2.fillPoly(picture, [np.round(outline * 16).astype(np.int32)], SKIN, cv2.LINE_AA, 4)
    return picture


def edge(picture: fakes.Pixels, part: str = "dorsal_fin") -> Edge:
    found = trace(picture, part)
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
    left, right = edge(fin(80, 130)), edge(fin(80, 130)[:, ::-1].copy())
    assert np.abs(left.points - right.points).max() < 0.02
    assert compare(left, right) > 0.8 * compare(left, left)


def test_a_tilted_fin_is_the_same_fin() -> None:
    turn = cv2.getRotationMatrix2D((120, 120), 6, 1.0)
    tilted = cv2.warpAffine(fin(90, 120), turn, (240, 240), borderMode=cv2.BORDER_REPLICATE)
    assert compare(edge(fin(90, 120)), edge(np.asarray(tilted))) > compare(edge(fin(90, 120)), edge(fin(75, 145))) + 0.4


def test_a_fluke_is_traced_from_tip_to_tip_over_its_notch() -> None:
    found = edge(fluke(), "fluke")
    assert found.pixels[0, 0] < 40
    assert found.pixels[-1, 0] > 320
    deepest = found.pixels[30:98][found.pixels[30:98, 1].argmax()]
    assert abs(deepest[0] - 180) < 4


def test_a_dorsal_view_shows_the_mirror_image_of_the_ventral() -> None:
    ventral, dorsal = edge(fluke(90, 120), "fluke"), edge(fluke(90, 120)[:, ::-1].copy(), "fluke")
    assert compare(ventral, dorsal) > 0.8 * compare(ventral, ventral)
    assert compare(ventral, edge(fluke(60, 290), "fluke")) < compare(ventral, dorsal) - 0.2


@pytest.mark.parametrize("part", ["dorsal_fin", "fluke"])
@pytest.mark.parametrize(
    "picture",
    [
        np.full((200, 240, 3), 128, np.uint8),
        sea(200, 240),
        np.random.default_rng(1).integers(0, 256, (200, 240, 3)).astype(np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((3, 900, 3), np.uint8),
    ],
    ids=["grey", "sea", "noise", "a pixel", "a strip"],
)
def test_where_no_animal_is_there_is_no_edge(picture: fakes.Pixels, part: str) -> None:
    assert trace(picture, part) is None


def test_many_are_compared_as_one_by_one() -> None:
    edges = [edge(fin(*nicks)) for nicks in ((), (90,), (90, 140))]
    assert compare_many(edges[1], edges) == pytest.approx([compare(edges[1], other) for other in edges])
    assert compare_many(edges[0], []).shape == (0,)


def test_a_fin_and_a_fluke_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="dorsal_fin"):
        compare(edge(fin()), edge(fluke(), "fluke"))


def test_a_path_is_resampled_evenly_and_smoothed_between_its_ends() -> None:
    path = np.array([[0, 0], [3, 4], [3, 14]], np.float32)
    assert length(path) == 15.0
    assert evenly(path, 4) == pytest.approx(np.array([[0, 0], [3, 4], [3, 9], [3, 14]]))
    line = np.stack([np.arange(20), np.zeros(20)], 1).astype(np.float32)
    assert smoothed(line, 2.0) == pytest.approx(line, abs=1e-4)
