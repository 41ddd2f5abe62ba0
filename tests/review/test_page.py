"""The page of a review in a real browser: a family is relabelled, and found again after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands.test_review import serving
from tests.review.recordings import write_recording
from tests.view.browsers import open_browser
from tests.view.reading import require_reached_by_tab, require_readable

READY = "document.documentElement.dataset.review === 'ready'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """The page at an address; nothing is logged, and no request leaves the server."""
    unwanted: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = context.new_page()
    tab.set_default_timeout(120_000)
    tab.on("console", lambda message: unwanted.append(message.text))
    tab.on("pageerror", lambda error: unwanted.append(str(error)))
    tab.on(
        "request",
        lambda request: None if request.url.startswith(address) else unwanted.append(request.url),
    )
    tab.goto(address)
    wait(tab, READY)
    yield tab
    assert [text for text in unwanted if not text.startswith("data:")] == []
    context.close()


def wait(tab: Any, condition: str) -> None:
    """Wait until a condition holds; the page's policy allows no script to wait inside it."""
    for _ in range(1200):
        if tab.evaluate(condition):
            return
        tab.wait_for_timeout(100)
    raise AssertionError(condition)


def answered(tab: Any) -> None:
    wait(tab, "document.getElementById('saved').textContent.startsWith('Saved')")


def test_a_family_is_relabelled_and_found_again_after_a_kill(browser: Any, tmp_path: Path) -> None:
    recording = write_recording(tmp_path)
    with serving(recording, "--reader", "anna") as (process, address):
        with opened(browser, address) as tab:
            assert "Is it" in tab.text_content("#why")
            beats = tab.evaluate("document.querySelectorAll('#sheet button').length")
            assert beats > 0
            first = tab.evaluate("window.ecgPage.selected")
            tab.keyboard.press("s")
            answered(tab)
            assert tab.evaluate(f"window.ecgPage.beats.letter({first})") == "S"
            assert "S: " in tab.text_content("#latest li >> nth=0")
            tab.click("#sheet button >> nth=0")
            one = tab.evaluate("window.ecgPage.selected")
            tab.evaluate("document.getElementById('saved').textContent = ''")
            tab.keyboard.press("f")
            answered(tab)
            assert tab.evaluate(f"window.ecgPage.beats.letter({one})") == "F"
        process.kill()
        process.wait()
    with (
        serving(recording, "--resume") as (_, address),
        opened(browser, address) as tab,
    ):
        assert tab.evaluate(f"window.ecgPage.beats.letter({first})") == "S"
        assert tab.evaluate(f"window.ecgPage.beats.letter({one})") == "F"
        with tab.expect_event("load"):  # the page is loaded again
            tab.keyboard.press("z")
        wait(tab, READY)
        assert tab.evaluate(f"window.ecgPage.beats.letter({one})") != "F"


def test_a_lost_server_is_reported_and_no_answer_is_called_saved(
    browser: Any, tmp_path: Path
) -> None:
    recording = write_recording(tmp_path)
    with serving(recording) as (process, address):
        context = browser.new_context()
        tab = context.new_page()
        tab.set_default_timeout(120_000)
        tab.goto(address)
        wait(tab, READY)
        process.kill()
        process.wait()
        tab.keyboard.press("v")
        wait(tab, "!document.getElementById('problem').hidden")
        assert "Not saved" in tab.text_content("#problem")
        assert tab.text_content("#saved") == ""
        context.close()


def test_it_is_read_without_a_mouse(browser: Any, tmp_path: Path) -> None:
    recording = write_recording(tmp_path)
    with serving(recording, "--reader", "anna") as (_, address), opened(browser, address) as tab:
        require_reached_by_tab(tab)
        require_readable(tab)
        tab.set_viewport_size({"width": 390, "height": 800})
        require_readable(tab)


def test_a_stretch_is_answered_by_keyboard(browser: Any, tmp_path: Path) -> None:
    """A stretch of beats gets a class; `a` and undo; a beat is added where times were entered."""
    recording = write_recording(tmp_path)
    with serving(recording, "--reader", "anna") as (_, address), opened(browser, address) as tab:
        tab.evaluate("ecgPage.select(10)")
        assert "the selected beat: 1 beat" in tab.inner_text("#target")
        tab.keyboard.press("e")
        assert "all beats of the question" in tab.inner_text("#target")
        for _ in range(2):
            tab.keyboard.press("Shift+ArrowRight")
        assert tab.inner_text("#target").endswith("the beats of the stretch: 3 beats.")
        tab.keyboard.press("f")
        answered(tab)
        assert tab.evaluate("[9, 10, 11, 12].map((k) => ecgPage.beats.letter(k))")[1:] == ["F"] * 3
        suggested = tab.inner_text("#why")[-2]
        asked = tab.evaluate("document.querySelectorAll('#sheet button').length")
        tab.evaluate("document.getElementById('saved').textContent = ''")
        tab.keyboard.press("a")
        answered(tab)
        latest = tab.text_content("#latest li >> nth=0")
        assert latest.startswith(f"{suggested}: {asked} beats" if asked > 1 else f"{suggested}: ")
        beats = tab.evaluate("ecgPage.beats.count")
        tab.fill("#from", "0:00:03.2")
        tab.fill("#to", "0:00:03.4")
        tab.press("#to", "Enter")
        with tab.expect_event("load"):
            tab.focus("[data-review='+beat']")
            tab.keyboard.press("Enter")
        wait(tab, READY)
        assert tab.evaluate("ecgPage.beats.count") == beats + 1
        with tab.expect_event("load"):
            tab.keyboard.press("z")
        wait(tab, READY)
        assert tab.evaluate("ecgPage.beats.count") == beats
