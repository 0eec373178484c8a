from pathlib import Path

from whalepipe.training.sources import portable


def test_the_projects_own_files_are_named_from_the_working_folder_and_others_from_data(tmp_path, monkeypatch):
    project, data = tmp_path / "project", tmp_path / "far" / "data"
    for folder in (project, data):
        folder.mkdir(parents=True)
    monkeypatch.chdir(project)
    named = portable([Path("labels/stock/boxes.csv"), data / "stock", data / "fins" / "boxes.csv"])
    assert named(Path("labels/stock/boxes.csv")) == "labels/stock/boxes.csv"
    assert named(project / "labels" / "stock" / "boxes.csv") == "labels/stock/boxes.csv"
    assert named(data / "stock") == "DATA/stock"
    assert named(data / "fins" / "boxes.csv") == "DATA/fins/boxes.csv"


def test_no_more_than_the_folders_name_is_told_where_nothing_holds_them_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = portable([Path("/photos/card/boxes.csv"), Path("/mnt/disk/photos")])
    assert named(Path("/photos/card/boxes.csv")) == "DATA/card/boxes.csv"
    assert named(Path("/mnt/disk/photos")) == "DATA/disk/photos"


def test_without_files_nothing_is_named_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert portable([])(tmp_path / "boxes.csv") == "boxes.csv"
