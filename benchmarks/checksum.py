"""What the checksum of a checkpoint costs: its share of the time to load the file and its model.

    python benchmarks/checksum.py [CHECKPOINT ...]

Processor time, the median of five; by default of the weights that come with ecg.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from ecgcli.checkpoints import container, load_checkpoint
from ecgcli.checkpoints.engines import load_engine
from ecgcli.weights import bundled_checkpoint


def seconds(work: Callable[[], object]) -> float:
    """The median processor time of five calls."""
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return median(times)


def _load(path: Path) -> object:
    return load_engine(load_checkpoint(path))


def main() -> None:
    """Print a line for each checkpoint."""
    named = [Path(name) for name in sys.argv[1:]]
    for path in named or [bundled_checkpoint("recordings"), bundled_checkpoint("beats")]:
        data = path.read_bytes()
        checksum = seconds(partial(container._checksum, data))
        loading = seconds(partial(_load, path))
        print(
            f"{path.name}: {len(data) / 1e6:.1f} MB, loaded in {loading * 1000:.1f} ms, "
            f"of which checksum {checksum * 1000:.1f} ms ({checksum / loading:.0%})"
        )


if __name__ == "__main__":
    main()
