"""Who is refused, and why: foreign names and sites, strangers, paths, sizes, crowds."""

import io
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests import fakes
from tests.helpers import snapshot
from tests.review.conftest import Open
from whalepipe.review.guard import Rules
from whalepipe.review.serve import is_loopback

HTML = {"accept": "text/html"}
EVIL = "<script>alert(1)</script>"


FOREIGN = ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "localhost.", "[::2]"]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_for_this_computer_is_refused(review: Open, host: str) -> None:
    page = review()
    assert page.client.get("/", headers={"host": host}).status_code == 421
    assert page.client.get("/api/queue", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765", "LOCALHOST:8765"])
def test_this_computer_s_own_names_are_let_in(review: Open, host: str) -> None:
    assert review().client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"},
     {"origin": "null"}, {"origin": "http://127.0.0.1:9999"}],
)  # fmt: skip
def test_another_site_s_form_is_refused(review: Open, headers: dict[str, str]) -> None:
    page = review()
    fields = {"form": page.service.rules.form, "crop": page.crops[0], "seen": 0, "verdict": "unsure"}
    assert page.client.post("/decide", data=fields, headers=headers).status_code == 403
    body = {"verdict": "unsure", "seen": {page.crops[0]: 0}}
    assert page.client.post("/api/decide", json=body, headers=headers).status_code == 403
    assert page.client.post("/identify", files={"photo": b"x"}, headers=headers).status_code == 403
    assert page.seen(page.crops[0]) == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_lead_here_but_not_have_work_done(review: Open, site: str) -> None:
    page = review()
    for address in ("/", "/audit", f"/crops/{page.crops[0]}", "/api/queue"):
        picture = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
        assert page.client.get(address, headers=picture).status_code == 403, address
        link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert page.client.get(address, headers=link).status_code == 200, address


def test_a_form_without_this_start_s_secret_is_refused(review: Open) -> None:
    page = review()
    assert page.form("/decide", form="", crop=page.crops[0], seen=0, verdict="unsure").status_code == 422
    for secret in ("x" * 32, "ü"):
        answer = page.form("/decide", form=secret, crop=page.crops[0], seen=0, verdict="unsure")
        assert answer.status_code == 403 and "started again" in answer.json()["error"]
    assert page.client.post("/undo", data={"decision": 1}).status_code == 422
    assert page.form("/who", form="x", name="Ben").status_code == 403
    assert page.seen(page.crops[0]) == 0


def test_json_in_the_guise_of_a_form_is_refused(review: Open) -> None:
    """What another site may send without asking: text/plain."""
    page = review()
    body = f'{{"verdict": "unsure", "seen": {{"{page.crops[0]}": 0}}}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = page.client.post("/api/decide", content=body, headers={"content-type": kind})
        assert answer.status_code == 422
    assert page.client.post("/api/decide", content=body).status_code == 422
    assert page.seen(page.crops[0]) == 0


def test_beyond_this_computer_a_token_is_needed(review: Open) -> None:
    page = review(rules=Rules(token="open sesame"))
    client = TestClient(page.client.app, base_url="http://boat.local:8765")
    for path in ("/", "/api/queue", f"/crops/{page.crops[0]}", "/static/review.js", "/openapi.json", "/?token=wrong"):
        assert client.get(path).status_code == 401, path
    assert client.get("/api/queue", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/api/queue", headers={"authorization": "Bearer open sesame"}).status_code == 200
    assert client.get("/health").status_code == client.get("/ready").status_code == 200
    arrived = client.get("/?token=open+sesame&part=fluke", follow_redirects=False)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/?part=fluke")
    cookie = arrived.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/").status_code == 200
    doubled = "http://boat.local:8765//evil.example/?token=open+sesame"
    assert client.get(doubled, follow_redirects=False).headers["location"] == "/evil.example/"


def test_which_places_only_this_computer_reaches() -> None:
    assert [is_loopback(h) for h in ("127.0.0.1", "127.8.8.8", "::1", "localhost")] == [True] * 4
    assert [is_loopback(h) for h in ("0.0.0.0", "::", "192.168.1.4", "boat.local", "")] == [False] * 5


PATHS = ["../ledger.csv", "..%2fledger.csv", "/etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a\0b", "", "crops/../x"]


@pytest.mark.parametrize("name", PATHS)
def test_no_path_leaves_the_folder(review: Open, name: str) -> None:
    page = review()
    for address in ("/pictures/whole", "/pictures/small", "/api/points"):
        answer = page.client.get(address, params={"crop": name, "other": page.crops[0]})
        assert answer.status_code == 404, address
    other = page.client.get("/pictures/whole", params={"crop": name, "individual": "Mn-1"})
    assert other.status_code == 404
    assert page.client.get(f"/static/{quote(name, safe='')}").status_code == 404
    assert page.client.get(f"/crops/{quote(name, safe='')}").status_code == 404
    body = {"verdict": "unsure", "seen": {name: 0}}
    assert page.client.post("/api/decide", json=body).status_code == 404


def test_a_link_in_the_place_of_a_crop_is_not_followed_out(review: Open, tmp_path: Path) -> None:
    page = review()
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"\xff\xd8secret")
    crop = page.job.out / "crops" / page.crops[0]
    crop.unlink()
    crop.symlink_to(secret)
    for address in ("/pictures/whole", "/pictures/small"):
        assert page.client.get(address, params={"crop": page.crops[0]}).status_code == 404


def test_names_and_reasons_are_text_wherever_they_stand(review: Open) -> None:
    page = review()
    crop = page.crops[0]
    page.decide(crop, "new", EVIL, who=EVIL, why=EVIL)
    page.form("/who", name=EVIL)
    for address in ("/", f"/crops/{crop}", f"/crops/{page.crops[1]}", "/decisions", f"/crops/{crop}?place={EVIL}"):
        text = page.client.get(address).text
        assert EVIL not in text, address
        assert "&lt;script&gt;" in text, address
    answer = page.form("/decide", crop=crop, seen=0, verdict="unsure")
    assert answer.status_code == 409 and EVIL not in answer.text


def test_every_answer_keeps_the_page_to_itself(review: Open) -> None:
    page = review()
    for address in ("/", "/health", "/nothing", f"/pictures/small?crop={page.crops[0]}", "/api/queue"):
        headers = page.client.get(address).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" in page.client.get("/").headers["cache-control"]
    assert "access-control-allow-origin" not in page.client.get("/", headers={"origin": "https://evil.example"}).headers


def test_a_request_that_is_too_large_is_refused_whatever_it_says_of_its_length(review: Open) -> None:
    page = review(rules=Rules(largest=10_000))
    large = b"x" * 20_000
    assert page.client.post("/identify", files={"photo": large}).status_code == 413

    def slowly() -> object:
        yield from (large[i : i + 1000] for i in range(0, len(large), 1000))

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = page.client.post("/identify", content=slowly(), headers=kind)
    assert answer.status_code == 413 and "0.01 MB" in answer.json()["error"]
    kind = {"content-type": "application/json"}
    assert page.client.post("/api/decide", content=slowly(), headers=kind).status_code == 413


def test_a_crowd_is_told_to_come_again(review: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    page = review(rules=Rules(at_once=2))
    inside, leave = threading.Semaphore(0), threading.Event()
    whole = page.service.pictures.whole

    def slow(source: object) -> object:
        inside.release()
        leave.wait(10)
        return whole(source)

    monkeypatch.setattr(page.service.pictures, "whole", slow)
    app = page.client
    with app:  # one loop for all threads
        address = f"/pictures/whole?crop={page.crops[0]}"
        people = [threading.Thread(target=app.get, args=(address,)) for _ in range(2)]
        [p.start() for p in people]
        assert inside.acquire(timeout=10) and inside.acquire(timeout=10)
        busy = app.get("/")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
        assert app.get("/health").status_code == 200
        leave.set()
        [p.join() for p in people]
        assert app.get("/").status_code == 200


def test_errors_are_a_page_for_people_and_json_for_programs(review: Open) -> None:
    page = review()
    shown = page.client.get("/crops/nothing.jpg", headers=HTML)
    assert shown.status_code == 404 and "this run has no such crop" in shown.text and shown.text.startswith("<!DOCTYPE")
    assert page.client.get("/crops/nothing.jpg").json() == {"error": "this run has no such crop"}


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def hostile_exif() -> bytes:
    """A photo whose camera is called like a script."""
    out, exif = io.BytesIO(), Image.Exif()
    exif[271], exif[272] = EVIL, "../../etc/passwd"
    Image.fromarray(fakes.sea(fakes.Animal(40, 60, 90, 110, 1))).save(out, "JPEG", quality=95, subsampling=0, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "not a picture|empty"), (b"x" * 100, "not a picture"), (bomb(40_000, 40_000), "more than"),
     (bomb(9_000, 9_000), "cannot be decoded"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture")],
)  # fmt: skip
def test_what_is_no_photo_or_a_bomb_is_refused(
    review: Open, fake_models: fakes.Calls, data: bytes, why: str  # noqa: ARG001
) -> None:  # fmt: skip
    page = review()
    before = snapshot(page.job.out)
    answer = page.client.post("/identify", files={"photo": ("../../x.jpg", data)})
    assert answer.status_code == 422
    assert any(part in answer.json()["error"] for part in why.split("|")), answer.text
    assert snapshot(page.job.out) == before


def test_a_hostile_camera_is_text(review: Open, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    answer = review().client.post("/identify", files={"photo": ("../../x.jpg", hostile_exif())})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert EVIL in answer.json()["photo"]["camera"]
