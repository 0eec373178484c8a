"""The count of how right a run was, on tables written by hand."""

from pathlib import Path

from whalepipe.evaluation.run import Score, TruthRow, score
from whalepipe.tables import Detection, Ledger, Match, write_table


def truth(photo: str, individual: str, known: bool, fault: str = "", left: float = 10) -> TruthRow:
    return TruthRow(photo, individual, "fluke", "ventral", fault, known, left, 10, left + 40, 40)


def box(photo: str, number: int, left: float = 12) -> Detection:
    return Detection(photo, "", number, "fluke", left, 10, left + 40, 40, 0.9)


def said(photo: str, number: int, state: str, individual: str = "") -> Ledger:
    crop = f"{photo.removesuffix('.jpg')}_00000000_{number}.jpg"
    return Ledger(photo, "", "", "", crop, "fluke", "unknown", state, "unknown", individual, None, "")


def candidate(photo: str, rank: int, individual: str, probability: float = 0.5) -> Match:
    return Match(f"{photo.removesuffix('.jpg')}_00000000_0.jpg", rank, individual, probability, None, "", "", "", "")


def test_a_run_is_scored_against_what_was_rendered(tmp_path: Path) -> None:
    truths = [
        truth("named.jpg", "A", known=True),
        truth("wrong.jpg", "A", known=True),
        truth("unsure.jpg", "B", known=True),
        truth("called-new.jpg", "B", known=True),
        truth("new.jpg", "Z", known=False),
        truth("missed.jpg", "A", known=True),
        truth("blurred.jpg", "A", known=True, fault="blurred"),
        truth("glare.jpg", "A", known=True, fault="glare"),
    ]
    photos = ("named.jpg", "wrong.jpg", "unsure.jpg", "called-new.jpg", "new.jpg", "blurred.jpg", "glare.jpg")
    boxes = [*(box(photo, 0) for photo in photos), box("named.jpg", 1, left=200), box("missed.jpg", 0, left=90)]
    ledger = [
        said("named.jpg", 0, "identified", "A"),
        said("wrong.jpg", 0, "identified", "B"),
        said("unsure.jpg", 0, "unsure"),
        said("called-new.jpg", 0, "new", "new-1"),
        said("new.jpg", 0, "new", "new-2"),
        said("blurred.jpg", 0, "rejected"),
        said("glare.jpg", 0, "unsure"),
        Ledger("sea.jpg", "", "", "", "", "", "", "empty", "", "", None, ""),
        said("boat.jpg", 0, "unsure"),
        Ledger("DSC_2000.jpg", "", "", "", "", "", "", "failed", "", "", None, "truncated"),
    ]
    matches = [
        candidate("named.jpg", 1, "A"),
        candidate("wrong.jpg", 1, "B"),
        candidate("named.jpg", 2, "new", 0.1),
        candidate("unsure.jpg", 1, "new", 0.6),
        candidate("unsure.jpg", 2, "B"),
        candidate("new.jpg", 1, "new", 0.6),
        candidate("called-new.jpg", 1, "new", 0.7),
        candidate("called-new.jpg", 2, "A"),
        candidate("called-new.jpg", 3, "B"),
    ]
    write_table(tmp_path / "truth.csv", TruthRow, truths)
    for name, row, rows in (("ledger", Ledger, ledger), ("detections", Detection, boxes), ("matches", Match, matches)):
        write_table(tmp_path / f"{name}.csv", row, rows)
    assert score(tmp_path / "truth.csv", tmp_path) == Score(
        found=(5, 6),
        named=(1, 4),
        first=2,  # of named.jpg and, after `new`, of unsure.jpg
        known_as_new=1,
        misnamed=1,
        new=(1, 1),
        auroc_new=0.5,  # above named.jpg, as unsure.jpg, below called-new.jpg
        unsure=1,
        set_aside={"blurred": (1, 1), "glare": (0, 1)},
        false_boxes=2,
        empty=(1, 2),
        bad_files=1,
    )
