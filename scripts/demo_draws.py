"""How right `whalepipe demo` would be with other photos and other animals: its own draw is one of few.

Usage: python scripts/demo_draws.py FOLDER [--stream test] [--seeds 777 778 779 780] [--burst 3]
                                             [--set embed.weights=mine.pt]

Renders each draw into FOLDER, once, runs everything on it and prints one line a draw: usable animals found, first
candidates right, AUROC of P(new); then the same of all draws together, each figure the mean over draws with the lowest
and the highest. The stream "demo" gives the demo's own animals in other photos, "test" other animals. With --burst each
group of animals is taken so many times within seconds, though each time in another light and sea, where the frames of a
true burst differ less (a FOLDER for each --burst).
"""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from whalepipe.demo import STANDARD, Plan, render_cards
from whalepipe.evaluation.run import Score, score


def main() -> None:
    """Render, run and score what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stream", default="test", choices=("demo", "test"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[777, 778, 779, 780])
    parser.add_argument("--burst", type=int, default=1, help="photos of each group of animals, a second apart")
    parser.add_argument("--set", action="append", default=[], metavar="STAGE.KEY=VALUE")
    said = parser.parse_args()
    plans = [replace(STANDARD, stream=said.stream, seed=seed, burst=said.burst) for seed in said.seeds]
    found = [one_draw(said.folder / f"{said.stream}-{plan.seed}", plan, said.set) for plan in plans]
    shares = {
        "found": [s.found[0] / s.found[1] for s in found],
        "first candidate": [s.first / s.named[1] for s in found],
        "AUROC": [s.auroc_new for s in found if s.auroc_new is not None],
    }
    for name, values in shares.items():
        print(f"{name}: {sum(values) / len(values):.2f} ({min(values):.2f} to {max(values):.2f})")


def one_draw(folder: Path, plan: Plan, settings: list[str]) -> Score:
    """Score one draw and print its line."""
    if not (folder / "truth.csv").exists():
        render_cards(folder, plan)
    catalog, results = folder / "catalogue.sqlite", folder / "results"
    chosen = [word for setting in settings for word in ("--set", setting)]
    catalog.unlink(missing_ok=True)
    whalepipe("catalog", "add", folder / "known", "--labels", folder / "known.csv", "--catalog", catalog, *chosen)
    whalepipe("run", folder / "card", "--catalog", catalog, "--out", results, *chosen)
    s = score(folder / "truth.csv", results)
    aside = [sum(pair[i] for pair in s.set_aside.values()) for i in (0, 1)]
    print(
        f"{folder.name}: found {s.found[0]} of {s.found[1]}, {s.false_boxes} false; first candidate {s.first} of "
        f"{s.named[1]}, AUROC {s.auroc_new:.2f}, identified {s.named[0]}, misnamed {s.misnamed}, known called new "
        f"{s.known_as_new}; faults set aside {aside[0]} of {aside[1]}",
        flush=True,
    )
    return s


def whalepipe(*words: object) -> None:
    """Run a command as a user would; 1 (some photos failed) is what the card's bad files lead to."""
    done = subprocess.run([sys.executable, "-m", "whalepipe", *map(str, words), "--quiet"], check=False)
    if done.returncode not in (0, 1):
        sys.exit("demo_draws: the line above says why")


if __name__ == "__main__":
    main()
