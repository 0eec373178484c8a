"""Which format a label file is in, as far as its content tells."""

from pathlib import Path
from typing import Any

from whalepipe.csvtable import ALIASES, read_cells
from whalepipe.errors import ConfigError
from whalepipe.formats import fn_bbox, polygons
from whalepipe.formats.jsonfile import Document

_COLUMNS = {"minmax": {"photo", "xmin", "xmax", "ymin", "ymax"}, "xywh": {"photo", "x", "y", "w", "h"}}


def guess(path: Path) -> str:
    """The name of the format. Raises ConfigError where nothing or several things fit, TableError."""
    ending = path.suffix.lower()
    if path.is_dir():
        found = _of_folder(path)
    elif ending == ".json":
        found = _of_tree(Document(path).tree)
    elif ending in (".csv", ".txt"):
        found = _of_table(path)
    else:
        found = {".xml": ["voc"], ".yaml": ["yolo"], ".yml": ["yolo"]}.get(ending, [])
    if len(found) != 1:
        raise ConfigError(f"{path}: its format cannot be told from its content; say it with --format")
    return found[0]


def _of_folder(path: Path) -> list[str]:
    yolo = any(path.glob("*.y*ml")) or any(p.is_dir() for p in path.rglob("labels")) or path.name == "labels"
    voc = any(path.rglob("*.xml"))
    return [name for name, fits in (("yolo", yolo), ("voc", voc)) if fits]


def _of_tree(tree: Any) -> list[str]:
    if isinstance(tree, list):
        tasks = [each for each in tree if isinstance(each, dict) and "data" in each]
        return ["labelstudio"] if any(task.keys() & {"annotations", "predictions"} for task in tasks) else []
    keys = tree.keys() if isinstance(tree, dict) else set()
    marks = {"coco": {"images", "annotations", "categories"}, "megadetector": {"images", "detection_categories"}}
    return [name for name, mark in marks.items() if mark <= keys]


def _of_table(path: Path) -> list[str]:
    lines = read_cells(path)
    _, first = next(lines, (0, []))
    names = [cell.strip() for cell in first]
    columns = {"photo" if ALIASES.get(name) == "photo" else name for name in names}
    lower = [name.lower() for name in names]
    if lower[:2] == fn_bbox.HEADER or (len(names) == 2 and _are_numbers(names[1].split(), 4)):
        return ["fn-bbox"]
    if lower[: len(polygons.HEADER)] == polygons.HEADER or (len(names) >= 5 and _are_numbers(names[1:5], 4)):
        return ["polygons"]
    return [name for name, needed in _COLUMNS.items() if needed <= columns]


def _are_numbers(words: list[str], count: int) -> bool:
    try:
        return len([float(word) for word in words]) == count
    except ValueError:
        return False
