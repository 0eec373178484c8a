"""`whalepipe demo`: a rendered card, run end to end by the commands that a user types."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import say
from whalepipe.errors import WhalepipeError

SHOWN = 3  # figures of each set of real photos
OTHER_CARDS = "rendered cards of"  # how cards of weights name figures of demos with other animals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whalepipe.evaluation.run import Score
    from whalepipe.report.trust import Instrument


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = "Render a card of photos and run everything on it.\n\nExample: whalepipe demo"
    app.command("demo", help=text)(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where the rendered photos and the results go.")] = Path(
        "whalepipe-demo"
    ),
    quiet: o.Quiet = False,
) -> None:
    """Render, add the catalogue, run, count."""
    from whalepipe.demo import render_cards
    from whalepipe.evaluation.run import score
    from whalepipe.job import Job
    from whalepipe.report.trust import instruments

    say("No photo of a real animal is shipped: these seas and animals are rendered, no measure of real ones.")
    if not (out / "truth.csv").exists():
        say(f"rendering two cards of photos into {out} ...")
        render_cards(out)
    catalog, results = out / "catalogue.sqlite", out / "results"
    flags = ["--quiet"] if quiet else []
    labels = str(out / "known.csv")
    _whalepipe(["catalog", "add", str(out / "known"), "--labels", labels, "--catalog", str(catalog)], flags)
    _whalepipe(["run", str(out / "card"), "--catalog", str(catalog), "--out", str(results)], flags)
    _say_score(score(out / "truth.csv", results))
    weights = instruments(Job(out / "card", results))
    _say_others(weights)
    _say_real(weights)
    say(f"\nThe report: {(results / 'report.html').resolve()}")


def _whalepipe(arguments: list[str], flags: list[str]) -> None:
    """Run a command as a user would; 1 (some photos failed) is what the demo's bad files lead to."""
    say(f"\n$ {shlex.join(['whalepipe', *arguments])}")
    sys.stdout.flush()
    done = subprocess.run([sys.executable, "-m", "whalepipe", *arguments, *flags], env=os.environ, check=False)
    if done.returncode not in (0, 1):
        raise WhalepipeError("the demo could not run; the lines above say why")


def _say_score(s: "Score") -> None:
    say("\nHow right that was (the renderer knows who is in each photo):")
    say(f"  animals found:                 {s.found[0]} of {s.found[1]}, and {s.false_boxes} boxes where there is none")
    say(f"  known animals named right:     {s.named[0]} of {s.named[1]} crops")
    say(f"    their first candidate right: {s.first} of {s.named[1]} crops; called new: {s.known_as_new}")
    say(f"  new animals recognised as new: {s.new[0]} of {s.new[1]} crops; AUROC of P(new) {_figure(s.auroc_new)}")
    say(f"  given a wrong name:            {s.misnamed} crops; left to you as unsure: {s.unsure}")
    aside = ", ".join(f"{fault.replace('_', ' ')} {n} of {total}" for fault, (n, total) in s.set_aside.items())
    say(f"  set aside:                     {aside}")
    say(f"  empty seas:                    {s.empty[0]} of {s.empty[1]} found empty")
    say(f"  unreadable files:              {s.bad_files} listed as failed")


def _say_others(weights: "Sequence[Instrument]") -> None:
    """What the same weights do on other such cards: one card of 36 animals says little, and this one may be kind."""
    cards = [(i.kind, m) for i in weights for m in i.measured if m.what.startswith(OTHER_CARDS)]
    if cards:
        say("\nThis card is one of many. Of other animals in other seas (from the weights' cards):")
    for kind, measured in cards:
        figures = ", ".join(f"{f.label} {f.value} ({f.interval})" for f in measured.figures)
        say(f"  {kind}, {measured.what.removeprefix(OTHER_CARDS).strip()}: {figures}")


def _say_real(weights: "Sequence[Instrument]") -> None:
    """What the same weights do on real photos: the rendered ones above are no measure of that."""
    say("\nOn photos of real animals (from the weights' cards; the report has them all with their intervals):")
    for instrument in weights:
        for measured in instrument.measured:
            if not measured.rendered:
                figures = ", ".join(f"{f.label} {f.value}" for f in measured.figures[:SHOWN])
                say(f"  {instrument.kind}, {measured.what}: {figures}")


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
