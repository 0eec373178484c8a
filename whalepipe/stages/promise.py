"""How many candidates of each crop to look at so that few known animals are missed, and what is expected of a count.

A person looks at the list of every crop that is not `identified` and finds the right animal where it is on the list.
Known animals that are missed so look new, and an estimate of abundance by mark and recapture comes out too high; new
ones that are named without a look make it too low: Stevick et al. 2001, "Errors in identification using natural
markings: rates, sources, and effects on capture-recapture estimates of abundance". All rates here are expected ones,
as the probabilities of the matches have them: they are as true as these are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from whalepipe.config import LONGEST_LIST
from whalepipe.tables import NEW, Answer, Crop, Match, by_crop


@dataclass(frozen=True)
class Promise:
    """What to expect of the crops of one part."""

    list_length: int | None  # candidates to look at; None: none was asked for, or none has so low a miss rate
    longest: int  # candidates that there are at most
    miss_rate: float  # expected share of the known animals' crops that are missed, with that list, or the longest
    false_match_rate: float | None  # expected share of wrong names among the `identified`; None: there are none
    abundance_bias: float | None  # of a Lincoln-Petersen estimate: 0.02 is 2 % too high; None: no animal is seen again


@dataclass
class _Tally:
    """Expected numbers of crops of one part."""

    known: float = 0.0  # of animals that the catalogue holds
    held: bool = False  # whether it holds any
    misnamed: float = 0.0  # of these, `identified` as another
    strange: float = 0.0  # of new animals, `identified`
    wrong: float = 0.0  # `identified` as an animal that it is not
    identified: int = 0
    listed: list[list[float]] = field(default_factory=list)  # the others: probabilities of their candidates, best first
    beyond: float = 0.0  # of known animals outside these lists

    def missed(self, length: int) -> float:
        """Of known animals, with lists of this length."""
        return self.misnamed + self.beyond + sum(sum(ranked[length:]) for ranked in self.listed)


def promises(
    crops: Sequence[Crop],
    matches: Iterable[Match],
    answers: Sequence[Answer],
    miss_rate: float,
    longest: int = LONGEST_LIST,
) -> dict[str, Promise | None]:
    """What to expect of each part whose crops were matched; None where the catalogue holds nobody of it.

    `matches` has `longest` candidates of each crop, or all there are, and `new`; `answers` are in the order of `crops`.
    With a miss rate of 0 none is asked for, and lists are as long as they can be.
    """
    ranked = by_crop(matches)
    tallies: dict[str, _Tally] = {}
    for crop, answer in zip(crops, answers, strict=True):
        _add(tallies.setdefault(crop.part, _Tally()), ranked[crop.crop], answer)
    return {part: _promise(tally, miss_rate, longest) for part, tally in sorted(tallies.items())}


def _add(tally: _Tally, ranked: Sequence[Match], answer: Answer) -> None:
    new = sum(m.probability for m in ranked if m.individual == NEW)
    candidates = [m.probability for m in ranked if m.individual != NEW]
    tally.known += 1 - new
    tally.held |= bool(candidates)
    if answer.state == "identified":
        named = next(m.probability for m in ranked if m.individual == answer.individual)
        tally.identified += 1
        tally.strange += new
        tally.wrong += 1 - named
        tally.misnamed += 1 - new - named
    else:
        tally.listed.append(candidates)
        tally.beyond += max(0.0, 1 - new - sum(candidates))


def _promise(tally: _Tally, asked: float, longest: int) -> Promise | None:
    if not tally.held:
        return None
    missed = [tally.missed(length) for length in range(longest + 1)]
    enough = (k for k in range(1, longest + 1) if missed[k] <= asked * tally.known)
    length = next(enough, None) if asked else None
    lost = missed[length or longest]
    # One that is named as another known animal is counted as seen again all the same.
    again = tally.known - (lost - tally.misnamed) + tally.strange
    return Promise(
        length,
        longest,
        round(lost / tally.known, 4) if tally.known > 0 else 0.0,
        round(tally.wrong / tally.identified, 4) if tally.identified else None,
        round(tally.known / again - 1, 4) if again > 0 else None,
    )


def shortened(
    matches: Sequence[Match], parts: Mapping[str, str], promised: Mapping[str, Promise | None]
) -> list[Match]:
    """The candidates that are to be looked at, and `new`, ranked anew; `parts` says what each crop shows."""
    kept: list[Match] = []
    rank: dict[str, int] = {}
    known: dict[str, int] = {}
    for row in matches:
        promise = promised.get(parts[row.crop])
        length = (promise and promise.list_length) or LONGEST_LIST
        if row.individual != NEW:
            known[row.crop] = known.get(row.crop, 0) + 1
        if row.individual == NEW or known[row.crop] <= length:
            rank[row.crop] = rank.get(row.crop, 0) + 1
            kept.append(replace(row, rank=rank[row.crop]))
    return kept
