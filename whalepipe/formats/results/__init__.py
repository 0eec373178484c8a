"""What a run found, in the formats of the field: one file a format, each with `write(given, path)`."""
