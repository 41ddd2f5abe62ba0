"""Numbers as text, for sentences and tables."""

from __future__ import annotations

import math


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun: ``1 beat``, ``2,000 beats``.

    Args:
        number: the count.
        noun: the singular.
        plural: where it is not the singular with an ``s``.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def clock_text(seconds: float) -> str:
    """A time in s as hours, minutes and seconds, rounded half up: ``1:02:03``."""
    whole = math.floor(seconds + 0.5)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
