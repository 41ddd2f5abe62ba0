"""Numbers with their nouns, for sentences."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun: ``1 beat``, ``2,000 beats``.

    Args:
        number: the count.
        noun: the singular.
        plural: where it is not the singular with an ``s``.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
