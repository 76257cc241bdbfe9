"""`make bench`: prints one line per figure.

`python -m bench --sizes 100000,1000000,5000000` measures the flat files only, at these numbers of
invoices; `--cycle` a scheduled cycle of the demo company only.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import cycle, extraction, fec_load, flat_files, full_build, run
from bench.ledgers import write_ledger

REAL_LEDGERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "fec"


SIZES = (100_000, 1_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", help="numbers of invoices, separated by commas")
    parser.add_argument("--cycle", action="store_true", help="the scheduled cycle only")
    arguments = parser.parse_args()
    sizes = arguments.sizes
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="encours-bench-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        if sizes:
            _flat_files(folder, [int(size) for size in sizes.split(",")])
            return
        _print("warm scheduled cycle, demo company", cycle.measure(_made(folder / "cycle")))
        if arguments.cycle:
            return
        _flat_files(folder, SIZES)
        api = extraction.measure(_made(folder / "api"), 1_000_000)
        _print("1,000,000 invoices through an API", api)
        _print("FEC of 1,000,000 lines", fec_load.measure(_made(folder / "load"), 1_000_000))
        _print("warm run, 5,000 lines", _warm(folder / "small", 5_000))
        _print("warm run, 1,000,000 lines", _warm(folder / "large", 1_000_000))
        for ledger in sorted(REAL_LEDGERS.glob("*FEC*")):
            _print(f"warm run, {ledger.name}", run.measure(_made(folder / ledger.stem), ledger))


def _flat_files(folder: Path, sizes: Sequence[int]) -> None:
    """dlt at the smallest size only: it takes minutes where the others take seconds."""
    for size in sizes:
        books = flat_files.write_books(folder / f"books-{size}", size)
        with_dlt = size == min(sizes) and flat_files.DLT_PYTHON.exists()
        loaded = flat_files.measure(_made(folder / f"load-{size}"), books, with_dlt=with_dlt)
        _print(f"flat files of {size:,} invoices", loaded)
        built = full_build.measure(_made(folder / f"build-{size}"), books)
        _print(f"first and next run of {size:,} invoices", built)


def _warm(folder: Path, lines: int) -> dict[str, float]:
    ledger = write_ledger(_made(folder) / "999000001FEC20251231.txt", lines)
    return run.measure(folder, ledger)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _print(title: str, figures: dict[str, float]) -> None:
    print(title)
    for name, value in figures.items():
        print(f"  {name:<44}{value:>12,.2f}", flush=True)


if __name__ == "__main__":
    main()
