"""Pages of recordings in a real Chromium: their size, how fast they are written, opened and read.

    python benchmarks/view.py data/mitdb

Half an hour is record 208; the day is real records joined, two leads, 24 hours at 128 Hz. R peaks
are detected. Opening is from the start of loading until the strip, or the charts as well, are
drawn; a jump is from choosing an event until its strip is on the screen. Beside the time that
passed stands that of the page's thread on a processor, which other work on the machine does not
lengthen.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from holter import write_day
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Page as Tab

import ecgcli
from ecgcli.recordings import ReadOptions
from ecgcli.view.building import describe_model, view_classified, write_page

OPENINGS, JUMPS = 7, 40
#: Chooses an event and waits until a frame with its strip has been painted; milliseconds.
JUMP = """async (number) => {
  const canvas = document.querySelector("#strip canvas");
  const frame = () => new Promise(requestAnimationFrame);
  const rows = document.querySelectorAll("#events tbody tr");
  const began = performance.now();
  rows[number % rows.length].click();
  do { await frame(); } while (canvas.dataset.state !== "drawn");
  await frame();
  return performance.now() - began;
}"""
MARKS = "performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=Path)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        write_day(records, folder)
        browser = open_browser(playwright)
        print(f"Chromium {browser.version}")
        for recording in (records / "208.hea", folder / "day.hea"):
            page = folder / f"{recording.stem}.html"
            write(recording, page)
            tabs = [browser.new_page(viewport={"width": 1400, "height": 1000})]
            marks = []
            for _ in range(OPENINGS):
                tabs[0].close()
                tabs[0] = browser.new_page(viewport={"width": 1400, "height": 1000})
                marks.append(open_page(tabs[0], page.as_uri()))
            for mark in ("ecg-strip", "ecg-charts"):
                print(f"  {mark}: {in_words([each[mark] for each in marks])}")
            print(f"  thread time until then: {in_words([each['thread'] for each in marks])}")
            thread_time = thread_clock(tabs[0])
            before = thread_time()
            jumps = [tabs[0].evaluate(JUMP, 37 * number) for number in range(JUMPS)]
            thread = (thread_time() - before) / JUMPS
            print(f"  a jump: {in_words(jumps)}; thread time {thread:.0f} ms")


def open_browser(playwright: Playwright) -> Browser:
    """Playwright's own Chromium, else the system's."""
    own = Path(playwright.chromium.executable_path)
    path = str(own) if own.exists() else shutil.which("chromium")
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


def write(recording: Path, page: Path) -> None:
    """Time predicting and writing the page, one after the other in one process."""
    options = ReadOptions(annotations="none")
    classifier = ecgcli.load("recordings")
    began = time.monotonic()
    classified = classifier.classify(recording, options)
    predicted = time.monotonic()
    write_page(page, view_classified(classified, describe_model(classifier), options))
    written = time.monotonic()
    print(
        f"{recording.stem}, {classified.seconds / 3600:.1f} h, {len(classified.peaks):,} beats: "
        f"predicted in {predicted - began:.1f} s, page written in {written - predicted:.1f} s, "
        f"{page.stat().st_size / 1e6:.1f} MB"
    )


def in_words(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ms (at most {max(times):.0f})"


def thread_clock(tab: Tab) -> Callable[[], float]:
    """A clock of the milliseconds that the page's thread has been at work."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(each["value"] for each in metrics if each["name"] == "ThreadTime"))

    return read


def open_page(tab: Tab, address: str) -> dict[str, float]:
    """The milliseconds from navigation until each mark, and the thread's time in all."""
    thread_time = thread_clock(tab)
    before = thread_time()
    tab.goto(address)
    while not tab.evaluate("document.documentElement.dataset.ready === 'true'"):
        time.sleep(0.01)
    return dict(tab.evaluate(MARKS)) | {"thread": thread_time() - before}


if __name__ == "__main__":
    main()
