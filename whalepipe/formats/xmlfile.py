"""XML label files, read without what makes XML dangerous: a file with a DOCTYPE or an entity is refused."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from whalepipe.errors import TableError


@dataclass
class Element:
    """An element with the line that it begins in."""

    tag: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> list["Element"]:
        """Its children of that name."""
        return [child for child in self.children if child.tag == tag]

    def said(self, tag: str) -> str:
        """The text of the first child of that name, without the space around it; empty where there is none."""
        return next((child.text.strip() for child in self.all(tag)), "")


def read_xml(path: Path) -> Element:
    """The root of an XML file. Raises TableError with the line of what is wrong."""
    parser = expat.ParserCreate()
    top = Element("", 0)
    open_elements = [top]

    def start(tag: str, _attributes: dict[str, str]) -> None:
        element = Element(tag, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def text(data: str) -> None:
        open_elements[-1].text += data

    def refuse(*_: object) -> None:
        raise TableError(f"{path}, line {parser.CurrentLineNumber}: a DOCTYPE or an entity, which no label file needs")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: open_elements.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror})") from error
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: an encoding that is none
        line = getattr(error, "lineno", 1)
        raise TableError(f"{path}, line {line}: cannot be read as XML ({error})") from error
    return top.children[0]
