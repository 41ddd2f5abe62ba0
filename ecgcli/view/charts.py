"""Charts of the whole recording, by Bokeh: heart rate, RR intervals, ectopic beats.

The charts share their horizontal axis. Their text and lines take their colours from the page's
style sheet (``--bk-...`` in ``static/page.css``), so they follow the light and dark schemes.
"""

from __future__ import annotations

from datetime import datetime, time
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import MissingExtraError
from ecgcli.recordings.periods import Period, mean_rates
from ecgcli.recordings.rhythm import ECTOPIC, rr_intervals
from ecgcli.view import Page

#: The colour of each class, with a contrast of 3 or more on light and dark paper.
COLOURS = {"N": "#4f81a8", "S": "#c2690c", "V": "#d0353f", "F": "#8f6bc4", "Q": "#5b8c3a"}
GREY, BLUE = "#808890", "#3d8fd1"
#: The name of the boxes that mark what the strip shows; static/charts.js moves them.
WINDOW = "window"
#: The most steps of a chart across and upwards; points in one step look like one.
_ACROSS, _UP = 1000, 90
_HEIGHT, _AXIS_HEIGHT = 105, 25


def charts_item(page: Page) -> dict[str, Any]:
    """The charts as a document that ``Bokeh.embed.embed_item`` shows.

    Raises:
        MissingExtraError: Bokeh is not installed.
    """
    require_bokeh()
    from bokeh.embed import json_item
    from bokeh.layouts import gridplot
    from bokeh.models import Range1d

    first = _rate_chart(page)
    ectopic = _ectopic_chart(page, page.periods, first.x_range)
    charts = [first, _rr_chart(page, first.x_range), ectopic]
    for chart in charts:
        _mark_stretches(chart, page)
        if not chart.renderers:  # Bokeh cannot find a range of nothing
            chart.y_range = Range1d(start=0, end=1)
        chart.xaxis.visible = chart is charts[-1]
    charts[-1].height += _AXIS_HEIGHT
    layout = gridplot(
        [[chart] for chart in charts],
        sizing_mode="stretch_width",
        toolbar_location="right",
        toolbar_options={"logo": None},
    )
    return dict(json_item(layout))


def bokeh_script() -> str:
    """Bokeh's script for the browser.

    Raises:
        MissingExtraError: Bokeh is not installed.
    """
    require_bokeh()
    script = files("bokeh").joinpath("server/static/js/bokeh.min.js")
    return script.read_text(encoding="utf-8")


def clock_offset(start: datetime | time | None) -> float:
    """Seconds from midnight to the start of a recording; 0 where its start is not known."""
    if start is None:
        return 0.0
    return start.hour * 3600 + start.minute * 60 + start.second + start.microsecond / 1e6


def require_bokeh() -> None:
    """Make sure that Bokeh is installed, before any work is done for a page.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        import bokeh  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise MissingExtraError(
            "pages need the package bokeh for their charts: pip install 'ecgcli[view]'"
        ) from error


def _milliseconds(page: Page, seconds: Any) -> Any:
    """Positions on the time axis, which is a clock in ms."""
    return (np.asarray(seconds) + clock_offset(page.start)) * 1000


def _chart(page: Page, label: str, x_range: Any = None) -> Any:
    from bokeh.models import BasicTicker, BoxSelectTool, DatetimeTickFormatter, Range1d
    from bokeh.models.annotations import BoxAnnotation
    from bokeh.plotting import figure

    if x_range is None:
        first, last = _milliseconds(page, [0, page.seconds]).tolist()
        x_range = Range1d(first, last, bounds=(first, last))
    chart = figure(
        height=_HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="datetime",
        x_range=x_range,
        y_axis_label=label,
        tools="xpan,xwheel_zoom,reset",
        active_drag=None,
        active_scroll=None,
        background_fill_color=None,
        border_fill_color=None,
    )
    select = BoxSelectTool(dimensions="width", description="Show a stretch in the strip")
    chart.add_tools(select)
    chart.toolbar.active_drag = select
    chart.xaxis.formatter = DatetimeTickFormatter(
        milliseconds="%M:%S.%3N", seconds="%H:%M:%S", minsec="%H:%M:%S", minutes="%H:%M",
        hourmin="%H:%M", hours="%H:%M", days="%H:%M",
    )  # fmt: skip
    chart.add_layout(
        BoxAnnotation(name=WINDOW, fill_color=BLUE, fill_alpha=0.2, line_color=BLUE, line_width=2)
    )
    chart.yaxis.ticker = BasicTicker(desired_num_ticks=3, num_minor_ticks=0)
    chart.min_border_left = 60
    return chart


def _mark_stretches(chart: Any, page: Page) -> None:
    """Bands over fibrillation and over stretches without ECG: of different hatches, and named."""
    from bokeh.models.annotations import BoxAnnotation

    for stretches, colour, hatch in (
        (page.fibrillation, COLOURS["F"], "/"),
        (page.unusable, GREY, "x"),
    ):
        for start, stop in _joined(stretches, page.seconds / _ACROSS):
            left, right = _milliseconds(page, [start, stop]).tolist()
            band = BoxAnnotation(
                left=left, right=right, fill_color=colour, fill_alpha=0.15, line_color=None,
                hatch_pattern=hatch, hatch_color=colour, hatch_alpha=0.3, hatch_scale=14,
                level="underlay",
            )  # fmt: skip
            chart.add_layout(band)


def _joined(
    stretches: tuple[tuple[float, float], ...], nearest: float
) -> list[tuple[float, float]]:
    """The stretches, those that lie nearer than ``nearest`` s to each other as one."""
    joined: list[tuple[float, float]] = []
    for start, stop in stretches:
        if joined and start - joined[-1][1] < nearest:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def _rate_chart(page: Page) -> Any:
    """Lowest, mean and highest heart rate, a step for each stretch of the recording."""
    chart = _chart(page, "rate / min")
    times, rates = mean_rates(page.beats.peaks)
    if len(times):
        width = max(10.0, page.seconds / _ACROSS)
        steps = np.unique((times // width).astype(np.intp), return_index=True)[1]
        middle = np.add.reduceat(times, steps) / np.diff(np.append(steps, len(times)))
        mean = np.add.reduceat(rates, steps) / np.diff(np.append(steps, len(times)))
        x = _milliseconds(page, middle)
        chart.varea(
            x, np.minimum.reduceat(rates, steps), np.maximum.reduceat(rates, steps),
            fill_color=COLOURS["N"], fill_alpha=0.35,
        )  # fmt: skip
        chart.line(x, mean, line_color=COLOURS["N"], line_width=1.5)
    return chart


def _rr_chart(page: Page, x_range: Any) -> Any:
    """RR intervals over time, a point each; points that would hide each other are one."""
    chart = _chart(page, "RR, s", x_range)
    intervals = rr_intervals(page.beats.peaks)
    finite = ~np.isnan(intervals)
    times, intervals = page.beats.peaks[1:][finite], intervals[finite]
    if len(times):
        shown = _not_hidden(times, intervals, page.seconds)
        chart.scatter(
            _milliseconds(page, times[shown]), intervals[shown].round(3), size=2.5,
            fill_color=COLOURS["N"], line_color=None,
        )  # fmt: skip
    return chart


def _not_hidden(
    times: NDArray[np.float64], intervals: NDArray[np.float64], seconds: float
) -> NDArray[np.intp]:
    """The numbers of the points that lie in no other's place on the screen."""
    across = (times / seconds * _ACROSS).astype(np.int64)
    up = (intervals / intervals.max() * _UP).astype(np.int64)
    return np.unique(across * (_UP + 1) + up, return_index=True)[1]


def _ectopic_chart(page: Page, periods: list[Period], x_range: Any) -> Any:
    """V and S beats by period, beside each other; the letter of each above its bar."""
    every = periods[0].stop - periods[0].start if periods else 1
    chart = _chart(page, f"beats / {_words(every)}", x_range)
    kinds = [kind for kind in ECTOPIC if kind in page.beats.classes]
    for number, kind in enumerate(kinds):
        if not any(period.counts[kind] for period in periods):
            continue
        counts = [period.counts[kind] for period in periods]
        width = 0.8 / len(kinds)
        middle = [period.start + every * (0.1 + width * (number + 0.5)) for period in periods]
        x = _milliseconds(page, middle)
        colour = COLOURS[kind]
        chart.vbar(x, every * width * 1000, counts, fill_color=colour, line_color=None)
        letters = [kind if count else "" for count in counts]
        chart.text(
            x, counts, letters, text_align="center", text_baseline="bottom",
            text_font_size="12px", text_font_style="bold", text_color=colour,
        )  # fmt: skip
    chart.y_range.start = 0
    chart.y_range.range_padding = 0.25
    return chart


def _words(seconds: float) -> str:
    return {10.0: "10 s", 60.0: "min", 300.0: "5 min", 3600.0: "hour"}.get(
        seconds, f"{seconds:g} s"
    )
