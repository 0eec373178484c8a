"""All of a catalogue as a folder: a CSV for each table, the crops as JPEG files, their vectors as .npy; and back.

Details (`models.details`) are left out: they are made again from the crops whenever they are missing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sql

from whalepipe.catalog.place import Place
from whalepipe.catalog.schema import (
    SCHEMA,
    changes,
    crops,
    decisions,
    dismissals,
    embeddings,
    encounters,
    individuals,
    metadata,
    photos,
    settings,
    verdicts,
)
from whalepipe.catalog.store import Catalog
from whalepipe.csvtable import from_cell, read_cells, to_cell, write_cells
from whalepipe.errors import CatalogError, PhotoError, TableError
from whalepipe.files import folder_aside
from whalepipe.photos import inside

WHOLE = (settings, individuals, encounters, photos, crops, embeddings, verdicts, dismissals, decisions, changes)
BLOBS = {"jpeg", "vector"}
EXACT = 17  # digits of a number that come back as the same number
AT_ONCE = 500  # rows in memory
# For people who read crops.csv; importing takes the numbers.
NAMES = {
    "individual": (individuals.c.name, individuals.c.id, crops.c.individual_id),
    "encounter": (encounters.c.name, encounters.c.id, crops.c.encounter_id),
    "photo": (photos.c.name, photos.c.id, crops.c.photo_id),
}
Row = Mapping[str, Any]


def is_export(folder: Path) -> bool:
    """Whether `write_whole` made this folder."""
    return all((folder / f"{table.name}.csv").is_file() for table in WHOLE)


def write_whole(catalog: Catalog, folder: Path) -> int:
    """Write all of a catalogue into a new folder; how many crops that were. Raises CatalogError, StorageError."""
    with folder_aside(folder) as aside, catalog.database.reading() as connection:
        for table in WHOLE:
            rows = _crops(connection, aside) if table is crops else _rows(connection, table)
            rows = _vectors(connection, aside) if table is embeddings else rows
            names = [c.name for c in table.columns if c.name not in BLOBS]
            names += {crops.name: ["file", *NAMES], embeddings.name: ["file", "place"]}.get(table.name, [])
            write_cells(aside / f"{table.name}.csv", [names, *([_cell(row[n]) for n in names] for row in rows)])
        return int(connection.execute(sql.select(sql.func.count(crops.c.id))).scalar() or 0)


def read_whole(folder: Path, place: Place) -> int:
    """Make a new catalogue of a folder that `write_whole` made; how many crops it has.

    Raises CatalogError where there is a catalogue at `place` already, TableError where a table is damaged.
    """
    if Catalog.is_at(place):
        raise CatalogError(f"{Catalog(place).database.name} is there already; give a new one with --catalog")
    catalog = Catalog(place)
    with catalog.database.writing() as connection:
        metadata.create_all(connection)
        for table in WHOLE:
            for rows in _batches(_read(folder, table)):
                connection.execute(sql.insert(table), rows)
            _go_on_counting(connection, table)
        found = connection.execute(sql.select(settings.c.value).where(settings.c.name == "schema")).scalar()
        if found != SCHEMA:
            raise CatalogError(f"{folder}: of another version of whalepipe (schema {found}, this one is {SCHEMA})")
        return int(connection.execute(sql.select(sql.func.count(crops.c.id))).scalar() or 0)


def _rows(connection: sql.Connection, table: sql.Table) -> Iterator[Row]:
    query = sql.select(*(c for c in table.columns if c.name not in BLOBS)).order_by(*table.primary_key.columns)
    for row in connection.execute(query).mappings():
        yield dict(row)


def _crops(connection: sql.Connection, folder: Path) -> Iterator[Row]:
    """The rows of crops, each picture written into `folder`."""
    (folder / "crops").mkdir()
    names = {n: _pairs(connection, key, name) for n, (name, key, _) in NAMES.items()}
    for row in _rows(connection, crops):
        file = f"crops/{row['id']:06}_{re.sub(r'[^A-Za-z0-9._-]', '_', Path(row['crop']).stem)[:80]}.jpg"
        picture = connection.execute(sql.select(crops.c.jpeg).where(crops.c.id == row["id"])).scalar_one()
        (folder / file).write_bytes(picture)
        told = {n: names[n].get(row[key.name], "") for n, (_, _, key) in NAMES.items()}
        yield {**row, "file": file, **told}


def _pairs(connection: sql.Connection, key: sql.Column[Any], value: sql.Column[Any]) -> dict[int, str]:
    return {row[0]: row[1] for row in connection.execute(sql.select(key, value))}


def _vectors(connection: sql.Connection, folder: Path) -> Iterator[Row]:
    """The rows of embeddings, the vectors of each weights in one file of `folder`."""
    weights = connection.execute(sql.select(embeddings.c.weights).distinct().order_by(embeddings.c.weights)).scalars()
    for number, each in enumerate(weights.all()):
        query = sql.select(embeddings.c.crop_id, embeddings.c.vector).where(embeddings.c.weights == each)
        rows = connection.execute(query.order_by(embeddings.c.crop_id)).all()
        file = f"embeddings-{number}.npy"
        np.save(folder / file, np.stack([np.frombuffer(r.vector, "<f4") for r in rows]), allow_pickle=False)
        for place, row in enumerate(rows):
            yield {"crop_id": row.crop_id, "weights": each, "file": file, "place": place}


def _cell(value: Any) -> str:
    return to_cell(json.dumps(value) if isinstance(value, dict | list) else value, EXACT)


def _read(folder: Path, table: sql.Table) -> Iterator[dict[str, Any]]:
    path = folder / f"{table.name}.csv"
    lines = read_cells(path)
    _, header = next(lines, (1, []))
    arrays: dict[str, Any] = {}
    for line, cells in lines:
        try:
            row = dict(zip(header, cells, strict=True))
            values = {c.name: _value(c, row[c.name]) for c in table.columns if c.name not in BLOBS}
            if table is crops:
                values["jpeg"] = inside(folder, row["file"]).read_bytes()
            if table is embeddings:
                array = arrays.setdefault(row["file"], None)
                if array is None:
                    array = arrays[row["file"]] = np.load(inside(folder, row["file"]), allow_pickle=False)
                values["vector"] = array[int(row["place"])].astype("<f4").tobytes()
        except (KeyError, ValueError, IndexError, OSError, PhotoError) as error:
            raise TableError(f"{path}, line {line}: cannot be read ({error}); export again") from error
        yield values


def _value(column: sql.Column[Any], cell: str) -> Any:
    if column.nullable and cell == "":
        return None
    if isinstance(column.type, sql.JSON):
        return json.loads(from_cell(cell, str))
    return from_cell(cell, column.type.python_type)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _go_on_counting(connection: sql.Connection, table: sql.Table) -> None:
    """Let a server's next number come after those that were brought; SQLite sees to that itself."""
    if connection.dialect.name == "postgresql" and "id" in table.columns:
        highest = sql.select(sql.func.max(table.c.id)).scalar_subquery()
        sequence = sql.func.pg_get_serial_sequence(table.name, "id")
        connection.execute(sql.select(sql.func.setval(sequence, highest)))
