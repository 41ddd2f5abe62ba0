"""``ecg review`` of 48 hours in a real Chromium: times, and the memory of the server and the page.

    python benchmarks/review_page.py data/mitdb

The recording is real records joined (two leads, 128 Hz); R peaks are detected. Beside the time that
passed stands that of the processor, which other work on the machine does not lengthen.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from holter import write_day
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright
from view import open_browser, open_page, thread_clock

ANSWERS = 5
ECG = [sys.executable, "-m", "ecgcli"]
SAVED = "document.getElementById('saved').textContent"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=Path)
    parser.add_argument("--days", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        write_day(options.records, folder, options.days)
        command = [*ECG, "review", str(folder / "day.hea"), "-m", "recordings", "--no-open", "-q"]
        began = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            process = server.pid
            print(f"ready after {time.monotonic() - began:.1f} s, {used(process)}")
            tab = open_browser(playwright).new_page(viewport={"width": 1400, "height": 1000})
            tab.set_default_timeout(300_000)
            tab.on("response", lambda response: report_size(response, address))
            began = time.monotonic()
            marks = open_page(tab, address)
            wait(tab, "document.documentElement.dataset.review === 'ready'")
            print(f"opened after {time.monotonic() - began:.1f} s, {marks}; {used(process)}")
            review(tab, process)
            heap = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
            print(f"the page holds {heap:.0f} MB; {used(process)}")
            server.terminate()


def report_size(response: object, address: str) -> None:
    if response.url == address:  # type: ignore[attr-defined]
        size = response.headers["content-length"]  # type: ignore[attr-defined]
        print(f"the page has {int(size) / 1e6:.1f} MB")


def review(tab: Tab, process: int) -> None:
    """Answer questions with the class that is suggested."""
    thread, passed, at_work, in_page = thread_clock(tab), [], [], []
    for number in range(1, ANSWERS + 1):
        clock, cpu, page = time.monotonic(), seconds(process), thread()
        tab.keyboard.press("a")
        wait(tab, f"{SAVED}.startsWith('Saved, {number} answered')")
        passed.append(time.monotonic() - clock)
        at_work.append(seconds(process) - cpu)
        in_page.append(thread() - page)
    print(
        f"an answer until the next question: {statistics.median(passed):.2f} s, of the server's "
        f"processor {statistics.median(at_work):.2f} s, of the page's thread "
        f"{statistics.median(in_page):.0f} ms"
    )


def seconds(process: int) -> float:
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def used(process: int) -> str:
    status = Path(f"/proc/{process}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return f"processor time {seconds(process):.1f} s, {int(peak) / 1e6:.2f} GB at most"


def wait(tab: Tab, condition: str) -> None:
    while not tab.evaluate(condition):
        time.sleep(0.01)


if __name__ == "__main__":
    main()
