"""Pascal VOC: an XML file a photo, corners in pixels as they are (nothing is added for a count from 1, as in LabelImg).

What VOC has no place for stands in `attributes` of the object or the photo, as CVAT writes them.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from whalepipe.csvtable import ALL_DIGITS, to_cell
from whalepipe.errors import TableError
from whalepipe.files import folder_aside, write_aside
from whalepipe.formats.album import Album
from whalepipe.formats.numbers import Size
from whalepipe.formats.sheets import EVERYTHING, LineError, Reading, Sheet, box_row, empty_row, known
from whalepipe.formats.tables import to_number
from whalepipe.formats.xmlfile import Element, read_xml
from whalepipe.tables import BoxLabel

HOLDS = EVERYTHING
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(path: Path, reading: Reading) -> None:
    """Put the objects of an XML file, or of all in a folder, into `reading`. A file that is no XML is a wrong line."""
    files = sorted(path.rglob("*.xml")) if path.is_dir() else [path]
    if not files:
        raise TableError(f"{path}: no XML files there")
    for file in files:
        try:
            root = read_xml(file)
        except TableError as error:
            reading.wrong.append(str(error))
            continue
        with reading.line(f"{file}, line {root.line}"):
            _read_photo(root, file, file.parent.relative_to(path if path.is_dir() else path.parent), reading)


def _read_photo(root: Element, file: Path, below: Path, reading: Reading) -> None:
    if root.tag != "annotation":
        raise LineError(f"<{root.tag}> where Pascal VOC has <annotation>")
    name, folder = root.said("filename"), root.said("folder")
    beside = str(PurePosixPath(below.as_posix(), name)) if name else ""
    photo = reading.album.name(beside, f"{folder}/{name}" if folder and name else "", name, root.said("path"))
    if reading.album.root:
        reading.album.size(photo, _size(root))
    attributes = _attributes(root)
    objects = root.all("object")
    for element in objects:
        with reading.line(f"{file}, line {element.line}"):
            part = element.said("name")
            if not part:
                raise LineError("an object without a name")
            x0, y0, x1, y1 = (_corner(element, name) for name in CORNERS)
            reading.add(box_row(photo, part, (x0, y0, x1, y1), {**attributes, **_attributes(element)}))
    if not objects:
        reading.add(empty_row(photo, attributes))


def _size(root: Element) -> Size | None:
    """The photo's size as the file gives it; some programs write 0 where they do not know."""
    for element in root.all("size"):
        sides = element.said("width"), element.said("height")
        if all(side.isdecimal() for side in sides) and "0" not in sides:
            return int(sides[0]), int(sides[1])
    return None


def _corner(element: Element, name: str) -> float:
    boxes = element.all("bndbox")
    if not boxes:
        raise LineError("an object without <bndbox>")
    text = boxes[0].said(name)
    if not text:
        raise LineError(f"no <{name}>")
    return to_number(text)


def _attributes(element: Element) -> dict[str, str]:
    given = [each for inner in element.all("attributes") for each in inner.all("attribute")]
    return known({each.said("name"): value.text for each in given for value in each.all("value")})


def write(sheets: Sequence[Sheet], path: Path, album: Album) -> None:
    """Write a folder with an XML file for each photo. Raises StorageError."""
    with folder_aside(path) as folder:
        for file, sheet in zip(_files([s.photo for s in sheets]), sheets, strict=True):
            write_aside(folder / file, _text(sheet, sheet.size or album.size(sheet.photo)).encode("utf-8"))


def _files(photos: Sequence[str]) -> list[str]:
    """The photo's name with .xml for its ending, or after it where two photos differ in the ending alone."""
    stems = [str(PurePosixPath(photo).with_suffix("")) for photo in photos]
    shared = Counter(stem.lower() for stem in stems)  # some disks take A.xml and a.xml for one
    pairs = zip(photos, stems, strict=True)
    return [f"{photo if shared[stem.lower()] > 1 else stem}.xml" for photo, stem in pairs]


def _text(sheet: Sheet, size: Size) -> str:
    photo = PurePosixPath(sheet.photo)
    lines = [
        "<annotation>",
        f" <folder>{escape(str(photo.parent)) if photo.parent.name else ''}</folder>",
        f" <filename>{escape(photo.name)}</filename>",
        f" <size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>",
        " <segmented>0</segmented>",
        *_attribute_lines(sheet.attributes),
        *(line for box in sheet.boxes for line in _object_lines(sheet, box)),
        "</annotation>",
    ]
    return "\n".join(lines) + "\n"


def _object_lines(sheet: Sheet, box: BoxLabel) -> list[str]:
    numbers = (to_cell(corner, ALL_DIGITS) for corner in box.corners)
    corners = "".join(f"<{name}>{number}</{name}>" for name, number in zip(CORNERS, numbers, strict=True))
    return [
        " <object>",
        f" <name>{escape(box.part)}</name>",
        " <pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>",
        f" <bndbox>{corners}</bndbox>",
        *_attribute_lines(sheet.extras(box)),
        " </object>",
    ]


def _attribute_lines(values: dict[str, str]) -> list[str]:
    each = [f"<attribute><name>{k}</name><value>{escape(v)}</value></attribute>" for k, v in values.items()]
    return [f" <attributes>{''.join(each)}</attributes>"] if each else []
