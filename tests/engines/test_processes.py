"""Work shared out over processes: done, failed, and lost with its worker."""

import os
from functools import partial
from pathlib import Path

import pytest

from whalepipe.engines import HANDED_OUT, Task
from whalepipe.engines.processes import Processes

FORKED = partial(Processes, start="fork")  # quick: nothing is imported anew


def as_it_is() -> Task:
    """Prepares nothing."""
    return lambda part: part


def writer(folder: Path, wrong: str = "", deadly: str = "") -> Task:
    """Writes a file for each part that says which process did; one part raises, one ends the process."""

    def task(part: str) -> str:
        if part == wrong:
            raise ValueError(f"{part} is wrong")
        if part == deadly:
            os._exit(9)
        (folder / part).write_text(str(os.getpid()))
        return f"{part} is done"

    return task


def test_every_part_is_done_once_by_another_process(tmp_path: Path) -> None:
    parts = list("abcdef")
    made = dict(FORKED(2)(as_it_is, partial(writer, tmp_path), parts))
    assert made == {number: f"{part} is done" for number, part in enumerate(parts)}
    done = {p.name: int(p.read_text()) for p in tmp_path.iterdir()}
    assert sorted(done) == parts
    assert os.getpid() not in done.values()


def test_no_more_processes_than_parts_and_none_for_none(tmp_path: Path) -> None:
    assert list(FORKED(64)(as_it_is, partial(writer, tmp_path), ["a"])) == [(0, "a is done")]
    assert list(FORKED(2)(as_it_is, partial(writer, tmp_path), [])) == []


def test_what_a_task_raises_passes_through(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="b is wrong"):
        list(FORKED(1)(as_it_is, partial(writer, tmp_path, "b"), ["a", "b", "c"]))
    assert (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def test_where_a_worker_is_killed_the_rest_is_left_undone(tmp_path: Path) -> None:
    assert list(FORKED(1)(as_it_is, partial(writer, tmp_path, deadly="b"), ["a", "b", "c"])) == [(0, "a is done")]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_parts_are_prepared_here_and_few_ahead(tmp_path: Path) -> None:
    ahead: list[int] = []
    done: list[int] = []

    def prepared(part: int) -> str:
        ahead.append(part + 1 - len(done))
        return f"{os.getpid()}-{part}"

    for number, _ in FORKED(1)(lambda: prepared, partial(writer, tmp_path), range(20)):
        done.append(number)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{os.getpid()}-{part}" for part in range(20))
    assert max(ahead) <= HANDED_OUT
