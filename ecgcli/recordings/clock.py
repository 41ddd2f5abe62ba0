"""Clock times in a recording that states when it began."""

from __future__ import annotations

from datetime import datetime, time

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: When a recording began: a time alone where no date is stated, None where neither is.
Start = datetime | time | None

#: Characters of a date and the letter after it, in ISO 8601.
_DATE = len("2000-01-01T")


def clock_times(start: datetime | time, seconds: ArrayLike) -> NDArray[np.str_]:
    """The clock times of positions in s, in ISO 8601 to the millisecond, as the recorder's clock.

    Without a date they are times of day, which begin again at midnight.
    """
    dated = isinstance(start, datetime)
    began = start if isinstance(start, datetime) else datetime.combine(datetime(2000, 1, 1), start)
    places = np.round(np.asarray(seconds, np.float64) * 1000).astype("timedelta64[ms]")
    texts = np.datetime_as_string(
        np.datetime64(began.replace(tzinfo=None), "us") + places, unit="ms"
    )
    return texts if dated else np.array([text[_DATE:] for text in texts.ravel()], "<U12")


def clock_time(start: datetime | time, seconds: float) -> str:
    """The clock time of one position in s; see `clock_times`."""
    return str(clock_times(start, [seconds])[0])
