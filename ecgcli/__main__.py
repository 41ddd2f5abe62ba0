"""The program ``ecg``, which ``python -m ecgcli`` runs too."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line, from the imports to the last byte of output."""
    try:
        from ecgcli.errors import EcgError
        from ecgcli.interrupts import Terminated, raise_on_sigterm
        from ecgcli.streams import open_standard_streams

        raise_on_sigterm()
        # Threads that wait for each other sleep: those that spin slow a busy machine to a crawl.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            open_standard_streams()
            _run()
        except Terminated:  # outside any command, as below: while starting or leaving
            _leave("interrupted", 143)
        except EcgError as error:  # the output cannot be written
            _leave(f"error: {error}", error.exit_code)
    except KeyboardInterrupt:
        _leave("interrupted", 130)


def _run() -> None:
    try:
        from ecgcli.commands import app

        app(prog_name="ecg")
    finally:
        sys.stdout.flush()


def _leave(message: str, code: int) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
