"""What the demo says beside its own figures: how other such cards were named, where the cards of weights know it."""

import pytest

from whalepipe.cli.demo import _say_others
from whalepipe.report.trust import Figure, Instrument, Measured


def test_one_card_is_not_left_to_stand_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    figures = [Figure("first candidate right", "83 %", "70 to 95 %")]
    others = Measured("rendered cards of four other draws", True, figures)
    real = Measured("rightwhale", False, [Figure("first candidate right", "60 %", "54 to 66 %")])
    _say_others([Instrument("embedder", "", measured=[real, others]), Instrument("detector", "")])
    said = capsys.readouterr().out
    assert "This card is one of many." in said
    assert "  embedder, four other draws: first candidate right 83 % (70 to 95 %)\n" in said
    assert "rightwhale" not in said


def test_nothing_is_said_where_no_card_knows_others(capsys: pytest.CaptureFixture[str]) -> None:
    _say_others([Instrument("embedder", "", measured=[Measured("rightwhale", False, [])])])
    assert capsys.readouterr().out == ""


def test_the_shipped_embedder_says_how_other_cards_were_named() -> None:
    from whalepipe.models.weights import find_weights

    figures = find_weights("embedder", "embedder").card["figures"]
    [others] = [values for name, values in figures.items() if name.startswith("rendered cards of")]
    assert {"top1", "auroc_new", "intervals", "command"} <= set(others)
