"""A few of the kills of scripts/catalog_kills.py, which checks after each that the change is whole or absent."""

import importlib.util

from tests.conftest import PROJECT
from whalepipe.catalog.place import Place


def test_killed_at_any_moment_a_change_is_whole_or_absent(place: Place) -> None:
    spec = importlib.util.spec_from_file_location("catalog_kills", PROJECT / "scripts" / "catalog_kills.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.hostile(place, 6, seed=3)["killed"] == 6
