"""What a page must be for everyone: readable by a screen reader, by keyboard and on a phone."""

from __future__ import annotations

from typing import Any

#: Everything on a page that Tab should reach, and whether its focus can be seen.
_CONTROLS = """() => {
  const all = "a[href], button, input, select, summary, [tabindex='0']";
  const usable = [...document.querySelectorAll(all)].filter((each) => each.checkVisibility());
  return usable.map((each) => (each.id ||= `control-${Math.random()}`));
}"""
_FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [document.activeElement.id, seen];
}"""


def serious_findings(tab: Any) -> list[Any]:
    """What axe finds to be serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def require_readable(tab: Any) -> None:
    """No serious finding with all details open, and nothing to scroll sideways."""
    for summary in tab.locator("summary").all():
        summary.click()
    assert serious_findings(tab) == []
    root = "document.documentElement"
    assert tab.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0


def require_reached_by_tab(tab: Any) -> None:
    """Tab goes through every control, and each shows that it has the focus."""
    wanted = set(tab.evaluate(_CONTROLS))
    assert wanted
    reached = {}
    for _ in range(2 * len(wanted) + 10):
        tab.keyboard.press("Tab")
        name, seen = tab.evaluate(_FOCUSED)
        reached[name] = seen
    assert wanted <= set(reached)
    assert all(reached[name] for name in wanted)
