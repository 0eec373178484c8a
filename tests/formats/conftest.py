"""Three small photos, one of them turned by its EXIF tag, and what is read of a label file beside them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from whalepipe.formats.convert import Converted, import_labels
from whalepipe.tables import BoxLabel, read_table


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """a.jpg of 100 x 50 pixels, sub/b.JPG of 60 x 80 (upright; stored as 80 x 60), c d.png of 40 x 40."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (100, 50), (30, 60, 90)).save(folder / "a.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (80, 60), (30, 60, 90)).save(folder / "sub" / "b.JPG", exif=turned)
    Image.new("RGB", (40, 40), (30, 60, 90)).save(folder / "c d.png")
    return folder


Read = Callable[..., tuple[list[BoxLabel], Converted]]


@pytest.fixture
def read(tmp_path: Path, photos: Path) -> Read:
    """Write a label file of that name and text, import it, and give the rows and what was said."""

    def imported(name: str, text: str, **options: object) -> tuple[list[BoxLabel], Converted]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        out = tmp_path / "imported.csv"
        given = {"photos": photos, **options}
        done = import_labels(given.pop("source", path), out, **given)
        return read_table(out, BoxLabel) if out.exists() else [], done

    return imported
