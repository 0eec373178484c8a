"""Bringing a file of an older version up to this one: a copy is put beside it, then one transaction changes it.

Each step is Alembic's operations, written out in full: it must not change when the tables of `schema` do.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import sqlalchemy as sql
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from whalepipe.catalog.schema import SCHEMA
from whalepipe.errors import CatalogError
from whalepipe.files import aside


def migrate(connection: sql.Connection, path: Path) -> None:
    """Bring the catalogue in the file `path` up to SCHEMA, within a transaction that holds the writer's lock.

    References must not be enforced on the connection. Raises CatalogError where no way leads there from its schema,
    StorageError where there is no room for the copy.
    """
    found = _schema(connection)
    if found == SCHEMA:  # another process was faster
        return
    if found not in STEPS:
        raise CatalogError(f"{path}: of another version of whalepipe (schema {found}, this one is {SCHEMA})")
    back_up(path, found)
    while found != SCHEMA:
        with Operations.context(MigrationContext.configure(connection)) as operations:
            found = STEPS[found](operations)
    connection.execute(sql.text("UPDATE settings SET value = :schema WHERE name = 'schema'"), {"schema": SCHEMA})
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise CatalogError(f"{path}: damaged, a row of its {broken[0]} names one that is not there; restore a copy")


def back_up(path: Path, schema: str) -> Path:
    """Copy a catalogue's file as it is to a new one beside it, whose name says the schema. Raises StorageError."""
    stem = f"{path.stem}.schema-{schema}"
    copy, number = path.with_name(f"{stem}{path.suffix}"), 1
    while copy.exists():  # what was kept before is kept
        number += 1
        copy = path.with_name(f"{stem}-{number}{path.suffix}")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with aside(copy) as temporary, closing(sqlite3.connect(address, uri=True)) as source:
        try:
            with closing(sqlite3.connect(temporary)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise CatalogError(f"cannot copy {path} to {copy} ({error}); nothing was changed") from error
    return copy


def _schema(connection: sql.Connection) -> str:
    return str(connection.execute(sql.text("SELECT value FROM settings WHERE name = 'schema'")).scalar())


def _text(name: str) -> sql.Column[str]:
    return sql.Column(name, sql.Text, nullable=False)


def _numbered(operations: Operations, name: str, *columns: sql.schema.SchemaItem) -> None:
    key = sql.Column("id", sql.Integer, primary_key=True)
    operations.create_table(name, key, *columns, sqlite_autoincrement=True)


def _from_1(operations: Operations) -> str:
    """Individuals have fields, encounters and photos tables, crops may be nobody's, decisions are kept."""
    _numbered(operations, "encounters", _text("name"), _text("place"), _text("time"), sql.UniqueConstraint("name"))
    where = sql.Column("latitude", sql.Float), sql.Column("longitude", sql.Float)
    unique = sql.UniqueConstraint("name", "photo_id")
    _numbered(operations, "photos", _text("name"), _text("photo_id"), _text("taken_at"), *where, unique)
    told = [_text(name) for name in ("name", "species", "sex", "born", "died", "notes")]
    marked = sql.Column("distinctiveness", sql.Float)
    _numbered(operations, "individuals_2", *told, marked, sql.UniqueConstraint("name"))
    _crops_2(operations)
    for statement in MOVED_TO_2:
        operations.execute(statement)
    for table in ("individuals", "crops"):
        operations.drop_table(table)
        operations.rename_table(f"{table}_2", table)
    for column in ("individual_id", "part", "photo_id", "encounter_id"):
        operations.create_index(f"ix_crops_{column}", "crops", [column])
    _decisions_2(operations)
    return "2"


def _crops_2(operations: Operations) -> None:
    def number(name: str, table: str) -> sql.Column[int]:
        return sql.Column(name, sql.Integer, sql.ForeignKey(f"{table}.id"))

    whose, photo = number("individual_id", "individuals"), number("photo_id", "photos")
    told = [_text(name) for name in ("origin", "crop", "part", "view")]
    jpeg = sql.Column("jpeg", sql.LargeBinary, nullable=False)
    _numbered(
        operations,
        "crops_2",
        whose,
        *told,
        photo,
        number("encounter_id", "encounters"),
        jpeg,
        sql.UniqueConstraint("origin"),
    )


def _decisions_2(operations: Operations) -> None:
    denied = sql.Column("individual_id", sql.Integer, sql.ForeignKey("individuals.id"), index=True)
    operations.create_table("verdicts", sql.Column("origin", sql.Text, primary_key=True), _text("verdict"), denied)
    operations.create_table("dismissals", sql.Column("suspicion", sql.Text, primary_key=True), _text("kind"))
    later = sql.ForeignKey("decisions.id", deferrable=True, initially="DEFERRED")
    links = (
        sql.Column("undoes", sql.Integer, sql.ForeignKey("decisions.id")),
        sql.Column("undone_by", sql.Integer, later),
    )
    told = [_text(name) for name in ("made_at", "who", "why", "kind")]
    subject = sql.Column("subject", sql.Text, nullable=False, index=True)
    states = [sql.Column(name, sql.JSON, nullable=False) for name in ("before", "after")]
    _numbered(operations, "decisions", *told, subject, *states, *links)
    operations.create_table(
        "changes",
        sql.Column("decision_id", sql.Integer, sql.ForeignKey("decisions.id"), primary_key=True),
        *(sql.Column(name, sql.Text, primary_key=True) for name in ("kind", "row")),
        *(sql.Column(name, sql.JSON) for name in ("before", "after")),
        *(sql.Column(name, sql.Integer, index=True) for name in ("was", "became")),
    )
    operations.create_index("changes_of_row", "changes", ["row", "kind"])


# Of a crop that was cut out of a photo the origin began with the photo's digest.
_DIGEST = "CASE WHEN substr(origin, 65, 1) = ' ' THEN substr(origin, 1, 64) ELSE '' END"
MOVED_TO_2 = (
    "INSERT INTO individuals_2 SELECT id, name, species, '', '', '', '', NULL FROM individuals ORDER BY id",
    "INSERT INTO encounters (name, place, time) "
    "SELECT encounter, '', '' FROM crops WHERE encounter <> '' GROUP BY encounter ORDER BY min(id)",
    "INSERT INTO photos (name, photo_id, taken_at) "
    f"SELECT photo, {_DIGEST} AS digest, '' FROM crops WHERE photo <> '' GROUP BY photo, digest ORDER BY min(id)",
    "INSERT INTO crops_2 SELECT crops.id, individual_id, origin, crop, part, view, photos.id, encounters.id, jpeg "
    f"FROM crops LEFT JOIN photos ON photos.name = photo AND photos.photo_id = {_DIGEST} "
    "LEFT JOIN encounters ON encounters.name = encounter ORDER BY crops.id",
)
STEPS: Mapping[str, Callable[[Operations], str]] = {"1": _from_1}
