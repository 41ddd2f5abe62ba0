"""The list of pages: names are escaped, and unknown values are shown as a dash."""

from __future__ import annotations

from ecgcli.view.rendering import render_index


def test_names_are_text_and_unknown_figures_are_dashes() -> None:
    empty = {
        "recording": "</td><script>alert('1')</script>\n\"x\"",
        "link": "a.html",
        "seconds": 5.0,
        "beats": 0,
        "mean_rate": None,
        "counts": {"N": 0, "S": 0, "V": 0},
        "runs": [],
        "longest_rr": None,
        "longest_rr_may_miss_a_beat": False,
        "fibrillation": {"burden": None},
        "noise_share": 1.0,
    }
    text = render_index([empty])
    assert "<script>" not in text
    assert "&lt;script&gt;alert(&#39;1&#39;)" in text
    for cell in ('"mean rate">-<', '"longest RR">-<', '"fibrillation">-<', '"no ECG">100.0%<'):
        assert cell in text
    assert '"length">0:00:05<' in text
