"""How large the report of a season is, how long it takes to write, and what a browser needs to open it.

Usage: PYTHONPATH=. python scripts/report_season.py FOLDER [--days 10] [--photos 300] [--animals 120]

Makes tables of DAYS days with PHOTOS photos each, as tests/report/seasons.py has them, with crops that compress no
better than photos; FOLDER gets them and report.html. Times are processor seconds of one thread, so that other work on
the machine counts little; the browser is Debian's chromium through playwright.
"""

import argparse
import shutil
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.report import seasons
from whalepipe.progress import silent
from whalepipe.report import write_report


def main() -> None:
    """Write the report, open it, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--animals", type=int, default=120)
    asked = parser.parse_args()
    job, tables = seasons.long(asked.folder, asked.days, asked.photos, asked.animals, noisy=True)
    begin = time.process_time()
    page = write_report(job, tables, silent)
    took = time.process_time() - begin
    beside = sum(p.stat().st_size for p in page.parent.glob("report-pictures/*"))
    print(f"{len(tables.photos)} photos, {sum(bool(r.crop) for r in tables.ledger)} crops: written in {took:.1f} s")
    print(f"report.html {page.stat().st_size / 1e6:.1f} MB, pictures beside it {beside / 1e6:.1f} MB")
    opened, elements = open_page(page)
    print(f"opened in {opened:.1f} s, {elements} elements")


def open_page(page: Path) -> tuple[float, int]:
    """Processor seconds of the browser's main thread until the page is loaded and drawn, and its elements."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        session = tab.context.new_cdp_session(tab)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.goto(page.absolute().as_uri())
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        elements = tab.evaluate("document.querySelectorAll('*').length")
        browser.close()
    return found["TaskDuration"], elements


if __name__ == "__main__":
    main()
