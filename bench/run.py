"""A warm `encours run`: wall time, the part that is our own Python and SQL, and peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.ledgers import write_ledger
from bench.memory import run_measured
from bench.statements import Statements
from encours.settings import load_settings
from encours.warehouse.embedded import stop

# The steps that are ours alone; in the others dbt and Great Expectations run our statements.
OWN_STEPS = ("open_build", "decide", "publish")


def measure(folder: Path, ledger: Path) -> dict[str, float]:
    """The first run of a ledger in a home that has published another company before.

    Memory is sampled in a run and a home of its own: reading it slows what is measured.
    """
    settings = load_settings(folder / "home")
    sampled = load_settings(folder / "sampled")
    try:
        statements = Statements.start(settings)
        other = write_ledger(folder / "999000018FEC20251231.txt", 100)
        subprocess.run(_command(settings.home, other), check=True, capture_output=True)
        statements.reset()
        started = time.monotonic()
        done = subprocess.run(_command(settings.home, ledger), capture_output=True, text=True)
        wall = time.monotonic() - started
        report = json.loads(done.stdout.splitlines()[-1])
        parts = {
            "land_and_load_s": statements.loading_seconds(report["run_id"]),
            "own_steps_s": sum(report["seconds"].get(step, 0) for step in OWN_STEPS),
            "statements_s": statements.seconds(),
        }
        peak = run_measured(_command(sampled.home, ledger)).peak_bytes
    finally:
        stop(settings)
        stop(sampled)
    return {
        "wall_s": wall,
        "own_python_and_sql_s": sum(parts.values()),
        **parts,
        "peak_mb": peak / 1e6,
        "exit_status": done.returncode,
    }


def _command(home: Path, ledger: Path) -> list[str]:
    encours = str(Path(sys.executable).with_name("encours"))
    return [encours, "run", "--fec", str(ledger), "--home", str(home), "--json"]
