"""The application in this process, over a card of the test's own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.review.cards import Plan, card, names, plans
from whalepipe.catalog.place import Place
from whalepipe.job import Job
from whalepipe.review.app import create_app
from whalepipe.review.desk import open_desk
from whalepipe.review.guard import Rules
from whalepipe.review.service import Service

HERE = "http://127.0.0.1:8765"
ALL_STATES = plans("unsure", "new", "identified", "rejected")


@dataclass
class Opened:
    """A card, and a client that is asked and answers as a browser on this computer would."""

    job: Job
    crops: list[str]
    service: Service
    client: TestClient

    def said(self, path: str, **query: Any) -> Any:
        """The JSON of an address."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def seen(self, crop: str) -> int:
        return int(self.said(f"/api/crops/{crop}")["seen"][crop])

    def decide(self, crop: str, verdict: str, individual: str = "", who: str = "Ana", **more: Any) -> Any:
        """Decide through the interface; the answer."""
        seen = {crop: self.seen(crop)}
        body = {"verdict": verdict, "seen": seen, "individual": individual, "who": who, **more}
        answer = self.client.post("/api/decide", json=body)
        self.settle()
        return answer

    def form(self, path: str, **fields: Any) -> Any:
        """Send a form of this start; redirects are not followed."""
        data = {"form": self.service.rules.form, **fields}
        answer = self.client.post(path, data=data, follow_redirects=False)
        self.settle()
        return answer

    def settle(self) -> None:
        """Wait until the tables have every decision."""
        assert self.service.desk.writer.wait(self.service.desk.last, 10)


Open = Callable[..., Opened]


@pytest.fixture
def new_place() -> Callable[[], Place | None]:
    """Where the catalogue of the next card is made; None: a file beside it. Files override it."""
    return lambda: None


@pytest.fixture
def review(tmp_path: Path, new_place: Callable[[], Place | None]) -> Iterator[Open]:
    """Opens a card with these crops."""
    opened: list[Opened] = []

    def begin(crops: Sequence[Plan] = tuple(ALL_STATES), rules: Rules | None = None, job: Job | None = None) -> Opened:
        job = job or card(tmp_path / f"card-{len(opened)}", crops, place=new_place())
        service = Service(open_desk(job), rules or Rules(), "Tester")
        client = TestClient(create_app(service), base_url=HERE)
        opened.append(Opened(job, names(job), service, client))
        return opened[-1]

    yield begin
    for each in opened:
        each.service.desk.close()
