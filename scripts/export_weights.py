"""Write the exported form of weights that have none, which runs fast on a processor: NAME.onnx.

Of a detector, of what tells an animal's outline, or of an embedder. `whalepipe train` does this itself for the first
two; this is for embedders, and for weights made before it did. Needs whalepipe[train].

Usage: python scripts/export_weights.py weights/detector.pt
"""

import argparse
import sys

from whalepipe.errors import WhalepipeError
from whalepipe.models import detector, embedder, silhouette
from whalepipe.models.export import export_weights
from whalepipe.models.exported import ENDING
from whalepipe.models.weights import find_weights

KINDS = (detector.KIND, silhouette.KIND, embedder.KIND)


def main() -> None:
    """Export what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="a .pt with its .json card beside it")
    parser.add_argument("--kind", choices=KINDS, default=detector.KIND)
    given = parser.parse_args()
    try:
        made = export_weights(find_weights(given.weights, given.kind))
    except WhalepipeError as error:
        sys.exit(f"export_weights: {error}")
    print(f"{made.path.with_suffix(ENDING)}, named in the card {made.path.with_suffix('.json')}")


if __name__ == "__main__":
    main()
