"""The ranked candidates of every crop, packed: a million rows of matches.csv in some ten bytes each."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log2
from pathlib import Path

from whalepipe.csvtable import from_cell, read_cells
from whalepipe.errors import TableError
from whalepipe.tables import NEW, Match

NUMBERS = ("probability", "score")
TEXTS = ("individual", "gallery_crop", "gallery_encounter", "gallery_view")


def columns_of(path: Path, *names: str) -> Iterator[list[str]]:
    """The cells of these columns, line by line: a table too large for a row object each. Raises TableError."""
    lines = read_cells(path)
    _, header = next(lines, (1, []))
    missing = set(names) - set(header)
    if missing:
        raise TableError(f"{path}: no column {', '.join(sorted(missing))} in its first line")
    places = [header.index(name) for name in names]
    for number, cells in lines:
        if len(cells) != len(header):
            raise TableError(f"{path}, line {number}: {len(cells)} cells under {len(header)} columns")
        found = [cells[place] for place in places]
        yield [from_cell(cell, str) if cell[:1] == "'" else cell for cell in found]


@dataclass
class Candidates:
    """Those of all crops, the rows of each crop side by side and ranked."""

    _spans: dict[str, tuple[int, int]] = field(default_factory=dict)  # of each crop
    _names: list[str] = field(default_factory=list)  # every text once
    _texts: dict[str, "array[int]"] = field(default_factory=lambda: {name: array("i") for name in TEXTS})  # its number
    _numbers: dict[str, "array[float]"] = field(default_factory=lambda: {name: array("f") for name in NUMBERS})

    @classmethod
    def read(cls, path: Path) -> "Candidates":
        """From matches.csv, where the rows of a crop follow one another. Raises TableError."""
        made, known = cls(), dict[str, int]()
        try:
            for crop, *cells in columns_of(path, "crop", *NUMBERS, *TEXTS):
                row = len(made._texts["individual"])
                made._spans[crop] = made._spans.get(crop, (row, row))[0], row + 1
                for name, cell in zip(NUMBERS, cells, strict=False):
                    made._numbers[name].append(float(cell or "nan"))
                for name, cell in zip(TEXTS, cells[len(NUMBERS) :], strict=True):
                    made._texts[name].append(known.setdefault(cell, len(known)))
        except ValueError as error:
            raise TableError(f"{path}: a probability or a score is no number ({error})") from error
        made._names = list(known)
        return made

    def of(self, crop: str) -> list[Match]:
        """The candidates of a crop, `new` among them, the likeliest first; none of one that was set aside."""
        return [self._match(crop, rank, row) for rank, row in enumerate(self._rows(crop), start=1)]

    def signature(self, crop: str) -> tuple[bytes, bytes]:
        """Equal for crops that have one list of candidates between them."""
        rows = self._rows(crop)
        span = slice(rows.start, rows.stop)
        return self._texts["individual"][span].tobytes(), self._numbers["probability"][span].tobytes()

    def bits(self, crop: str) -> float:
        """How much the right answer tells: the entropy of what the list says, what it does not list counted as one."""
        listed = [self._numbers["probability"][row] for row in self._rows(crop)]
        shares = [*listed, max(0.0, 1.0 - sum(listed))]
        return -sum(p * log2(p) for p in shares if p > 0)

    def _rows(self, crop: str) -> range:
        return range(*self._spans.get(crop, (0, 0)))

    def _match(self, crop: str, rank: int, row: int) -> Match:
        individual, gallery_crop, encounter, view = (self._names[self._texts[name][row]] for name in TEXTS)
        probability, score = (self._numbers[name][row] for name in NUMBERS)
        known = None if individual == NEW else round(score, 4)
        return Match(crop, rank, individual, round(probability, 4), known, gallery_crop, encounter, view, "")
