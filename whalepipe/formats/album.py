"""The photos that a label file speaks of: their names below one folder, and their sizes."""

import re
from functools import cached_property
from pathlib import Path, PurePosixPath

from whalepipe.errors import ConfigError, PhotoError
from whalepipe.formats.numbers import Size
from whalepipe.photos import inside, scan, upright_size

_ABSOLUTE = re.compile(r"(/|[A-Za-z]:/|[A-Za-z][A-Za-z0-9+.-]*://)")


class Album:
    """A folder of photos, or none: names are then taken as they are given, and no size is known."""

    def __init__(self, root: Path | None) -> None:
        """Raises ConfigError where `root` is no folder."""
        if root is not None and not root.is_dir():
            raise ConfigError(f"--photos {root} is not a folder; give the folder that the photos lie in")
        self.root = root
        self._sizes: dict[str, Size] = {}

    def name(self, *said: str) -> str:
        """The photo's path below the folder, "/" between its parts: the first of the names given that is one.

        Of an absolute path or an address, the longest end that is the path of a photo. Raises PhotoError where there
        is no such photo, and where a name leads out of the folder.
        """
        failure: PhotoError | None = None
        for name in filter(None, said):
            for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
                try:
                    return self._ending(spelling) if _ABSOLUTE.match(spelling) else self._below(spelling)
                except PhotoError as error:
                    failure = failure or error
        raise failure or PhotoError("no photo is named")

    def _below(self, name: str) -> str:
        parts = PurePosixPath(name).parts
        if ".." in parts or not parts:
            raise PhotoError(f"{name} leads out of {self.root or 'the folder of photos'}")
        plain = "/".join(parts)
        if self.root is not None:
            inside(self.root, plain)
        return plain

    def _ending(self, name: str) -> str:
        if self.root is None:
            raise PhotoError(f"{name} is an absolute path; say with --photos which folder its photo lies in")
        parts = [part for part in re.split("/+", name) if part]
        for first in range(len(parts)):
            try:
                return self._below("/".join(parts[first:]))
            except PhotoError:
                continue
        raise PhotoError(f"{name} is not in {self.root}")

    @property
    def folder(self) -> str:
        """The name of the folder itself; empty where there is none."""
        return self.root.resolve().name if self.root is not None else ""

    def of_stem(self, stem: str) -> list[str]:
        """The photos whose path without its ending is `stem`."""
        return self._stems.get(stem, [])

    def photos(self) -> int:
        """How many photos there are in the folder."""
        return sum(map(len, self._stems.values()))

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for found in scan(self.root) if self.root is not None else []:
            if not found.note:
                stem = found.photo.removesuffix(PurePosixPath(found.photo).suffix)
                stems.setdefault(stem, []).append(found.photo)
        return stems

    def size(self, photo: str, said: Size | None = None) -> Size:
        """Width and height of a photo, upright; as `said` by the label file where there is no folder to look in.

        Raises PhotoError where neither tells, where the photo cannot be read, and where they contradict each other.
        """
        if self.root is None:
            if said is None:
                raise PhotoError(f"the size of {photo} is not known; say with --photos which folder it lies in")
            return said
        if photo not in self._sizes:
            self._sizes[photo] = upright_size(inside(self.root, photo))
        size = self._sizes[photo]
        if said is not None and said != size:
            raise PhotoError(
                f"drawn on {said[0]} x {said[1]} pixels, but {photo} has {size[0]} x {size[1]}: another photo, or one "
                "that was scaled or turned since"
            )
        return size
