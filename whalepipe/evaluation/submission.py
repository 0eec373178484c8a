"""The file that Kaggle's contests of whales want: for each picture five answers, `new` among them, the best first."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from whalepipe.errors import TableError
from whalepipe.evaluation.answers import first_answers
from whalepipe.files import write_aside
from whalepipe.stages.match import Candidate
from whalepipe.tables import NEW, CropLabel

ANSWERS = 5


@dataclass(frozen=True)
class Form:
    """The columns of a contest's file, and its word for a new individual."""

    image: str
    predictions: str
    new: str


FORMS = {
    "happywhale": Form("image", "predictions", "new_individual"),
    "humpback": Form("Image", "Id", "new_whale"),
}


@dataclass(frozen=True)
class Submission:
    """A file to write, in the form of one of FORMS."""

    path: Path
    form: str = "happywhale"


def write_submission(
    submission: Submission, rows: Sequence[CropLabel], found: Sequence[Sequence[Candidate]], prior_new: float
) -> None:
    """Write the first answers to each query; a picture is named by its file's name.

    Raises TableError where two queries have one name, or an individual's holds a space, which parts answers there;
    StorageError.
    """
    form = FORMS[submission.form]
    names = [PurePosixPath(row.crop).name for row in rows]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TableError(f"{submission.path}: not written, two queries are called {twice[0]}")
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([form.image, form.predictions])
    for name, candidates in zip(names, found, strict=True):
        answers = [form.new if who == NEW else who for who in first_answers(candidates, prior_new, ANSWERS)]
        spaced = [who for who in answers if len(who.split()) != 1]
        if spaced:
            raise TableError(f"{submission.path}: not written, a space in {spaced[0]!r} would make two answers of one")
        table.writerow([name, " ".join(answers)])
    write_aside(submission.path, out.getvalue().encode())
