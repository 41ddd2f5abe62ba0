"""Page -> HTML: one file that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgcli import __version__
from ecgcli.classes import CLASS_MEANINGS
from ecgcli.recordings import Recording
from ecgcli.recordings.rhythm import RUN
from ecgcli.view import DOUBTFUL, UNCLASSIFIED, Family, Page
from ecgcli.view.charts import bokeh_script, charts_item, clock_offset
from ecgcli.view.encoding import (
    MILLIVOLTS_PER_STEP,
    encode_lead,
    encode_numbers,
    encode_overview,
    encode_probabilities,
    overview_samples,
    piece_samples,
)
from ecgcli.wording import clock_text

if TYPE_CHECKING:
    from jinja2 import Environment

#: Times of beats are stored in this many steps of a second.
STEPS_PER_SECOND = 10_000
#: The page's own scripts, in the order in which they need each other.
SCRIPTS = ("data.js", "strip.js", "lists.js", "charts.js", "page.js")
#: Rows of a lead in mV: room for its usual range over `_RANGE_SECONDS`, within these limits.
_RANGE_SECONDS, _LOWEST_ROW, _HIGHEST_ROW, _STRETCHES = 2.0, 1.5, 6.0, 1000


@dataclass(frozen=True)
class Script:
    """A script inside the page, and its hash, by which the page allows it."""

    text: str

    @property
    def source(self) -> str:
        """The script as the source of a Content Security Policy."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


def render(
    page: Page,
    *,
    template: str = "page.html",
    scripts: Sequence[str] = (),
    connect: str = "'none'",
    folders: Sequence[str] = (),
    **more: Any,
) -> str:
    """The page as HTML.

    Args:
        page: what it shows.
        template: the template; another one may extend ``page.html`` and fill its blocks.
        scripts: more scripts, run after the page's own; see ``static/page.js`` for what they use.
        connect: where its scripts may connect to (``connect-src`` of its policy).
        folders: packages whose ``templates`` folder is searched before the page's own.
        more: names for the template.

    Raises:
        MissingExtraError: the package for the charts is not installed.
    """
    pages = _templates((*folders, "ecgcli.view"))
    pages.filters["clock"] = _clock(page)
    inside = [page_script(), *scripts, bokeh_script()]
    *own, library = (Script(_closed(text)) for text in inside)
    return pages.get_template(template).render(
        page=page,
        style=_static("page.css"),
        own_scripts=own,
        charts_script=library,
        policy=_policy([*own, library], connect),
        data=page_data(page),
        charts=charts_item(page),
        leads=[encode_lead(lead.signal, lead.sampling_rate) for lead in page.leads],
        overviews=[encode_overview(lead.signal, lead.sampling_rate) for lead in page.leads],
        periods=page.periods,
        facts=facts(page),
        meanings={name: CLASS_MEANINGS[name] for name in page.beats.classes},
        doubtful=DOUBTFUL,
        version=__version__,
        **more,
    )


def render_index(rows: Sequence[dict[str, Any]]) -> str:
    """A list of pages as HTML; each row is a summary of a recording with the ``link`` to its page.

    See `ecgcli.view.reports`.
    """
    pages = _templates(("ecgcli.view",))
    lines = [
        {
            "name": row["recording"],
            "link": row["link"],
            "figures": _index_figures(row),
            "doubt": row["longest_rr_may_miss_a_beat"],
        }
        for row in rows
    ]
    headings = ["recording", *(lines[0]["figures"] if lines else ())]
    return pages.get_template("index.html").render(
        rows=lines, headings=headings, run=RUN, style=_static("page.css"), version=__version__
    )


def _index_figures(summary: dict[str, Any]) -> dict[str, str]:
    """What the list of pages says of a recording, by name."""

    def known(value: float | None, form: str) -> str:
        return "-" if value is None else form.format(value)

    return {
        "length": clock_text(summary["seconds"]),
        "beats": f"{summary['beats']:,}",
        "mean rate": known(summary["mean_rate"], "{:.0f}/min"),
        "V": known(summary["counts"].get("V"), "{:,}"),
        "S": known(summary["counts"].get("S"), "{:,}"),
        "runs": f"{len(summary['runs']):,}",
        "longest RR": known(summary["longest_rr"], "{:.2f} s"),
        "fibrillation": known(summary["fibrillation"]["burden"], "{:.1%}"),
        "no ECG": f"{summary['noise_share']:.1%}",
    }


def facts(page: Page) -> dict[str, str]:
    """Who and what: names and values in words."""
    leads, beats = page.leads, page.beats
    started = {} if page.start is None else {"starts": _start(page)}
    peaks = "annotated" if beats.annotated else "detected"
    return {
        "file": page.path.name,
        "leads": ", ".join(lead.lead for lead in leads),
        "sampling rate": f"{leads[0].sampling_rate:g} Hz",
        "length": clock_text(page.seconds),
        **started,
        "R peaks": f"{len(beats):,}, {peaks}",
        "classes": f"{page.source}, lead {leads[0].lead}",
    }


def page_data(page: Page) -> dict[str, Any]:
    """What the page's scripts read, as a document of plain values."""
    rate = page.leads[0].sampling_rate
    beats = page.beats
    steps = np.round(beats.peaks * STEPS_PER_SECOND).astype(np.int64)
    return {
        "name": page.name,
        "seconds": page.seconds,
        "rate": rate,
        "offset": clock_offset(page.start),
        "classes": beats.classes,
        "doubtful": DOUBTFUL,
        "unclassified": UNCLASSIFIED,
        "millivolts": MILLIVOLTS_PER_STEP,
        "piece": piece_samples(rate),
        "overview": overview_samples(rate),
        "leads": [{"name": lead.lead} | row_millivolts(lead) for lead in page.leads],
        "beats": {
            "stepsPerSecond": STEPS_PER_SECOND,
            "intervals": encode_numbers(np.diff(steps, prepend=0).astype(np.uint32)),
            "labels": encode_numbers(beats.labels),
            "probabilities": encode_numbers(encode_probabilities(beats.probabilities)),
            "members": encode_numbers(page.members),
        },
        "families": [_family(family) for family in page.families],
        "events": [asdict(event) for event in page.events],
        "unusable": page.unusable,
        "fibrillation": page.fibrillation,
    }


def row_millivolts(lead: Recording) -> dict[str, float]:
    """The height of a lead's row, and its middle above the median, in mV.

    Nearly all of the lead has room in it; at most `_STRETCHES` of it are looked at.
    """
    size = min(len(lead.filled), max(1, round(_RANGE_SECONDS * lead.sampling_rate)))
    count = min(_STRETCHES, -(-len(lead.filled) // size))
    starts = np.linspace(0, len(lead.filled) - size, count).astype(np.intp)
    stretches = lead.filled[starts[:, None] + np.arange(size)]
    levels = np.median(stretches, axis=1)
    above = float(np.quantile(stretches.max(axis=1) - levels, 0.9))
    below = float(np.quantile(levels - stretches.min(axis=1), 0.9))
    height = np.clip(1.2 * (above + below), _LOWEST_ROW, _HIGHEST_ROW)
    return {"height": round(float(height), 3), "middle": round((above - below) / 2, 3)}


def svg_path(family: Family, width: int = 120, height: int = 70) -> str:
    """A family's shape as the path of an SVG of this size: 2 mV high, or as large as it is."""
    shape = family.shape
    middle, span = (shape.max() + shape.min()) / 2, max(2.0, float(np.ptp(shape)) * 1.1)
    x = np.linspace(0, width, len(shape))
    y = height / 2 - (shape - middle) / span * height
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))


def json_block(document: Any) -> Any:
    """A document as JSON that can stand in a script element: no ``<`` ends it."""
    from markupsafe import Markup

    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (that is the escaping)


def _templates(packages: Sequence[str]) -> Environment:
    """The templates in these packages, which escape what they are given."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader

    loader = ChoiceLoader([PackageLoader(each) for each in packages])
    pages = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    pages.filters |= {"clock": clock_text, "tojson_block": json_block, "path": svg_path}
    return pages


@cache
def page_script() -> str:
    """The page's own scripts as one, whose names are its own."""
    text = "\n".join(_static(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{text}\n}})();'


def _closed(script: str) -> str:
    """A script that cannot end its element early."""
    return script.replace("</script", "<\\/script")


def _static(name: str) -> str:
    return files("ecgcli.view").joinpath("static", name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[Script], connect: str) -> str:
    """The Content Security Policy: these scripts, no others, and nothing from anywhere.

    Bokeh sets styles and has its icons in them.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(script.source for script in scripts)}",
            "style-src 'unsafe-inline'",
            "img-src data:",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _family(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "letter": family.letter,
        "beats": family.beats,
        "doubtful": family.doubtful,
        "example": family.example,
    }


def _start(page: Page) -> str:
    form = "%Y-%m-%d %H:%M:%S" if isinstance(page.start, datetime) else "%H:%M:%S"
    return "" if page.start is None else page.start.strftime(form)


def _clock(page: Page) -> Any:
    offset = clock_offset(page.start)
    return lambda seconds: clock_text(seconds + offset)
