"""The README's pictures, from what `whalepipe demo` left: the rendered card, its boxes, the report, the review page.

Usage: python scripts/readme_pictures.py DEMO [DOCS]   DEMO is the demo's folder, DOCS (docs) gets card.jpg, boxes.jpg,
report.jpg and review.jpg. The pages are photographed by Debian's chromium through playwright.
"""

import shutil
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.review.servers import serving
from whalepipe.photos import read_photo
from whalepipe.tables import Detection, Ledger, read_table

TILE, GAP, LIMIT = (300, 200), 6, 250_000  # pixels; bytes of a picture
FOUND = {"identified": (118, 110, 15), "new": (178, 70, 91), "unsure": (40, 150, 240), "rejected": (150, 140, 130)}


def card(raw: Path, names: list[str]) -> np.ndarray:
    """A contact sheet of four columns, BGR."""
    return sheet([fitted(photo(raw / name), *TILE) for name in names], 4)


def boxes(raw: Path, out: Path, names: list[str]) -> np.ndarray:
    """Photos with their boxes in the colour of what was said of each, BGR."""
    found = defaultdict(list)
    for d in read_table(out / "detections.csv", Detection):
        found[d.photo].append(d)
    states = {r.crop.rpartition("_")[2] + r.photo: r.state for r in read_table(out / "ledger.csv", Ledger) if r.crop}
    tiles = []
    for name in names:
        picture = photo(raw / name)
        scale = 1.5 * TILE[0] / picture.shape[1]
        tile = np.ascontiguousarray(fitted(picture, *(round(1.5 * side) for side in TILE)))
        for d in found[name]:
            state = states.get(f"{d.box}.jpg{name}", "rejected")
            corners = [round(c * scale) for c in (d.xmin, d.ymin, d.xmax, d.ymax)]
            cv2.rectangle(tile, corners[:2], corners[2:], FOUND[state], 2, cv2.LINE_AA)
            write(tile, f"{d.part.replace('_', ' ')} {d.confidence:.2f}: {state}", corners[0], corners[1], FOUND[state])
        tiles.append(tile)
    return sheet(tiles, 2)


def write(tile: np.ndarray, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    """White text on a ground of this colour, above (x, y), or below it at the upper edge; inside the tile."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    x = max(0, min(x, tile.shape[1] - width - 8))
    y = max(y, height + 8)
    cv2.rectangle(tile, (x, y - height - 8), (x + width + 8, y), colour, -1)
    cv2.putText(tile, text, (x + 4, y - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)


def photo(path: Path) -> np.ndarray:
    """BGR."""
    return read_photo(path)[..., ::-1]


def fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture at this width, cut or filled to this height."""
    small = cv2.resize(picture, (width, round(picture.shape[0] * width / picture.shape[1])), None, 0, 0, cv2.INTER_AREA)
    short = max(0, height - small.shape[0])
    return np.pad(small[:height], ((0, short), (0, 0), (0, 0)), constant_values=255)


def sheet(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    """Tiles of one size side by side, with white between them."""
    framed = [np.pad(t, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for t in tiles]
    framed += [np.full_like(framed[0], 255)] * (-len(framed) % columns)
    rows = [np.hstack(framed[i : i + columns]) for i in range(0, len(framed), columns)]
    return np.vstack(rows)[:-GAP, :-GAP]


def save(path: Path, picture: np.ndarray) -> None:
    """A JPEG below the limit, as good as that allows."""
    for quality in range(88, 20, -6):
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) < LIMIT:
            path.write_bytes(data)
            print(f"{path}: {picture.shape[1]} x {picture.shape[0]} pixels, {len(data):,} bytes")
            return
    sys.exit(f"{path}: no quality makes it small enough")


def report(page: Path, to: Path) -> None:
    """Its beginning as a person sees it on a wide screen, and the first of the unsure beside it."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1100, "height": 760}, color_scheme="light")
        view.goto(page.resolve().as_uri())
        shots = [view.screenshot()]
        view.evaluate("document.getElementById('unsure').scrollIntoView()")
        view.wait_for_timeout(300)
        view.evaluate("document.getElementById('unsure').scrollIntoView()")  # what had not been drawn now has its size
        view.wait_for_timeout(300)
        shots.append(view.screenshot())
        browser.close()
    halves = [cv2.imdecode(np.frombuffer(s, np.uint8), cv2.IMREAD_COLOR) for s in shots]
    save(to, sheet(halves, 2))


def review(results: Path, to: Path) -> None:
    """A question of the page that takes decisions, with the points that the query and its candidate share."""
    with serving(results, "--who", "you") as server, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        view.goto(f"{server.address}?part=dorsal_fin")
        with view.expect_navigation(wait_until="load"):
            view.keyboard.press("j")
        view.keyboard.press("p")
        view.get_by_text("points agree").wait_for(timeout=120_000)
        save(to, cv2.imdecode(np.frombuffer(view.screenshot(), np.uint8), cv2.IMREAD_COLOR))
        browser.close()


def main(demo: Path, docs: Path) -> None:
    """Write the pictures."""
    docs.mkdir(parents=True, exist_ok=True)
    out = demo / "results"
    rows = {r.photo: r for r in read_table(out / "ledger.csv", Ledger)}
    seen = [name for name, row in rows.items() if row.state != "failed"]
    with_crops = sorted((name for name in seen if rows[name].crop), key=lambda name: rows[name].state == "rejected")
    save(docs / "card.jpg", card(demo / "card", seen[:12]))
    save(docs / "boxes.jpg", boxes(demo / "card", out, with_crops[:6]))
    report(out / "report.html", docs / "report.jpg")
    review(out, docs / "review.jpg")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs"))
