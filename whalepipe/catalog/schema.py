"""The catalogue's tables. A change of them is a new SCHEMA number and a way to bring older files up to it."""

import sqlalchemy as sql

SCHEMA = "1"

metadata = sql.MetaData()

settings = sql.Table(
    "settings",
    metadata,
    sql.Column("name", sql.Text, primary_key=True),  # schema, revision
    sql.Column("value", sql.Text, nullable=False),
)

individuals = sql.Table(
    "individuals",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("name", sql.Text, nullable=False, unique=True),
    sql.Column("species", sql.Text, nullable=False, default=""),
)

crops = sql.Table(
    "crops",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("individual_id", sql.ForeignKey("individuals.id"), nullable=False, index=True),
    sql.Column("origin", sql.Text, nullable=False, unique=True),  # what makes a crop the same crop: see entries.Entry
    sql.Column("crop", sql.Text, nullable=False),
    sql.Column("part", sql.Text, nullable=False, index=True),
    sql.Column("view", sql.Text, nullable=False),
    sql.Column("photo", sql.Text, nullable=False),
    sql.Column("encounter", sql.Text, nullable=False),
    sql.Column("jpeg", sql.LargeBinary, nullable=False),
)

embeddings = sql.Table(
    "embeddings",
    metadata,
    sql.Column("crop_id", sql.ForeignKey("crops.id"), primary_key=True),
    sql.Column("weights", sql.Text, primary_key=True),  # digest of the weights that made the vector
    sql.Column("vector", sql.LargeBinary, nullable=False),  # little-endian 32-bit floats, unit length
)

# Made again from the JPEG whenever they are missing, so that a catalogue without this table is no older than one with.
details = sql.Table(
    "details",
    metadata,
    sql.Column("crop_id", sql.ForeignKey("crops.id"), primary_key=True),
    sql.Column("method", sql.Text, primary_key=True),  # models.details.CloserLook.method
    sql.Column("packed", sql.LargeBinary, nullable=False),
)
