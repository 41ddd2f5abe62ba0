"""``python -m ecgcli`` is ``ecg``."""

from ecgcli.commands import app

if __name__ == "__main__":
    app(prog_name="ecg")
