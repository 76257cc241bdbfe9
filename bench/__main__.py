"""`make bench`: prints one line per figure."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench import fec_load, run
from bench.ledgers import write_ledger

REAL_LEDGERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "fec"


def main() -> None:
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="encours-bench-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        _print("FEC of 1,000,000 lines", fec_load.measure(_made(folder / "load"), 1_000_000))
        _print("warm run, 5,000 lines", _warm(folder / "small", 5_000))
        _print("warm run, 1,000,000 lines", _warm(folder / "large", 1_000_000))
        for ledger in sorted(REAL_LEDGERS.glob("*FEC*")):
            _print(f"warm run, {ledger.name}", run.measure(_made(folder / ledger.stem), ledger))


def _warm(folder: Path, lines: int) -> dict[str, float]:
    ledger = write_ledger(_made(folder) / "999000001FEC20251231.txt", lines)
    return run.measure(folder, ledger)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _print(title: str, figures: dict[str, float]) -> None:
    print(title)
    for name, value in figures.items():
        print(f"  {name:<24}{value:>12,.2f}", flush=True)


if __name__ == "__main__":
    main()
