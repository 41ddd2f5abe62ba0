"""A recording's rhythm as text, as a clinician reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecgcli.wording import clock_text, counted

if TYPE_CHECKING:
    from rich.console import Console

#: Number of runs of ectopic beats, and of episodes, that are printed one by one.
_RUNS_SHOWN = 10
#: Seconds; longer recordings are printed by the hour.
_HOURLY = 2 * 3600.0


def print_summary(summary: dict[str, Any], console: Console) -> None:
    """Print the summary of `ecgcli.prediction.recordings.Classified`."""
    for note in summary["notes"]:
        console.print(f"{summary['recording']}: {note}")
    length, beats = clock_text(summary["seconds"]), summary["beats"]
    console.print(f"{summary['recording']}: {length}, {counted(beats, 'beat')}")
    if summary["start"] is not None:
        console.print(f"  starts      {_readable(summary['start'])}")
    console.print(f"  R peaks     {summary['r_peaks']}")
    if summary["mean_rate"] is not None:
        rates = [f"mean {summary['mean_rate']:.0f}"]
        if summary["lowest_rate"] is not None:
            rates += [f"{word} {summary[f'{word}_rate']:.0f}" for word in ("lowest", "highest")]
        console.print(f"  heart rate  {', '.join(rates)} a minute")
        pause, at = (
            summary["longest_rr"],
            _at(summary["longest_rr_at"], summary.get("longest_rr_clock")),
        )
        missed = ", perhaps a missed beat" if summary["longest_rr_may_miss_a_beat"] else ""
        console.print(f"  longest RR  {pause:.2f} s at {at}{missed}")
    counts = ", ".join(f"{name} {count:,}" for name, count in summary["counts"].items())
    console.print(f"  classes     {counts}{_unclassified(summary)}")
    for kind, burden in summary["burdens"].items():
        console.print(
            f"  {kind} burden    {burden['percent']:.1f}%, {burden['per_hour']:.0f} an hour; "
            f"{counted(burden['couplets'], 'couplet')}, "
            f"{counted(burden['runs'], 'run')} of three or more"
        )
    for run in summary["runs"][:_RUNS_SHOWN]:
        start, speed = _at(run["start"], run.get("clock")), run["rate"]
        console.print(f"    {run['beats']} {run['kind']} at {start}, {speed:.0f} a minute")
    if len(summary["runs"]) > _RUNS_SHOWN:
        console.print(f"    and {counted(len(summary['runs']) - _RUNS_SHOWN, 'more run')}")
    _print_fibrillation(summary["fibrillation"], console)
    console.print(f"  no ECG      {summary['noise_share']:.1%} of the time")
    _print_variability(summary["variability"], console)
    if summary["seconds"] > _HOURLY:
        _print_hours(summary["hours"], console)


def _unclassified(summary: dict[str, Any]) -> str:
    """The number of beats without a class, where there are any."""
    if not summary["unclassified"]:
        return ""
    abstained = f", {summary['abstained']:,} of them abstained" if summary["abstained"] else ""
    return f"; {summary['unclassified']:,} not classified{abstained}"


def _print_fibrillation(fibrillation: dict[str, Any], console: Console) -> None:
    episodes = fibrillation["episodes"]
    if fibrillation["burden"] is None:
        console.print("  AF burden   unknown")
        return
    console.print(
        f"  AF burden   {fibrillation['burden']:.1%}; {counted(len(episodes), 'episode')}"
    )
    for episode in episodes[:_RUNS_SHOWN]:
        begin, end = _at(episode["start"], episode.get("clock")), clock_text(episode["end"])
        console.print(f"    from {begin} to {end}")
    if len(episodes) > _RUNS_SHOWN:
        console.print(f"    and {counted(len(episodes) - _RUNS_SHOWN, 'more episode')}")


def _print_variability(figures: dict[str, Any], console: Console) -> None:
    """Two lines: measures in time and in frequency, or why there are none; and their limits."""
    if figures["missing"]:
        console.print(f"  HRV         missing: {figures['missing']}")
        return
    names = {"SDNN": "sdnn", "SDANN": "sdann", "RMSSD": "rmssd"}
    times = [
        f"{name} {figures[key]:.0f} ms" for name, key in names.items() if figures[key] is not None
    ]
    if figures["pnn50"] is not None:
        times.append(f"pNN50 {figures['pnn50']:.1f}%")
    console.print(f"  HRV         {', '.join(times)}; NN {figures['nn_share']:.0%} of intervals")
    if figures["lf_hf"] is None:
        spectrum = "no 5 minutes with enough NN intervals for a spectrum"
    else:
        spectrum = (
            f"LF {figures['lf']:.0f} ms², HF {figures['hf']:.0f} ms², LF/HF {figures['lf_hf']:.1f}"
        )
    console.print(f"              {spectrum}; {'; '.join(figures['limits'])}")


def _print_hours(hours: list[dict[str, Any]], console: Console) -> None:
    """A row for each hour."""
    kinds = [kind for kind in ("V", "S") if kind in hours[0]["counts"]]
    heads = "".join(f"{kind:>7}" for kind in kinds)
    console.print(
        f"  {'hour from':<20}{'mean':>6}{'low':>6}{'high':>6}{heads}{'no ECG':>9}{'AF':>8}"
    )
    for hour in hours:
        from_time = _readable(hour["clock"]) if "clock" in hour else clock_text(hour["start"])
        rates = "".join(
            f"{'-' if rate is None else format(rate, '.0f'):>6}"
            for rate in (hour["mean_rate"], hour["lowest_rate"], hour["highest_rate"])
        )
        counts = "".join(f"{hour['counts'][kind]:>7,}" for kind in kinds)
        share = hour["fibrillation_share"]
        fibrillation = "-" if share is None else f"{share:.1%}"
        console.print(
            f"  {from_time:<20}{rates}{counts}{hour['noise_share']:>9.1%}{fibrillation:>8}"
        )


def _at(seconds: float, clock: str | None) -> str:
    """A time in the recording, and on the clock where that is known."""
    return clock_text(seconds) if clock is None else f"{clock_text(seconds)} ({_readable(clock)})"


def _readable(clock: str) -> str:
    """A clock time in ISO 8601 for readers: rounded to the second, as `clock_text` is."""
    from datetime import datetime, timedelta

    dated = "T" in clock
    moment = datetime.fromisoformat(clock if dated else f"2000-01-01T{clock}")
    return format(
        moment + timedelta(milliseconds=500), "%Y-%m-%d %H:%M:%S" if dated else "%H:%M:%S"
    )
