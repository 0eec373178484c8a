from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import marks
from tests.models.test_edge import Drawn, fin
from whalepipe.config import MatchConfig
from whalepipe.errors import WeightsError
from whalepipe.models.details import CloserLook, Details, closer_look, likeness
from whalepipe.models.silhouette import SHAPE, Silhouette
from whalepipe.models.weights import Weights, save_weights


def details(of: Drawn | fakes.Pixels, part: str) -> Details:
    """What a closer look finds where the silhouettes are known; in a plain picture none is seen."""
    look = CloserLook(Weights(Path("known.pt"), "0" * 64, {}))
    nothing = np.full(SHAPE[::-1], -9, np.float32)
    seen = of.seen() if isinstance(of, Drawn) else Silhouette(nothing, nothing)
    look.__dict__["_silhouettes"] = lambda *_: seen
    return look(of.picture if isinstance(of, Drawn) else of, part)


def test_a_fin_has_an_edge_and_a_head_has_none() -> None:
    found = details(fin(80, 130), "dorsal_fin")
    assert found.marks is not None and found.marks.shape == (2, 128)
    assert details(fin(80, 130), "head").marks is None
    assert details(marks(1), "fluke").marks is None  # no animal in it


def test_as_bytes_and_back() -> None:
    for found in (details(fin(80, 130), "dorsal_fin"), details(marks(1), "head")):
        again = Details.unpacked(found.packed())
        assert np.array_equal(again.keypoints.descriptors, found.keypoints.descriptors)
        assert np.array_equal(again.keypoints.points, found.keypoints.points)
        assert (again.marks is None) == (found.marks is None)
        assert found.marks is None or (again.marks is not None and np.array_equal(again.marks, found.marks))
    for wrong in (b"", b"\2", b"\1" + bytes(511), b"\0?"):
        with pytest.raises(ValueError, match="bytes"):
            Details.unpacked(wrong)


def test_the_best_of_an_individuals_crops_counts() -> None:
    query, same, other = (details(fin(*nicks), "dorsal_fin") for nicks in ((60, 100), (60, 100), (85, 140)))
    alike, unlike = likeness(query, [other, same], "dorsal_fin"), likeness(query, [other], "dorsal_fin")
    assert len(alike.points) == 2 and alike.edge > unlike.edge + 0.2


def test_what_has_no_edge_is_compared_by_its_marks_alone() -> None:
    with_edge, without = details(fin(80), "dorsal_fin"), details(marks(1), "head")
    for first, second in ((with_edge, without), (without, with_edge), (without, without)):
        assert np.isnan(likeness(first, [second], "dorsal_fin").edge)
    assert likeness(without, [without, with_edge], "head").points[0] > 30


def test_a_closer_look_needs_a_card_that_says_what_it_counts(tmp_path: Path) -> None:
    made = save_weights(tmp_path / "outlines.pt", {}, {"kind": "silhouette"})
    config = MatchConfig(silhouette=str(made.path))
    method = CloserLook(made).method
    assert made.digest[:16] in method

    def embedder(**card: str) -> Weights:
        return Weights(Path("embedder.pt"), "0", card)

    assert closer_look(embedder(), config) is None
    assert closer_look(embedder(details=method), MatchConfig(looked_at=0)) is None
    found = closer_look(embedder(details=method), config)
    assert found is not None and found.method == method
    with pytest.raises(WeightsError, match=r"embedder\.pt: .*train the embedder again, or .*looked_at=0"):
        closer_look(embedder(details="another"), config)
