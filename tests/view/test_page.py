"""The page in a real browser: what is drawn, what is said, what a reader can do with it."""

from __future__ import annotations

import datetime
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgcli.recordings import Recording
from ecgcli.view import Page
from ecgcli.view.building import write_page
from tests.view.browsers import open_browser
from tests.view.pages import page_of, synthetic
from tests.view.reading import require_reached_by_tab, require_readable

#: Waits until the page, and what the strip shows, is complete.
READY = "document.documentElement.dataset.ready === 'true'"
DRAWN = "document.querySelector('#strip canvas').dataset.state === 'drawn'"

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a page from disk; in the end, nothing was logged and nothing was asked of a network."""
    unwanted: list[str] = []
    contexts = []

    def call(page: Page, **settings: Any) -> Any:
        target = tmp_path / "page.html"
        write_page(target, page)
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}} | settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: unwanted.append(message.text))
        tab.on("pageerror", lambda error: unwanted.append(str(error)))
        tab.on("request", lambda request: unwanted.append(request.url))
        tab.goto(target.as_uri())
        wait(tab, READY)
        wait(tab, DRAWN)
        unwanted.remove(target.as_uri())  # the page itself
        return tab

    yield call
    assert unwanted == []
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def page() -> Page:
    """Two leads, the first of them without ECG for 2 s near the end."""
    recording = synthetic()
    signal = recording.signal.copy()
    signal[-1000:-280] = np.nan
    first = replace(recording, signal=signal)
    return page_of(first, replace(recording, signal=-recording.signal, lead="V1"))


def wait(tab: Any, condition: str) -> None:
    """Wait until an expression is true; the page's policy forbids playwright's own way."""
    deadline = time.monotonic() + 30
    while not tab.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)


def picture(tab: Any) -> np.ndarray:
    """The pixels of the strip, ``(height, width, 3)``."""
    from PIL import Image

    shot = tab.locator("#strip canvas").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def dark_trace(pixels: np.ndarray) -> np.ndarray:
    """Which columns have the trace's ink below the letters."""
    return (pixels[50:-24].max(axis=2) < 140).any(axis=0)


def said(tab: Any) -> str:
    return str(tab.locator("#said").inner_text())


def test_the_strip_is_to_scale(page: Page, show: Open) -> None:
    """25 mm/s: the beats stand as many millimetres apart as their times say."""
    tab = show(page)
    assert "25 mm/s, 10 mm/mV" in tab.locator("#scale").inner_text()
    width = tab.evaluate("document.querySelector('#strip canvas').clientWidth")
    millimetre = 96 / 25.4
    stop = tab.locator("#where").inner_text().split(" to ")[1]
    assert float(stop.split(":")[2]) == pytest.approx(width / millimetre / 25, abs=0.06)
    assert dark_trace(picture(tab)).mean() > 0.95


def test_a_click_on_an_event_shows_it_in_the_strip(page: Page, show: Open) -> None:
    tab = show(page)
    before = picture(tab)
    rows = tab.locator("#events tbody tr")
    couplets = [event for event in page.events if event.kind in ("couplet", "run")]
    wanted = couplets[len(couplets) // 2]
    tab.locator("#events select").select_option(wanted.kind)
    chosen = [event for event in couplets if event.kind == wanted.kind].index(wanted)
    rows.nth(chosen).click()
    wait(tab, DRAWN)
    after = picture(tab)
    assert np.abs(after - before).max(axis=2).mean() > 5  # it is another stretch
    assert said(tab).startswith(f"{wanted.kind} {wanted.letter} at ")
    assert rows.nth(chosen).get_attribute("aria-current") == "true"
    assert tab.evaluate("ecgPage.selected") == wanted.beat
    # the beat is where its time says, and its box is drawn there: bluer than the paper
    start = tab.evaluate("document.querySelector('#where').textContent").split(" to ")[0]
    hours, minutes, seconds = map(float, start.split(":"))
    left = hours * 3600 + minutes * 60 + seconds
    x = round((wanted.start - left) * 25 * 96 / 25.4)
    blue = after[:40, :, 2] - after[:40, :, 0]
    assert np.median(blue[:, x - 8 : x + 8]) > np.median(blue[:, x + 40 : x + 60]) + 10


def test_keys_go_beat_by_beat_and_event_by_event(page: Page, show: Open) -> None:
    tab = show(page)
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    assert said(tab).startswith("Beat 3 of 200 at 0:00:0")
    tab.keyboard.press("ArrowLeft")
    letter = page.beats.letters[1]
    assert said(tab).startswith("Beat 2 of 200")
    assert f"class {letter} (" in said(tab)
    label = tab.locator("#strip canvas").get_attribute("aria-label")
    assert label == f"ECG strip. {said(tab)}"
    tab.keyboard.press("n")
    tab.keyboard.press("n")
    tab.keyboard.press("p")
    assert said(tab).startswith(page.events[0].kind)
    tab.keyboard.press("n")
    assert said(tab).startswith(page.events[1].kind)


def test_letters_typed_into_a_field_are_no_keys(page: Page, show: Open) -> None:
    tab = show(page)
    tab.locator("input[name=time]").fill("0:01:00")
    tab.locator("input[name=time]").press("Enter")
    beat = int(np.abs(page.beats.peaks - 60).argmin())
    assert said(tab).startswith(f"Beat {beat + 1} of ")
    tab.locator("input[name=time]").press("n")
    assert said(tab).startswith(f"Beat {beat + 1} of ")


def test_fibrillation_is_an_event_and_a_band_over_the_strip(show: Open) -> None:
    tab = show(page_of(synthetic(), rhythm="AFIB"))
    tab.locator("#events select").select_option("fibrillation")
    tab.locator("#events tbody tr").first.click()
    assert said(tab).startswith("fibrillation at 0:00:0")
    violet = np.array([0x6A, 0x3F, 0xA8])
    band = np.abs(picture(tab)[42:46] - violet).max(axis=2) < 12
    assert band.any(axis=0).mean() > 0.6  # beats have their marks in it
    assert "Slanted hatching: atrial fibrillation" in tab.locator("main").inner_text()


def test_zooming_out_shows_all_of_it(page: Page, show: Open) -> None:
    tab = show(page)
    tab.get_by_role("button", name="all", exact=True).click()
    wait(tab, DRAWN)
    assert tab.locator("#where").inner_text().startswith("0:00:00.0 to ")
    assert dark_trace(picture(tab)).mean() > 0.9


def test_a_click_on_the_strip_selects_the_nearest_beat(page: Page, show: Open) -> None:
    tab = show(page)
    x = page.beats.peaks[4] * 25 * 96 / 25.4
    tab.locator("#strip canvas").click(position={"x": float(x) + 5, "y": 100})
    assert said(tab).startswith("Beat 5 of 200")


def test_a_click_and_a_brush_on_a_chart_go_there(page: Page, show: Open) -> None:
    tab = show(page)
    box = tab.locator("#charts").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 50
    tab.mouse.click(x, y)
    wait(tab, "ecgPage.selected >= 0")
    middle = page.beats.peaks[tab.evaluate("ecgPage.selected")]
    assert middle == pytest.approx(page.seconds / 2, rel=0.1)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 150, y, steps=4)
    tab.mouse.up()
    wait(tab, "parseFloat(document.querySelector('#scale').textContent) < 20")


def test_a_family_shows_its_typical_beat_and_then_the_others(page: Page, show: Open) -> None:
    tab = show(page)
    heard = "document.addEventListener('ecg-family', (e) => (window.heard = e.detail))"
    tab.evaluate(heard)
    button = tab.locator("[data-family]").nth(1)
    button.click()
    assert tab.evaluate("ecgPage.selected") == page.families[1].example
    assert tab.evaluate("heard.beats") == np.flatnonzero(page.members == 1).tolist()
    button.click()
    assert tab.evaluate("ecgPage.selected") in np.flatnonzero(page.members == 1)
    assert button.get_attribute("aria-pressed") == "true"


def test_changed_classes_are_drawn_and_counted(page: Page, show: Open) -> None:
    tab = show(page)
    beats = np.flatnonzero(page.members == 0).tolist()
    tab.evaluate("ecgPage.select(0)")
    before = picture(tab)
    tab.evaluate(
        "(beats) => ecgPage.setClasses(beats.map((b) => [b, 'V', [0, 0, 1, 0, 0]]))", beats
    )
    assert (picture(tab) != before).any()
    first = tab.locator("[data-family]").first
    assert first.locator("[data-letters]").inner_text() == "V"
    assert first.locator("[data-doubtful]").inner_text() == "0% doubtful"
    tab.evaluate("(beat) => ecgPage.select(beat)", beats[0])
    assert "class V (N 0.00, S 0.00, V 1.00" in said(tab)


def test_the_events_sort_by_each_column(page: Page, show: Open) -> None:
    tab = show(page)
    head = tab.locator("#events th[data-key=rate]")
    head.locator("button").click()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    rates = [
        float(text) for text in tab.locator("#events td:nth-child(5)").all_inner_texts() if text
    ]
    assert len(rates) > 2
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_serious_finding_of_accessibility(
    page: Page, show: Open, scheme: str, width: int
) -> None:
    require_readable(show(page, color_scheme=scheme, viewport={"width": width, "height": 900}))


def test_tab_reaches_every_control(page: Page, show: Open) -> None:
    require_reached_by_tab(show(page))


def test_a_period_of_the_table_of_figures_is_shown(page: Page, show: Open) -> None:
    """What a click on a chart does, by keyboard."""
    tab = show(page)
    tab.locator("summary").first.press("Enter")
    tab.locator("[data-time]").nth(3).press("Enter")
    beat = int(np.abs(page.beats.peaks - page.periods[3].start).argmin())
    assert said(tab).startswith(f"Beat {beat + 1} of ")


def test_shift_and_arrows_select_a_stretch(page: Page, show: Open) -> None:
    tab = show(page)
    tab.evaluate("ecgPage.select(4)")
    for _ in range(3):
        tab.keyboard.press("Shift+ArrowRight")
    tab.keyboard.press("Shift+ArrowLeft")
    assert tab.evaluate("ecgPage.stretch") == pytest.approx(page.beats.peaks[[4, 6]], abs=1e-4)
    assert said(tab).startswith("Stretch from 0:00:0")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("ecgPage.selected") == 5


def test_on_a_phone_all_of_an_event_is_in_sight(page: Page, show: Open) -> None:
    tab = show(page, viewport={"width": 390, "height": 844})
    tab.locator("#events select").select_option("doubtful beat")
    for cell in tab.locator("#events tbody tr").first.locator("td").all():
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= 390


def test_times_of_a_second_day_are_written_and_read(show: Open) -> None:
    evening = replace(synthetic(), start=datetime.time(22, 30))
    page = page_of(evening)
    tab = show(page)
    for time_, text in ((60.0, "22:31:00.00"), (86400.0, "+1d 22:30:00.00")):
        assert tab.evaluate(f"ecgPage.timeText({time_})") == text
        assert tab.evaluate(f"ecgPage.timeOf({text!r})") == time_


@pytest.mark.parametrize("width", [390, 1200])
def test_a_printed_strip_is_to_scale(width: int, page: Page, show: Open) -> None:
    """250 mm wide, 10 s, whatever the screen; afterwards the screen is as before."""
    tab = show(page, viewport={"width": width, "height": 844})
    before = tab.locator("#where").inner_text()
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    canvas = tab.locator("#strip canvas").bounding_box()
    assert canvas["width"] == pytest.approx(250 * 96 / 25.4, abs=1)
    assert tab.locator("#where").inner_text() == "0:00:00.0 to 0:00:10.0"
    assert "25 mm/s, 10 mm/mV" in tab.locator("#scale").inner_text()
    assert tab.locator("#charts").bounding_box()["width"] <= 250 * 96 / 25.4 + 1
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("#where").inner_text() == before


def test_a_lead_of_large_deflections_to_one_side_has_room_for_them(show: Open) -> None:
    """The R peaks are below the upper edge of their row, and the baseline is not in its middle."""
    recording = synthetic()
    tall = page_of(replace(recording, signal=np.abs(recording.signal) * 3))
    tab = show(tall)
    ink = picture(tab).max(axis=2) < 90
    rows = np.flatnonzero(ink[46:-24, 120:].any(axis=1))  # beside the name of the lead
    assert rows[0] > 9 + 3  # below the marks of the beats
    assert rows[-1] - rows[0] > 60


def test_dark_paper_is_dark_and_printed_paper_is_light(page: Page, show: Open) -> None:
    tab = show(page, color_scheme="dark")
    assert np.median(picture(tab)) < 80
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert np.median(picture(tab)) > 200
    ratio = "(canvas) => canvas.width / canvas.clientWidth"
    assert tab.locator("#strip canvas").evaluate(ratio) == pytest.approx(3, abs=0.01)
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert np.median(picture(tab)) < 80
    assert len(tab.pdf(prefer_css_page_size=True)) > 20_000


def test_names_from_files_are_text_wherever_they_stand(show: Open) -> None:
    name = "</script><script>window.hacked=1</script>\"'\n<img src=x onerror=window.hacked=1>"
    recording = replace(synthetic(), name=name, lead="<b>II</b>", notes=(f"a note {name}",))
    tab = show(page_of(recording, path=Path(name.replace("/", "|"))))
    assert tab.evaluate("window.hacked") is None
    assert "<script>window.hacked=1" in tab.locator("h1").inner_text()
    assert tab.locator("b").count() == 0


def recordings_of_all_kinds() -> dict[str, Recording]:
    whole = synthetic()
    short = whole.positions < 5 * 360
    symbols = np.array(whole.symbols)
    return {
        "5 seconds": replace(
            whole, signal=whole.signal[: 5 * 360], positions=whole.positions[short],
            symbols=tuple(symbols[short]),
        ),
        "flat": replace(whole, signal=np.zeros(7200), positions=np.empty(0), symbols=()),
        "missing": replace(whole, signal=np.full(7200, np.nan), positions=np.empty(0), symbols=()),
        "1000 Hz": replace(whole, sampling_rate=1000.0),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(recordings_of_all_kinds()))
def test_recordings_of_all_kinds(kind: str, show: Open) -> None:
    recording = recordings_of_all_kinds()[kind]
    tab = show(page_of(recording))
    beats = tab.evaluate("ecgPage.beats.count")
    assert (beats > 0) == (kind in ("5 seconds", "1000 Hz"))
    for key in ("ArrowRight", "ArrowLeft", "n", "p", "+", "-", "0"):
        tab.keyboard.press(key)
    tab.get_by_role("button", name="all", exact=True).click()
    wait(tab, DRAWN)


def test_twelve_leads(show: Open) -> None:
    recording = synthetic()
    leads = [replace(recording, lead=f"L{number}") for number in range(12)]
    tab = show(page_of(recording, *leads[1:]))
    pixels = picture(tab)
    assert dark_trace(pixels[-200:]).mean() > 0.5  # the last one is drawn as well


def test_48_hours(show: Open) -> None:
    """A jump to the end, and the whole: from the overview."""
    recording = synthetic()
    copies, length = 1000, len(recording.signal)
    long = replace(
        recording, signal=np.tile(recording.signal, copies), positions=np.empty(0), symbols=()
    )
    assert long.seconds > 44 * 3600
    page = page_of(replace(long, signal=long.signal[: length * 4]))
    page = replace(page, leads=(long,))
    tab = show(page)
    tab.evaluate("(time) => ecgPage.show(time)", long.seconds - 100)
    wait(tab, DRAWN)
    assert dark_trace(picture(tab)).mean() > 0.95
    tab.get_by_role("button", name="all", exact=True).click()
    wait(tab, DRAWN)
    assert dark_trace(picture(tab)).mean() > 0.95
