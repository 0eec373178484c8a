"""Write the exported form of detector weights that have none, for fast detection on a processor: NAME.onnx.

`whalepipe train detector` does this itself; this is for weights made before it did. Needs whalepipe[train].

Usage: python scripts/export_detector.py weights/detector.pt
"""

import argparse
import sys

from whalepipe.errors import WhalepipeError
from whalepipe.models.detector import KIND
from whalepipe.models.exported import ENDING
from whalepipe.models.weights import find_weights
from whalepipe.training.export import export_detector


def main() -> None:
    """Export what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="a .pt with its .json card beside it")
    try:
        made = export_detector(find_weights(parser.parse_args().weights, KIND))
    except WhalepipeError as error:
        sys.exit(f"export_detector: {error}")
    print(f"{made.path.with_suffix(ENDING)}, named in the card {made.path.with_suffix('.json')}")


if __name__ == "__main__":
    main()
