"""Going on from finished weights: on all crops, from where each individual's lie, with the figures that are known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_embedder import drawn, labels, options, trained  # noqa: F401
from whalepipe.errors import WeightsError, WhalepipeError
from whalepipe.models.embedder import Embedder
from whalepipe.models.weights import Weights, find_weights, save_weights
from whalepipe.training.crops import LabelSet, Split, load
from whalepipe.training.embedder import _start, train_embedder
from whalepipe.training.further import begun
from whalepipe.training.lessons import lessons


def test_all_crops_are_learned_and_the_figures_stay_those_of_the_first(
    labels: LabelSet,  # noqa: F811
    trained: Weights,  # noqa: F811
    tmp_path: Path,
) -> None:
    chosen = options(tmp_path, calibrate=(labels,), further=trained.path, epochs=1, learning_rate=1e-4)
    made = find_weights(str(train_embedder([labels], chosen).path), "embedder")
    first = find_weights(str(trained.path), "embedder").card
    assert first["trained_on"][0]["crops"] < made.card["trained_on"][0]["crops"] == 48
    assert made.card["figures"] == first["figures"] and made.card["calibration"] == first["calibration"]
    assert made.card["figures_of"]["weights"] == trained.digest
    assert "--further weights/mine.pt" in made.card["retrain"] and "--rate 0.0001" in made.card["retrain"]
    assert made.card["retrain_first"] == first["retrain"]
    before, after = Embedder(trained)(drawn(0, 0)), Embedder(made)(drawn(0, 0))
    assert before.shape == after.shape
    assert float(np.linalg.norm(before - after)) > 0.01


def test_photos_held_out_may_stay_so_and_say_how_often_known_ones_are_known_now(
    labels: LabelSet,  # noqa: F811
    trained: Weights,  # noqa: F811
    tmp_path: Path,
) -> None:
    chosen = options(tmp_path, calibrate=(labels,), further=trained.path, measured=True, epochs=1, learning_rate=1e-4)
    made = train_embedder([labels], chosen).card
    first = find_weights(str(trained.path), "embedder").card
    name = labels.labels.parent.name
    held = first["figures"][name]["held_out_crops"]
    assert held > 0
    assert made["trained_on"][0] == {**first["trained_on"][0], "crops": 48 - held, "individuals": 12}
    assert made["figures"] == first["figures"] and made["calibration"] == first["calibration"]
    now = made["figures_further"][name]
    assert (now["known"], now["new"], now["held_out_individuals"]) == (held, 0, 0)
    assert 0.0 <= now["top1"] <= now["top5"] <= 1.0 and now["auroc_new"] is None
    assert " --measured " in made["retrain"]
    queries = (tmp_path / "work" / f"{name}-query.csv").read_text().splitlines()
    assert len(queries) == 1 + held


def test_without_weights_to_go_on_from_there_is_nothing_to_measure_so(labels: LabelSet, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(WhalepipeError, match=r"^--measured goes with --further"):
        train_embedder([labels], options(tmp_path, measured=True))
    assert not (tmp_path / "work").exists()


def test_each_individual_begins_where_its_crops_lie(labels: LabelSet, trained: Weights, tmp_path: Path) -> None:  # noqa: F811
    chosen = options(tmp_path, further=trained.path, mirrored=("head",))
    every = load(labels, 48)
    named = every.chosen([i for i, name in enumerate(every.individuals) if name != "Unknown"])
    those = lessons([named], [Split(list(range(48)), [], [])], ("head",))
    run = _start(chosen, those, begun(trained.path))
    centers = torch.nn.functional.normalize(run.loss.W.detach().T).reshape(24, 2, 16)
    assert those.people == 24  # mirrored heads are further animals
    embedder = Embedder(trained)
    vectors = torch.from_numpy(np.stack([embedder(picture) for picture in named.pictures]))
    nearest = (vectors @ centers.mean(dim=1).T).argmax(dim=1).numpy()
    assert float((nearest == those.classes).mean()) > 0.5  # of 24
    apart = (centers[:, 0] * centers[:, 1]).sum(dim=1)
    assert float(apart.min()) > 0.5 and float(apart.max()) < 1.0


def test_only_finished_weights_with_figures_are_gone_on_from(tmp_path: Path) -> None:
    assert begun(None) is None
    made = save_weights(tmp_path / "bare.pt", {}, {"kind": "embedder"})
    with pytest.raises(WeightsError, match=r"bare\.pt: its card has no figures and no calibration to keep"):
        begun(made.path)
