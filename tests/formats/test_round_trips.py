"""Own table -> foreign file -> own table: nothing changes that the format can hold, and what it cannot is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from whalepipe.errors import ConfigError, StorageError, TableError
from whalepipe.formats.convert import FORMATS, export_labels, import_labels
from whalepipe.tables import BoxLabel, read_table, write_table

ROWS = [
    BoxLabel("a.jpg", "day 1", "fluke", 0.1, 0.2, 99.7, 49.9, "12E5", "ventral", "Megaptera novaeangliae", "Ann & Bo"),
    BoxLabel("a.jpg", "day 1", "dorsal_fin", 12.3456789, 7, 33.1, 41.7, drawn_by="Zoë <z@x.org>"),
    BoxLabel("a.jpg", "day 1", "dorsal_fin", -3.3, -2, 104.25, 61.1),
    BoxLabel("c d.png", "", "head \"1\", 'é'", 1 / 3, 2 / 3, 31, 32.7, view="left"),
    BoxLabel("sub/b.JPG", "day 2", "dorsal_fin", 59.999, 79.001, 60, 80, individual="=1+1"),
]
EMPTY = BoxLabel("sub/b.JPG", "day 2", individual="K7", drawn_by="Ann")


def stored(row: BoxLabel) -> BoxLabel:
    """The numbers as a CSV holds them: ten digits."""
    x0, y0, x1, y1 = (float(f"{c:.10g}") for c in row.corners)
    return replace(row, xmin=x0, ymin=y0, xmax=x1, ymax=y1)


def place(tmp_path: Path, name: str) -> Path:
    ending = "" if FORMATS[name].folder else ".json" if "encounter" in FORMATS[name].holds else ".csv"
    return tmp_path / f"{name}{ending}"


def there_and_back(tmp_path: Path, photos: Path, name: str, rows: list[BoxLabel], **options: object) -> list[BoxLabel]:
    table, foreign, back = tmp_path / "own.csv", place(tmp_path, name), tmp_path / "back.csv"
    write_table(table, BoxLabel, rows)
    assert export_labels(table, foreign, name, photos).wrong == []
    assert import_labels(foreign, back, photos=photos, **options).wrong == []  # the format is told from the content
    return read_table(back, BoxLabel)


def held(name: str, row: BoxLabel) -> BoxLabel:
    """The row without what the format has no place for."""
    lost = {"part", "encounter", "individual", "view", "species", "drawn_by"} - FORMATS[name].holds
    return replace(row, **dict.fromkeys(lost, ""))


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_changes_that_the_format_holds(tmp_path: Path, photos: Path, name: str) -> None:
    back = there_and_back(tmp_path, photos, name, ROWS, parts=["fluke"])
    expected = [held(name, stored(row)) for row in ROWS]
    assert back == [replace(row, part=row.part or "fluke") for row in expected]


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_photo_stays_one(tmp_path: Path, photos: Path, name: str) -> None:
    back = there_and_back(tmp_path, photos, name, [ROWS[0], EMPTY], parts=["fluke"])
    assert back == [replace(held(name, stored(ROWS[0])), part="fluke"), held(name, EMPTY)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_second_round_gives_the_same_file(tmp_path: Path, photos: Path, name: str) -> None:
    there_and_back(tmp_path, photos, name, ROWS, parts=["fluke"])
    first = {p.relative_to(place(tmp_path, name)): p.read_bytes() for p in files(place(tmp_path, name))}
    assert first
    (tmp_path / "more").mkdir()
    back = read_table(tmp_path / "back.csv", BoxLabel)
    there_and_back(tmp_path / "more", photos, name, back, parts=["fluke"])
    again = place(tmp_path / "more", name)
    assert {p.relative_to(again): p.read_bytes() for p in files(again)} == first


def files(path: Path) -> list[Path]:
    return [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]


FOREIGN = {
    "yolo/labels/a.txt": "0 0.352528 0.716101 0.092437 0.137360\n0 0.1 0.2 0.05 0.1\n",
    "coco.json": '"bbox": [473.07, 395.93, 38.65, 28.67]',
    "md.json": '"bbox": [0.0451, 0.1849, 0.3642, 0.4636]',
    "tasks.json": '"value": {"x": 4.98, "y": 12.82, "width": 32.52, "height": 44.91, "rotation": 0, ',
}


def test_what_other_programs_write_comes_out_as_it_went_in(tmp_path: Path, photos: Path) -> None:
    image = '{"id": 1, "file_name": "a.jpg", "width": 100, "height": 50}'
    (tmp_path / "coco.json").write_text(
        f'{{"images": [{image}], "categories": [{{"id": 1, "name": "fluke"}}], '
        f'"annotations": [{{"id": 1, "image_id": 1, "category_id": 1, {FOREIGN["coco.json"]}}}]}}'
    )
    (tmp_path / "md.json").write_text(
        f'{{"detection_categories": {{"1": "fluke"}}, "images": [{{"file": "a.jpg", "detections": '
        f'[{{"category": "1", "conf": 1.0, {FOREIGN["md.json"]}}}]}}]}}'
    )
    (tmp_path / "tasks.json").write_text(
        '[{"data": {"image": "a.jpg"}, "annotations": [{"result": [{"type": "rectanglelabels", '
        f'{FOREIGN["tasks.json"]}"rectanglelabels": ["fluke"]}}}}]}}]}}]'
    )
    (tmp_path / "yolo" / "labels").mkdir(parents=True)
    (tmp_path / "yolo" / "labels" / "a.txt").write_text(FOREIGN["yolo/labels/a.txt"])
    (tmp_path / "yolo" / "data.yaml").write_text("names: [fluke]\n")
    sources = {"coco": "coco.json", "megadetector": "md.json", "labelstudio": "tasks.json", "yolo": "yolo"}
    for name, source in sources.items():
        import_labels(tmp_path / source, tmp_path / "own.csv", photos=photos)
        export_labels(tmp_path / "own.csv", tmp_path / "again" / source, name, photos)
    for file, text in FOREIGN.items():
        assert text.replace("0.137360", "0.13736") in (tmp_path / "again" / file).read_text(), file


def test_what_a_format_has_no_place_for_is_said_and_can_be_given_again(tmp_path: Path) -> None:
    write_table(tmp_path / "own.csv", BoxLabel, ROWS[:2])
    done = export_labels(tmp_path / "own.csv", tmp_path / "fn.csv", "fn-bbox")
    assert done.notes == [
        "fn-bbox has no place for part (2 rows), encounter (2 rows), individual (1 rows), view (1 rows), "
        "species (1 rows), drawn_by (2 rows): left out; on import --part and --encounter can be given again"
    ]
    with pytest.raises(ConfigError, match=r"fn\.csv: 2 boxes without a part; say what they show"):
        import_labels(tmp_path / "fn.csv", tmp_path / "back.csv")
    import_labels(tmp_path / "fn.csv", tmp_path / "back.csv", parts=["fluke"], encounter="day 1")
    assert {(r.part, r.encounter) for r in read_table(tmp_path / "back.csv", BoxLabel)} == {("fluke", "day 1")}


def test_parts_are_renamed(tmp_path: Path, photos: Path) -> None:
    back = there_and_back(tmp_path, photos, "coco", ROWS[:2], parts=["fluke=tail", "head"])
    assert [row.part for row in back] == ["tail", "dorsal_fin"]
    with pytest.raises(ConfigError, match="--part head and fluke: boxes that say nothing can show one part only"):
        import_labels(tmp_path / "coco.json", tmp_path / "back.csv", parts=["head", "fluke"])


def test_rows_that_cannot_be_written_are_named_with_their_lines(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "photo,label,xmin,ymin,xmax,ymax\na.jpg,fluke,1,2,x,4\n../own.csv,fluke,1,2,3,4\nnone.jpg,fluke,1,2,3,4\n"
        "a.jpg,fluke,3,2,1,4\na.jpg,fluke,1,2,3,4\n"
    )
    done = export_labels(tmp_path / "own.csv", tmp_path / "coco.json", "coco", photos)
    table = tmp_path / "own.csv"
    assert done.wrong == [
        f"{table}, line 2, column xmax: 'x' is not a float",
        f"{table}, line 3 (../own.csv): ../own.csv leads out of {photos}",
        f"{table}, line 4 (none.jpg): none.jpg is not in {photos}",
        f"{table}, line 5 (a.jpg): the box is inside out: xmax and ymax must be larger than xmin and ymin",
    ]
    assert (done.boxes, done.photos) == (1, 1)


def test_a_folder_that_holds_files_is_not_written_into(tmp_path: Path, photos: Path) -> None:
    write_table(tmp_path / "own.csv", BoxLabel, ROWS)
    (tmp_path / "voc").mkdir()
    (tmp_path / "voc" / "old.xml").write_text("old")
    with pytest.raises(StorageError, match="holds files already; choose another place with --out"):
        export_labels(tmp_path / "own.csv", tmp_path / "voc", "voc", photos)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["own.csv", "photos", "voc"]
    with pytest.raises(ConfigError, match="would lie among the photos"):
        export_labels(tmp_path / "own.csv", photos / "yolo", "yolo", photos)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "yolo"}, "yolo needs the sizes of the photos: give their folder with --photos"),
        ({"format": "word"}, "--format word: not one of yolo, coco, voc"),
        ({"format": "coco", "photos": Path("none")}, "--photos none is not a folder"),
        ({"format": "xywh", "out": "own.csv"}, "is what is to be read; choose another place with --out"),
    ],
)
def test_what_cannot_be_written_at_all(tmp_path: Path, options: dict[str, object], message: str) -> None:
    write_table(tmp_path / "own.csv", BoxLabel, ROWS)
    out = tmp_path / str(options.pop("out", "out"))
    with pytest.raises(ConfigError, match=message):
        export_labels(tmp_path / "own.csv", out, **options)  # type: ignore[arg-type]


def test_boxes_without_a_part_are_not_given_one(tmp_path: Path, photos: Path) -> None:
    write_table(tmp_path / "own.csv", BoxLabel, [replace(ROWS[0], part="")])
    with pytest.raises(TableError, match=r"own\.csv: there are boxes without a part"):
        export_labels(tmp_path / "own.csv", tmp_path / "out.json", "coco", photos)


def test_own_tables_are_read_as_they_are_and_label_means_part(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "photo,encounter,label,xmin,ymin,xmax,ymax,drawn_by\na.jpg,E,fluke,1,2,3.5,4,Ann\nc d.png,,,,,,,\n"
    )
    done = import_labels(tmp_path / "own.csv", tmp_path / "out.csv", photos=photos)
    assert read_table(tmp_path / "out.csv", BoxLabel) == [
        BoxLabel("a.jpg", "E", "fluke", 1, 2, 3.5, 4, drawn_by="Ann"), BoxLabel("c d.png"),
    ]  # fmt: skip
    assert (done.boxes, done.photos, done.empty) == (1, 2, 1)
