"""What can go wrong, named for what the user can do about it. Only the command line turns these into messages."""


class WhalepipeError(Exception):
    """The command cannot go on; the message says in one line what is wrong and what to do."""


class ConfigError(WhalepipeError):
    """An option or a key of the configuration file is wrong: correct it."""


class TableError(WhalepipeError):
    """A table (CSV) does not hold what it must: the message names the file and the line."""


class WeightsError(WhalepipeError):
    """A weights file is missing, damaged, or not what its card says: restore it or train it anew."""


class CatalogError(WhalepipeError):
    """The catalogue cannot be read or changed as asked."""


class StorageError(WhalepipeError):
    """Results cannot be written (full disk, no permission): make room and run the same command again."""


class EngineError(WhalepipeError):
    """Work cannot be shared out as asked: no cluster, no package for it, a worker that cannot go on."""


class PhotoError(WhalepipeError):
    """One photo cannot be read. The run notes it and goes on with the next."""
