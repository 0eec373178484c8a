"""The interface as its OpenAPI description has it: whatever is asked, no answer is a fault of the server."""

import contextlib
from typing import Any

import pytest

from tests import fakes
from tests.review.cards import card, plans
from tests.review.conftest import Open
from whalepipe.review.app import create_app
from whalepipe.review.desk import open_desk
from whalepipe.review.guard import Rules
from whalepipe.review.service import Service

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402

QUICK = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def description(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The description, and the application behind it, over a card of four crops and fake models."""
    folder = tmp_path_factory.mktemp("schema")
    place = None if request.param == "sqlite" else request.getfixturevalue("fresh_url")()
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(folder / "weights", patch.setattr)
        crops = plans("unsure", "new", "identified", "rejected")
        service = Service(open_desk(card(folder / "card", crops, place=place)), Rules())
        yield schemathesis.openapi.from_asgi("/openapi.json", create_app(service), headers={"host": "localhost"})
        service.desk.close()


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_no_request_is_answered_by_a_fault(description: Any, mode: Any) -> None:
    """What the description allows, and what it does not."""
    asked = 0
    for operation in (found.ok() for found in description.get_all_operations()):

        @QUICK
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: Any) -> None:
            nonlocal asked
            asked += 1
            answer = case.call(headers={"host": "localhost"})
            assert answer.status_code < 500 or answer.headers.get("retry-after"), (case, answer.text)

        with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # what takes nothing has nothing wrong to take
            answered()
    assert asked > 50


def test_everything_is_described(review: Open) -> None:
    paths = review().client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/queue", "/api/crops/{crop}", "/api/decisions", "/api/changes", "/api/individuals", "/api/points",
        "/api/heat", "/api/decide", "/api/undo", "/api/audit", "/api/audit/{key}", "/api/marks", "/api/maps",
        "/identify", "/health", "/ready",
    }  # fmt: skip
    assert all(method["summary"] for path in paths.values() for method in path.values())
