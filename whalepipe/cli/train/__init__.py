"""`whalepipe train ...`: labels and photos in, weights with their card out. A file a command."""

import typer

from whalepipe.cli.train.detector import detector
from whalepipe.cli.train.embedder import embedder
from whalepipe.cli.train.quality import quality
from whalepipe.cli.train.recipes import whole
from whalepipe.cli.train.silhouette import silhouette
from whalepipe.cli.train.species import species

DETECTOR = """Train the detector.

Example: whalepipe train detector boxes.csv --photos photos/ --out mine.pt"""
EMBEDDER = """Train the embedder.

Example: whalepipe train embedder individuals.csv --photos crops/ --part fluke --out mine.pt"""
QUALITY = """Train what grades crops.

Example: whalepipe train quality --grades graded.csv --graded-photos photos/ --out mine.pt"""
SILHOUETTE = """Train what tells an animal's outline and trailing edge, on rendered crops.

Example: whalepipe train silhouette --out mine.pt"""
SPECIES = """Make what tells species apart, by part (experimental).

Example: whalepipe train species species.csv --photos photos/ --part dorsal_fin --out mine.pt"""

app = typer.Typer(
    help="Make weights from your own labels.\n\nExample: whalepipe train detector --help",
    no_args_is_help=True,
    rich_markup_mode=None,
    invoke_without_command=True,
)
app.callback()(whole)
app.command(help=DETECTOR)(detector)
app.command(help=EMBEDDER)(embedder)
app.command(help=QUALITY)(quality)
app.command(help=SILHOUETTE)(silhouette)
app.command(help=SPECIES)(species)
