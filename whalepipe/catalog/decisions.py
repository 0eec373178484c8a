"""What people decide about the catalogue: who, when, why, and what it replaced."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from whalepipe.catalog.entries import Entry
from whalepipe.errors import CatalogError


def login() -> str:
    """The name under which the user is logged in."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "unknown"


@dataclass(frozen=True)
class By:
    """Who decides, and why."""

    who: str = field(default_factory=login)
    why: str = ""


class Verdict(StrEnum):
    """What a person says of a crop of a run."""

    same = "same"  # it is this individual
    different = "different"  # it is not this individual
    new = "new"  # it is an animal that the catalogue does not hold, called so from now on
    unsure = "unsure"
    not_usable = "not_usable"


@dataclass(frozen=True)
class Judgement:
    """A person's verdict about one crop; `same` and `new` of one that the catalogue does not hold need its `entry`."""

    origin: str  # as entries.Entry.origin
    verdict: Verdict
    individual: str = ""  # of `same`, `different` and `new`
    entry: Entry | None = None


@dataclass(frozen=True)
class Standing:
    """What holds of a crop now, by the last judgement that was not taken back."""

    origin: str
    verdict: Verdict
    individual: str  # whom `same` and `new` affirm and `different` denies; else empty


@dataclass(frozen=True)
class Decision:
    """One change of the catalogue."""

    id: int
    made_at: str  # ISO 8601, UTC
    who: str
    why: str
    kind: str  # add, assign, remove, merge, split, rename, edit, turn, encounter, judge, dismiss, undo
    subject: str  # an individual's id, a crop's origin, or an encounter
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undoes: int | None = None
    undone_by: int | None = None

    @property
    def said(self) -> str:
        """In one line, for people: the number, when, who, what."""
        return f"{self.id} ({self.kind} {self.subject}, by {self.who} at {self.made_at})"


class ConflictError(CatalogError):
    """Somebody decided in the meantime, or on top of it; `decision` is what stands in the way. Nothing was changed."""

    def __init__(self, message: str, decision: Decision) -> None:
        super().__init__(message)
        self.decision = decision
