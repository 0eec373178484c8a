import numpy as np
import pytest

from tests.helpers import marks
from tests.models.test_edge import fin
from whalepipe.models.details import Details, details, likeness


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
