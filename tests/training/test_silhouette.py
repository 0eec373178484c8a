from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from whalepipe.errors import WhalepipeError
from whalepipe.models.silhouette import KIND, SHAPE, Silhouettes
from whalepipe.models.weights import find_weights
from whalepipe.training.augment import Strength, moved, warped
from whalepipe.training.outlines import EDGE, HELD, PART, SHOWN, outlined
from whalepipe.training.silhouette import SilhouetteTraining, train_silhouette


@pytest.mark.parametrize("part", ["fluke", "dorsal_fin"])
def test_what_is_known_of_a_rendered_crop_fits_it(part: str) -> None:
    made = outlined(part, range(4), "train", 3)
    assert ((made.truths & EDGE) > 0).any()
    assert made.pictures.shape[1:] == (*HELD[::-1], 3) and made.truths.shape[1:] == HELD[::-1]
    assert len(made.pictures) == len(made.truths) >= 2
    for truth in made.truths:
        inside, line = ((truth & bit) > 0 for bit in (PART, EDGE))
        assert 0.05 < inside.mean() < 0.8
        if line.any():  # drawn 4 pixels wide on the part's border: near what is inside and what is not
            rows, columns = np.nonzero(line)
            near = [inside[max(r - 4, 0) : r + 5, max(c - 4, 0) : c + 5] for r, c in zip(rows, columns, strict=True)]
            assert np.mean([0 < n.mean() < 1 for n in near]) > 0.95
    again = outlined(part, range(2, 4), "train", 3, workers=1)
    assert np.array_equal(again.pictures, made.pictures[-len(again.pictures) :])


def test_nothing_is_learned_from_what_is_kept_from_training() -> None:
    with pytest.raises(ValueError, match="demo"):
        outlined("fluke", range(1), "demo", 0, workers=1)


def test_the_middle_of_a_held_crop_is_what_the_pipeline_cuts() -> None:
    picture = np.zeros((300, 450), np.uint8)  # of a box of 200 x 300 with a quarter around it
    picture[30:270, 45:405] = 255  # with a tenth
    still, rng = Strength(degrees=0, zoom=0, shift=0), np.random.default_rng(0)
    shown = warped(picture, moved(picture.shape, SHAPE, rng, still, 1 / SHOWN), SHAPE, 0)
    assert shown[2:-2, 2:-2].min() == 255
    more = warped(picture, moved(picture.shape, SHAPE, rng, still, 0.95 / SHOWN), SHAPE, 0)
    assert max(more[:2].max(), more[-2:].max(), more[:, :2].max(), more[:, -2:].max()) == 0


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    def options(name: str, epochs: int = 2) -> SilhouetteTraining:
        return SilhouetteTraining(
            out=tmp_path / f"{name}.pt", work_dir=tmp_path / name, rendered=20, epochs=epochs, batch=4, threads=1
        )

    losses: list[float] = []
    said: list[str] = []
    made = train_silhouette(options("whole"), lambda _done, _of, loss: losses.append(loss), said.append)
    assert losses[1] < losses[0]
    assert [line.split(": ")[1].split(",")[0] for line in said] == ["2 epochs of 40 pictures", "1 epoch of 40 pictures"]
    assert (tmp_path / "whole" / "curves.png").is_file()

    def stop(done: int, _of: int, _loss: float) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_silhouette(options("stopped"), stop)
    assert train_silhouette(options("stopped")).digest == made.digest
    with pytest.raises(WhalepipeError, match="holds another training"):
        train_silhouette(options("whole", epochs=3))
    moved_on = replace(options("whole"), out=tmp_path / "elsewhere.pt", threads=2)  # nothing is learned again
    assert train_silhouette(moved_on).digest == made.digest

    card = find_weights(str(made.path), KIND).card
    assert card["retrain"] == (
        "whalepipe train silhouette --rendered 20 --epochs 2 --batch 4 --freeze 2 --seed 0 --out weights/whole.pt"
    )
    assert {row["source"] for row in card["trained_on"]} == {"rendered by whalepipe"}
    for part in ("fluke", "dorsal_fin"):
        assert set(card["figures"][f"rendered {part}"]) == {"iou", "edge_f1", "crops"}
    seen = Silhouettes(made)(np.full((90, 120, 3), 90, np.uint8))
    assert seen.part.shape == seen.edge.shape == SHAPE[::-1] and torch.isfinite(torch.from_numpy(seen.part)).all()


def test_too_few_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WhalepipeError, match="--rendered must be at least 20"):
        train_silhouette(SilhouetteTraining(out=tmp_path / "a.pt", work_dir=tmp_path / "a", rendered=5))
