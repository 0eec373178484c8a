"""YOLO folders (docs.ultralytics.com/datasets/detect): images/, labels/ with a text file a photo, names in data.yaml.

A line is class, middle x, middle y, width, height in shares of the photo; a line of segmentation, class and the points
of a polygon, stands for the box around it.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from whalepipe.csvtable import read_text
from whalepipe.errors import ConfigError, PhotoError, TableError
from whalepipe.files import folder_aside, storing, write_aside
from whalepipe.formats.album import Album
from whalepipe.formats.numbers import (
    Rectangle,
    Size,
    around,
    centred,
    corners,
    exact,
    from_centre,
    in_parts,
    in_pixels,
    plain,
    rectangle,
)
from whalepipe.formats.sheets import LineError, Reading, Sheet, box_row, empty_row, parts_in, parts_of
from whalepipe.formats.tables import to_number
from whalepipe.photos import inside
from whalepipe.tables import BoxLabel

HOLDS = frozenset({"part"})
CLASSES = "classes.txt"
ENDINGS = (".yaml", ".yml")


def photos_of(path: Path) -> Path:
    """The folder that a dataset's photos lie in, where no other is given."""
    root = _root(path)
    return root / "images" if (root / "images").is_dir() else root


def read(path: Path, reading: Reading) -> None:
    """Put the boxes of a dataset (its folder, or its data.yaml) into `reading`. Raises TableError."""
    root = _root(path)
    names = _names(path if path.suffix in ENDINGS else root)
    if names is None:
        reading.passed_over["file of names (data.yaml, classes.txt) is missing: a part is called by its class"] += 1
    files = _label_files(root)
    if not files:
        raise TableError(f"{path}: no labels/ with text files in it")
    for file in files:
        with reading.line(str(file)):
            photo = _photo(file.relative_to(root), reading.album)
            _read_file(file, photo, reading.album.size(photo), names, reading)
    if reading.album.root is not None and reading.album.root.is_relative_to(root):  # the dataset's own photos
        unlabelled = reading.album.photos() - len(files)
        reading.passed_over["photos without a label file, of which nothing is said then"] += max(unlabelled, 0)


def _root(path: Path) -> Path:
    return path.parent if path.suffix in ENDINGS else path


def _label_files(root: Path) -> list[Path]:
    found = sorted(p for p in root.rglob("*.txt") if p.name != CLASSES and p.is_file())
    return [p for p in found if "labels" in p.relative_to(root).parts[:-1]] or (found if root.name == "labels" else [])


def _photo(file: Path, album: Album) -> str:
    """The photo that a label file is of: where its path says `labels`, that of the photo says `images`, or nothing."""
    *folders, _ = file.parts
    stems = []
    if "labels" in folders:
        at = len(folders) - 1 - folders[::-1].index("labels")
        stems = [PurePosixPath(*folders[:at], "images", *folders[at + 1 :], file.stem)]
        stems += [PurePosixPath(*folders[:at], *folders[at + 1 :], file.stem)]
        folders = folders[at + 1 :]
    stems += [PurePosixPath(*folders, file.stem)]
    for stem in map(str, stems):
        found = album.of_stem(stem)
        if len(found) > 1:
            raise PhotoError(f"{' and '.join(found)} both fit it")
        if found:
            return album.name(found[0])
    raise PhotoError(f"no photo {stems[-1]}.* in {album.root}")


def _read_file(file: Path, photo: str, size: Size, names: dict[int, str] | None, reading: Reading) -> None:
    try:
        lines = [(n, line.split()) for n, line in enumerate(read_text(file).splitlines(), start=1) if line.strip()]
    except TableError as error:
        reading.wrong.append(str(error))
        return
    for number, words in lines:
        with reading.line(f"{file}, line {number}"):
            box = in_pixels(_shares(words[1:]), size)
            reading.add(box_row(photo, _part(words[0], names), corners(box), {}))
    if not lines:
        reading.add(empty_row(photo, {}))


def _shares(words: list[str]) -> Rectangle:
    numbers = [exact(to_number(word)) for word in words]
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return parts_of(around(list(zip(numbers[::2], numbers[1::2], strict=True))))
    if len(numbers) not in (4, 5):  # a fifth is the confidence of a detector that wrote the file
        raise LineError(f"{len(words) + 1} words where class, middle x, middle y, width, height are expected")
    return from_centre(parts_of(numbers[:4]))


def _part(word: str, names: dict[int, str] | None) -> str:
    number = to_number(word)
    if number < 0 or number != int(number):
        raise LineError(f"the class {word} is not a whole number from 0 on")
    if names is None:
        return str(int(number))
    if int(number) not in names:
        raise LineError(f"the class {word} is not among the {len(names)} that have names")
    return names[int(number)]


def _names(place: Path) -> dict[int, str] | None:
    """The parts by their class, from a YAML file (`names` as a list or a mapping) or from classes.txt."""
    if place.is_dir():
        yamls = [place / "data.yaml"] if (place / "data.yaml").exists() else []
        found = yamls or sorted(p for p in place.glob("*.y*ml") if p.suffix in ENDINGS)
        if len(found) > 1:
            raise ConfigError(f"{place} holds several YAML files; give the one to read in place of the folder")
        if not found:
            above = place.parent / CLASSES if place.name == "labels" else place / "labels" / CLASSES
            texts = [p for p in (place / CLASSES, above) if p.is_file()]
            return _listed(texts[0]) if texts else None
        place = found[0]
    try:
        tree = yaml.safe_load(read_text(place))
    except yaml.YAMLError as error:
        raise TableError(f"{place}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    return _named(tree.get("names") if isinstance(tree, dict) else None, place)


def _listed(file: Path) -> dict[int, str]:
    return {number: name.strip() for number, name in enumerate(read_text(file).splitlines()) if name.strip()}


def _named(names: Any, place: Path) -> dict[int, str]:
    pairs = enumerate(names) if isinstance(names, list) else names.items() if isinstance(names, dict) else []
    found = {int(key): str(name) for key, name in pairs if str(key).isdecimal()}
    if not found or len(found) != len(names):
        raise TableError(f"{place}: no `names` of the classes in it, as a list or numbered from 0")
    return found


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:
    """Write a dataset with copies of the photos: Ultralytics repairs damaged files in place, and links would let it
    change the originals. Raises ConfigError where two photos would share a label file, StorageError.
    """
    parts = parts_in(sheets)
    stems = _stems([sheet.photo for sheet in sheets])
    with folder_aside(path) as folder:
        for stem, sheet in zip(stems, sheets, strict=True):
            text = "".join(_line(box, parts, sheet, album) for box in sheet.boxes)
            write_aside(folder / _label_path(stem), text.encode())
            _copy(inside(album.root or Path(), sheet.photo), folder / "images" / sheet.photo)
        write_aside(folder / "data.yaml", _data(parts).encode("utf-8"))


def _stems(photos: Sequence[str]) -> list[str]:
    found: dict[str, str] = {}
    for photo in photos:
        stem = str(PurePosixPath(photo).with_suffix(""))
        if stem.lower() in found:
            raise ConfigError(f"{found[stem.lower()]} and {photo} would share a label file: YOLO cannot hold both")
        found[stem.lower()] = photo
    return [str(PurePosixPath(photo).with_suffix("")) for photo in photos]


def _label_path(stem: str) -> str:
    """Where Ultralytics looks for a photo's labels: the last `images` of its path is `labels` there."""
    above, _, below = f"/images/{stem}".rpartition("/images/")
    return f"{above}/labels/{below}.txt".removeprefix("/")


def _line(box: BoxLabel, parts: list[str], sheet: Sheet, album: Album) -> str:
    shares = centred(in_parts(rectangle(box), sheet.size or album.size(sheet.photo)))
    return " ".join([str(parts.index(box.part)), *(str(plain(share)) for share in shares)]) + "\n"


def _copy(photo: Path, target: Path) -> None:
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, target)


def _data(parts: list[str]) -> str:
    head = "# Nothing is held back here: split by encounter before you measure.\ntrain: images\nval: images\n"
    return head + yaml.safe_dump({"names": dict(enumerate(parts))}, allow_unicode=True, sort_keys=False)
