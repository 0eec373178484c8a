from pathlib import Path

import pytest

from whalepipe.config import Config, load_config, with_settings
from whalepipe.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def test_default_then_file_then_flag(tmp_path: Path) -> None:
    assert load_config(None) == Config()
    config = load_config(write(tmp_path, "quality:\n  min_size: 60\n  min_contrast: 0.2\ncrop:\n"))
    assert (config.quality.min_size, config.quality.min_contrast, config.quality.min_exposure) == (60.0, 0.2, 0.5)
    config = with_settings(config, ["quality.min_size=70", "detect.weights=2024-01-01", "quality.min_size=80.5"])
    assert (config.quality.min_size, config.quality.min_contrast) == (80.5, 0.2)
    assert config.detect.weights == "2024-01-01"
    assert load_config(write(tmp_path, "")) == Config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qualty: {}", "unknown key 'qualty'; known are photos, detect, crop, embed, view, quality, species, match"),
        ("quality: {min_siz: 3}", "quality: unknown key 'min_siz'"),
        ("1: 2", "unknown key 1"),
        ("quality: {min_size: big}", "quality: min_size: expected a number, found 'big'"),
        ("quality: {min_size: true}", "expected a number, found True"),
        ("quality: {min_size: }", "expected a number, found None"),
        ("detect: {size: 960.5}", "size: expected a whole number, found 960.5"),
        ("detect: {size: true}", "expected a whole number, found True"),
        ("detect: {weights: 7}", "expected a text, found 7"),
        ("quality: 3", "quality: expected keys with values, found 3"),
        ("[]", "expected keys with values, found []"),
        ("false", "expected keys with values"),
        ("quality: {min_size: .nan}", "min_size: nan is not between 0 and 100000"),
        ("quality: {min_size: -1}", "-1 is not between"),
        ("detect: {size: 0}", "0 is not between 32 and 8192"),
        ("detect: {backend: tpu}", "detect: backend: 'tpu' is none of auto, onnx, openvino, tensorrt, torch"),
        ("detect: {tiles: some}", "detect: tiles: 'some' is none of auto, none, all"),
        ("detect: {tiles: no}", "tiles: expected a text, found False"),
        ("detect: {confidence: 25}", "25 is not between 0 and 1"),
        ("crop: {jpeg_quality: 101}", "101 is not between 1 and 100"),
        ("crop: {margin: -0.1}", "-0.1 is not between"),
        ("match: {same_at: 1}", "1 is not between 0.001 and 0.999"),
        ("match: {candidates: 1}", "1 is not between 2 and"),
        ("photos: {burst_gap_s: .inf}", "inf is not between"),
        ("photos: {burst_gap_s: 1" + "0" * 400 + "}", "is not between"),
        ("quality: [", "cannot be read as YAML"),
        ("detect: {weights: 2024-13-01}", "cannot be read as YAML"),
        ("!!python/object:os.system {}", "cannot be read as YAML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"bytes\.yaml: cannot be read"):
        load_config(tmp_path / "bytes.yaml")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("min_size=3", "expected stage.key=value"),
        ("quality.min_size", "expected stage.key=value"),
        ("qualty.min_size=3", "unknown stage 'qualty'"),
        ("quality.min_siz=3", "unknown key 'min_siz'"),
        ("quality.min_size=big", "expected a number, found 'big'"),
        ("quality.min_size=[", "is no number or word"),
        ("quality.min_size=2024-13-01", "is no number or word"),
        ("quality.min_size=", "expected a number, found None"),
        ("detect.tiles=", "'' is none of auto, none, all"),
        ("match.prior_new=2", "2 is not between 0 and 1"),
        ("", "expected stage.key=value"),
    ],
)
def test_a_wrong_setting_is_refused(setting: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_settings(Config(), [setting])
    assert str(caught.value).startswith(f"--set {setting}")
    assert expected in str(caught.value)
