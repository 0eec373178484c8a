"""The catalogue's tables. A change of them is a new SCHEMA number and a way to bring older files up to it (migrate)."""

import sqlalchemy as sql

SCHEMA = "2"

metadata = sql.MetaData()

# Compared byte by byte wherever it is kept: ids sort alike in every database and as Python sorts them.
TEXT = sql.Text().with_variant(sql.Text(collation="C"), "postgresql")
JSON = sql.JSON(none_as_null=True)


def _key() -> sql.Column[int]:
    return sql.Column("id", sql.Integer, primary_key=True)


settings = sql.Table(
    "settings",
    metadata,
    sql.Column("name", TEXT, primary_key=True),  # schema, revision
    sql.Column("value", TEXT, nullable=False),
)

individuals = sql.Table(
    "individuals",
    metadata,
    _key(),
    sql.Column("name", TEXT, nullable=False, unique=True),
    sql.Column("species", TEXT, nullable=False, default=""),  # scientific name
    sql.Column("sex", TEXT, nullable=False, default=""),  # female, male; empty: nobody knows
    sql.Column("born", TEXT, nullable=False, default=""),  # ISO 8601 date, or its year and month, or its year alone
    sql.Column("died", TEXT, nullable=False, default=""),
    sql.Column("notes", TEXT, nullable=False, default=""),
    sql.Column("distinctiveness", sql.Float),  # 0 to 1, as a person sees it; none: nobody said
    sqlite_autoincrement=True,  # the number of one that is gone is given to no other: decisions tell of it
)

encounters = sql.Table(
    "encounters",
    metadata,
    _key(),
    sql.Column("name", TEXT, nullable=False, unique=True),
    sql.Column("place", TEXT, nullable=False, default=""),
    sql.Column("time", TEXT, nullable=False, default=""),  # ISO 8601, when it began
    sqlite_autoincrement=True,
)

photos = sql.Table(
    "photos",
    metadata,
    _key(),
    sql.Column("name", TEXT, nullable=False),  # path below the folder that it came from
    sql.Column("photo_id", TEXT, nullable=False, default=""),  # sha256 of its bytes, hex; empty where nobody noted it
    sql.Column("taken_at", TEXT, nullable=False, default=""),
    sql.Column("latitude", sql.Float),  # degrees north
    sql.Column("longitude", sql.Float),  # degrees east
    sql.UniqueConstraint("name", "photo_id"),
    sqlite_autoincrement=True,
)

crops = sql.Table(
    "crops",
    metadata,
    _key(),
    # None: filed, but of nobody now, as after it was removed or its addition taken back.
    sql.Column("individual_id", sql.ForeignKey("individuals.id"), index=True),
    sql.Column("origin", TEXT, nullable=False, unique=True),  # what makes a crop the same crop: see entries.Entry
    sql.Column("crop", TEXT, nullable=False),
    sql.Column("part", TEXT, nullable=False, index=True),
    sql.Column("view", TEXT, nullable=False),
    sql.Column("photo_id", sql.ForeignKey("photos.id"), index=True),
    sql.Column("encounter_id", sql.ForeignKey("encounters.id"), index=True),
    sql.Column("jpeg", sql.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

embeddings = sql.Table(
    "embeddings",
    metadata,
    sql.Column("crop_id", sql.ForeignKey("crops.id"), primary_key=True),
    sql.Column("weights", TEXT, primary_key=True),  # digest of the weights that made the vector
    sql.Column("vector", sql.LargeBinary, nullable=False),  # little-endian 32-bit floats, unit length
)

# Made again from the JPEG whenever they are missing, so that a catalogue without this table is no older than one with.
details = sql.Table(
    "details",
    metadata,
    sql.Column("crop_id", sql.ForeignKey("crops.id"), primary_key=True),
    sql.Column("method", TEXT, primary_key=True),  # that of a closer look, of sides, or of a hash
    sql.Column("packed", sql.LargeBinary, nullable=False),
)

# What a person said last of a crop that she was asked about, whether or not the catalogue holds it.
verdicts = sql.Table(
    "verdicts",
    metadata,
    sql.Column("origin", TEXT, primary_key=True),
    sql.Column("verdict", TEXT, nullable=False),
    # Whom a `different` denies. Whom `same` and `new` affirm stands with the crop itself, which may be moved later.
    sql.Column("individual_id", sql.ForeignKey("individuals.id"), index=True),
)

# What `audit` suspected and a person found to be right as it is.
dismissals = sql.Table(
    "dismissals",
    metadata,
    sql.Column("suspicion", TEXT, primary_key=True),  # audit.Suspicion.key
    sql.Column("kind", TEXT, nullable=False),  # audit.Suspicion.kind
)

decisions = sql.Table(
    "decisions",
    metadata,
    _key(),
    sql.Column("made_at", TEXT, nullable=False),  # ISO 8601, UTC
    sql.Column("who", TEXT, nullable=False),
    sql.Column("why", TEXT, nullable=False),
    sql.Column("kind", TEXT, nullable=False),
    sql.Column("subject", TEXT, nullable=False, index=True),
    sql.Column("before", JSON, nullable=False),  # in words, for people; the rows themselves are in `changes`
    sql.Column("after", JSON, nullable=False),
    sql.Column("undoes", sql.ForeignKey("decisions.id")),
    sql.Column("undone_by", sql.ForeignKey("decisions.id", deferrable=True, initially="DEFERRED")),
    sqlite_autoincrement=True,
)

# Each row that a decision made, altered or ended, as it was and as it became: what taking back needs.
changes = sql.Table(
    "changes",
    metadata,
    sql.Column("decision_id", sql.ForeignKey("decisions.id"), primary_key=True),
    sql.Column("kind", TEXT, primary_key=True),  # the name of the table
    sql.Column("row", TEXT, primary_key=True),  # individuals by their number, all others by their natural key
    sql.Column("before", JSON),  # none: there was no such row
    sql.Column("after", JSON),
    sql.Column("was", sql.Integer, index=True),  # the individual that the row was of, and the one that it is of since
    sql.Column("became", sql.Integer, index=True),
    sql.Index("changes_of_row", "row", "kind"),
)
