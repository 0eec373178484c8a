"""The command line: the only place that prints, sets up logging and exits. One thin function a command."""

import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from whalepipe.cli import (
    bench,
    catalog_audit,
    catalog_changes,
    catalog_exchange,
    demo,
    doctor,
    evaluate,
    explain,
    labels,
    pipeline,
    results,
    review,
    train,
)
from whalepipe.cli.console import complain
from whalepipe.errors import WhalepipeError

COULD_NOT_RUN = 2
INTERRUPTED = 130


UsageError: Any = typer.BadParameter.__base__  # typer carries a copy of click, or depends on it: one name for both


class Commands(TyperGroup):
    """The commands, with what they raise turned into one line on stderr and an exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Parse the command line and run the command; a wrong word in it is one line too."""
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except UsageError as error:
            text = error.format_message()
            if "\n" in text:  # the whole help, where nothing was asked for
                error.show()
            else:
                complain(f"{text} ({error.ctx.command_path} --help tells more)" if error.ctx else text)
            sys.exit(COULD_NOT_RUN)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run one command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain("interrupted; the same command goes on from here")
            sys.exit(INTERRUPTED)
        except WhalepipeError as error:
            complain(str(error))
            sys.exit(COULD_NOT_RUN)


app = typer.Typer(
    cls=Commands,
    name="whalepipe",
    help="From a folder of raw photos of whales and dolphins to who was seen.\n\nExample: whalepipe run my-photos/",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
pipeline.register(app)
results.register(app)
assert catalog_changes.app is catalog_exchange.app is catalog_audit.app  # that of cli/catalog.py, to which each adds
app.add_typer(catalog_audit.app, name="catalog")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(labels.app, name="labels")
explain.register(app)
doctor.register(app)
demo.register(app)
bench.register(app)
review.register(app)


def main() -> None:
    """Run a command and exit: 0 nothing failed, 1 some photos failed, 2 the command could not run."""
    try:
        app()
    except Exception:
        traceback.print_exc()
        complain("this is a fault of whalepipe; your photos are untouched. Please report the lines above")
        sys.exit(COULD_NOT_RUN)
