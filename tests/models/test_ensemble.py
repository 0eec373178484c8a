"""Several finished embedders as one: by vote, by calibrated sum, what they must have in common, and a fit of both."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests import fakes
from tests.helpers import Said, rows, run, whalepipe
from tests.training.test_embedder import drawn
from whalepipe.config import EmbedConfig
from whalepipe.errors import WeightsError
from whalepipe.files import digest
from whalepipe.models.architecture import Architecture, create
from whalepipe.models.attribution import _looks
from whalepipe.models.embedder import Embedder, load_voters, voted
from whalepipe.models.ensemble import find_embedder
from whalepipe.models.weights import Weights, find_weights, load_state, read_card, save_weights

PLAIN = Architecture("plain", pooling="mean", dimension=8, neck="none")


def made(folder: Path, name: str, slope: float, **more: object) -> Path:
    """An embedder of two convolutions, of random numbers."""
    torch.manual_seed(sum(name.encode()))
    calibration = {"default": {"slope": slope, "intercept": -slope / 2, "least": -slope / 10, "most": slope / 5}}
    card = {"kind": "embedder", "backbone": "plain", "architecture": PLAIN.told(), "dimension": 8, "size": 32}
    card |= {"shown": {}, "parts": ["head"], "calibration": calibration, "cannot": ["see"], **more}
    path = folder / f"{name}.pt"
    save_weights(path, create(PLAIN).state_dict(), card)
    return path


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return made(tmp_path, "one", 30.0)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return made(tmp_path, "other", 10.0, trained_on=["heads"])


def joined(*paths: Path, blend: str = "vote") -> Weights:
    return find_embedder(EmbedConfig(",".join(map(str, paths)), blend))


def cosine(embedder: Embedder) -> float:
    return float(np.dot(embedder(drawn(1, 0)), embedder(drawn(2, 0))))


@pytest.mark.parametrize(("blend", "share"), [("vote", 0.5), ("sum", 0.75)])
def test_each_cosine_counts_by_its_share(one: Path, other: Path, blend: str, share: float) -> None:
    alone = [cosine(Embedder(find_weights(str(path), "embedder"))) for path in (one, other)]
    assert abs(alone[0] - alone[1]) > 0.005
    together = joined(one, other, blend=blend)
    assert cosine(Embedder(together)) == pytest.approx(share * alone[0] + (1 - share) * alone[1], abs=1e-4)
    vectors = voted(load_voters(together), [drawn(1, 0)])
    assert vectors.shape == (1, 16) and float(np.linalg.norm(vectors)) == pytest.approx(1, abs=1e-5)


def test_maps_weigh_networks_as_the_vector_does(one: Path, other: Path) -> None:
    lengths = [length for *_, length in _looks(load_voters(joined(one, other, blend="sum")))]
    assert lengths == pytest.approx([0.75**0.5, 0.25**0.5])


def test_the_digest_is_of_all_files_and_of_how_they_are_joined(one: Path, other: Path) -> None:
    every = [joined(one, other), joined(one, other, blend="sum"), joined(other, one), joined(one)]
    assert len({weights.digest for weights in every}) == 4
    assert joined(one).digest == digest(one) and joined(one, other).digest == every[0].digest


def test_a_file_whose_name_has_a_comma_is_one(tmp_path: Path) -> None:
    odd = made(tmp_path, "one, two", 10.0)
    assert joined(odd).digest == digest(odd) and not joined(odd).joined


def test_the_card_is_of_all_and_claims_no_more_than_each(one: Path, other: Path) -> None:
    card = joined(one, other, blend="sum").card
    assert card["calibration"]["default"] == {"slope": 20.0, "intercept": -10.0, "least": -1.0, "most": 2.0}
    assert [network["weights"] for network in card["beside"]] == [digest(other)]
    assert card["blend"] == {"by": "sum", "shares": [0.75, 0.25]} and card["trained_on"] == ["heads"]
    assert card["cannot"][0] == "see" and "fitted anew by `catalog calibrate`" in card["cannot"][1]


def test_those_that_vote_in_a_file_part_its_share(one: Path, other: Path, tmp_path: Path) -> None:
    state, card = load_state(find_weights(str(one), "embedder")), read_card(one.with_suffix(".json"))
    double = {**state, **{f"beside.1.{name}": tensor for name, tensor in state.items()}}
    save_weights(tmp_path / "two.pt", double, {**card, "beside": [card]})
    card = joined(tmp_path / "two.pt", other, blend="sum").card
    assert card["blend"]["shares"] == [0.375, 0.375, 0.25]
    assert Embedder(joined(tmp_path / "two.pt", other, blend="sum"))(drawn(1, 0)).shape == (24,)


def test_what_does_not_go_together_is_one_clear_line(one: Path, tmp_path: Path) -> None:
    fin = made(tmp_path, "fin", 10.0, parts=["dorsal_fin"])
    details = made(tmp_path, "details", 10.0, details="rootsift-9")
    blended = made(tmp_path, "blended", 10.0, blend={"by": "sum", "shares": [1]})
    uncalibrated = made(tmp_path, "uncalibrated", 10.0, calibration={})
    for names, said in (
        ((one, one), "one.pt: the same network as .*one.pt; name each once"),
        ((one, fin), "know no part in common: .*one.pt head; .*fin.pt dorsal_fin"),
        ((one, details), "found in different ways: .*one.pt none and .*details.pt rootsift-9"),
        ((one, blended), "blended.pt: joined by sum already; name the files that it was made from"),
        ((one, uncalibrated), "no calibration"),
        ((one, Path("nowhere.pt")), "no weights 'nowhere.pt'"),
    ):
        with pytest.raises(WeightsError, match=said):
            joined(*names)


@pytest.mark.usefixtures("fake_models")
def test_a_run_takes_several_and_keeps_apart_what_each_blend_made(raw: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.pt"
    second.write_bytes(b"another")
    second.with_suffix(".json").write_text(json.dumps({**fakes.CARDS["embedder"], "sha256": digest(second)}))
    out, both = tmp_path / "out", ("--set", f"embed.weights=embedder,{second}")
    made_with = []
    for more, embedded in ((both, 3), (both, 0), ((*both, "--set", "embed.blend=sum"), 3)):
        fakes.again(fakes.CALLS)
        assert run(raw, out, *more).code == 0
        assert fakes.CALLS.embedded == embedded
        made_with.append(json.loads((out / "summary.json").read_text())["made_with"]["embedder"])
    assert made_with[0] == made_with[1] != made_with[2] and digest(second) not in made_with
    assert {row["state"] for row in rows(out, "ledger") if row["crop"]} == {"new"}
    report = (out / "report.html").read_text(encoding="utf-8")
    assert digest(second)[:8] in report and "no weights" not in report


def heads(folder: Path) -> tuple[Path, Path]:
    """Crops of eight animals in two encounters each, and their table."""
    (folder / "crops").mkdir()
    lines = ["crop,individual,encounter"]
    for animal, photo in ((n, photo) for n in range(8) for photo in range(2)):
        Image.fromarray(drawn(animal, photo)).save(folder / "crops" / f"{animal}-{photo}.png")
        lines.append(f"{animal}-{photo}.png,animal {animal},day{photo}-{animal}")
    (folder / "who.csv").write_text("\n".join(lines) + "\n")
    return folder / "crops", folder / "who.csv"


def scored(crops: Path, table: Path, weights: str, *more: str) -> Said:
    """`whalepipe evaluate identity` of the crops among themselves."""
    sides = ("--gallery", crops, "--gallery-labels", table, "--query", crops, "--query-labels", table)
    words = ("--part", "head", "--allow-leaks", "--json", "--device", "cpu", "--set", f"embed.weights={weights}")
    return whalepipe("evaluate", "identity", *sides, *words, *more)


def test_a_fit_makes_one_file_of_several_with_shares_of_its_own(one: Path, other: Path, tmp_path: Path) -> None:
    crops, table = heads(tmp_path)
    path, both, out = tmp_path / "known.sqlite", f"{one},{other}", tmp_path / "both.pt"
    add = ("catalog", "add", crops, "--labels", table, "--crops", "--part", "head", "--catalog", path, "--quiet")
    assert whalepipe(*add).code == 0
    words = ("--set", f"embed.weights={both}", "--set", "embed.blend=sum", "--device", "cpu", "--quiet")
    said = whalepipe("catalog", "calibrate", "--catalog", path, "--out", out, *words)
    assert said.code == 0, said.err
    card = read_card(out.with_suffix(".json"))
    shares, fitted = card["blend"]["shares"], card["calibration"]["head"]
    assert sum(shares) == pytest.approx(1, abs=1e-3) and shares != [0.75, 0.25]
    assert card["calibrated_to"]["tensors"] == f"those of {digest(one)} and {digest(other)}"
    assert not any("until it is fitted" in text for text in card["cannot"])
    assert fitted["individuals"] == 7  # both crops of the eighth are nearly the same
    alone = [Embedder(find_weights(str(p), "embedder")) for p in (one, other)]
    expected = sum(share * cosine(embedder) for share, embedder in zip(shares, alone, strict=True))
    assert cosine(Embedder(find_weights(str(out), "embedder"))) == pytest.approx(expected, abs=1e-3)
    figures = json.loads(scored(crops, table, str(out)).out)
    assert figures["weights"] == digest(out) and figures["top1"] == 1.0 and figures["queries"] == 16
    assert json.loads(scored(crops, table, both).out)["weights"] == joined(one, other).digest
    state = load_state(find_weights(str(out), "embedder"))
    save_weights(out, state, {**card, "blend": {"by": "sum", "shares": shares[::-1]}})
    with pytest.raises(WeightsError, match="not those of its card"):
        Embedder(find_weights(str(out), "embedder"))
