"""Load a shop's own files: python load/load.py PATH; the work is in `load.loader`."""

import sys
from pathlib import Path

import typer

# run as a script, this file's folder comes first and would hide the package of the same name
sys.path[0] = str(Path(__file__).resolve().parents[1])

from load.command import main  # noqa: E402

if __name__ == "__main__":
    typer.run(main)
