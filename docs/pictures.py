"""Draw the pictures of the documentation from real records, into docs/pictures.

    python docs/pictures.py [FOLDER WITH THE RECORDS, by default data/mitdb]

The commands below run in a temporary folder, and Chromium photographs the pages they write.
It takes some minutes on two cores, most of them for training. Only pictures are kept, no data.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
ECG = (sys.executable, "-m", "ecgcli")

#: What each picture is made by: ``{png}`` is the picture, the other files are in the folder.
COMMANDS = {
    "": "download --from mitdb",
    "curves": "train --config cnn",
    "overfitting": "train --config cnn name=memorised training.epochs=25 training.batch_size=16 "
    "training.schedule=constant training.label_smoothing=0.0 training.weight_decay=0.0 "
    "model.dropout=0.0 data.resample.per_class.N=400 data.resample.per_class.S=40 "
    "data.resample.per_class.V=60 data.resample.per_class.F=20 data.resample.per_class.Q=40 "
    "data.resample.majority=null",
    "confusion": "confusion runs/cnn --data data/mitbih_test.csv --png {png}",
    "explain": "explain data/mitbih_test.csv --model runs/cnn --rows 3,23,112,15324 --png {png}",
    "similar": "similar data/mitbih_test.csv --model runs/cnn --rows 15324 "
    "--to data/mitbih_train.csv --png {png}",
    "clusters": "cluster data/mitbih_test.csv --model runs/cnn --png {png} -o clusters.csv",
    "decompose": "decompose mitdb/208.hea --from 60 --seconds 10 --png {png}",
}

#: Pictures that a training leaves in its run folder.
LEFT = {"curves": "runs/cnn/curves.png", "overfitting": "runs/memorised/curves.png"}


def main(records: Path) -> None:
    """Make every picture."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "mitdb").symlink_to(records.absolute())
        draw(folder)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        photograph_pages(folder, browser)
        photograph_review(folder, browser)
        browser.close()


def draw(folder: Path) -> None:
    """Run the commands, and keep the pictures they draw."""
    for picture, command in COMMANDS.items():
        drawn = folder / LEFT.get(picture, f"{picture}.png")
        ecg(folder, *command.replace("{png}", drawn.name).split())
        if picture:
            keep(picture, drawn.read_bytes())


def photograph_pages(folder: Path, browser: Browser) -> None:
    """The page of a recording, and the report of an evaluation."""
    ecg(folder, "view", "mitdb/208.hea", "--model", "recordings", "-o", "208.html")
    page = open_page(browser, (folder / "208.html").as_uri(), "ready === 'true'")
    page.evaluate("ecgPage.select(20)")
    photograph(page, "view", "body", 1580)
    ecg(folder, "evaluate", "runs/cnn", "--data", "data/mitbih_test.csv", "-o", "evaluation")
    page = open_page(browser, (folder / "evaluation/report.html").as_uri())
    photograph(page, "report", "body", 1000)


def photograph_review(folder: Path, browser: Browser) -> None:
    """The page that asks for the classes of families of beats."""
    command = ["review", "mitdb/208.hea", "--model", "recordings", "--no-open", "--reader", "anna"]
    with serving(folder, *command, "-o", "reviews") as address:
        page = open_page(browser, address, "review === 'ready'", width=1400)
        photograph(page, "review", ".reading", 900)


def ecg(folder: Path, *arguments: str) -> None:
    """Run a command in the folder."""
    subprocess.run([*ECG, *arguments, "--quiet"], cwd=folder, check=True)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """The address that a command prints, while it serves a page there."""
    command = [*ECG, *arguments, "--quiet"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def open_page(browser: Browser, address: str, ready: str = "", width: int = 1280) -> Page:
    """A page in the browser, once its document's data say that it is ready."""
    page = browser.new_page(viewport={"width": width, "height": 1000})
    page.set_default_timeout(180_000)
    page.goto(address)
    while ready and not page.evaluate(f"document.documentElement.dataset.{ready}"):
        page.wait_for_timeout(100)
    return page


def photograph(page: Page, picture: str, part: str, height: float) -> None:
    """Keep the top of a part of the page as a picture."""
    page.wait_for_timeout(1000)
    box = page.locator(part).bounding_box()
    assert box, f"the page has no {part}"
    clip = {**box, "height": min(box["height"], height)}
    keep(picture, page.screenshot(full_page=True, clip=clip))


def keep(picture: str, png: bytes) -> None:
    """Write a picture with 256 colours and at most 1280 pixels wide, so that it is small."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((1280, 2000))
    image.quantize(256, dither=Image.Dither.NONE).save(PICTURES / f"{picture}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/mitdb"))
