"""A warm `encours run`: wall time, the part that is our own Python and SQL, and peak memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.memory import run_measured
from encours.settings import load_settings
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.embedded import stop


def measure(folder: Path, ledger: Path) -> dict[str, float]:
    """The second run of the same file in one home."""
    home = folder / "home"
    command = [
        str(Path(sys.executable).with_name("encours")),
        "run",
        "--fec",
        str(ledger),
        "--home",
        str(home),
        "--json",
    ]
    settings = load_settings(home)
    try:
        for _ in range(2):
            result = run_measured(command)
        report = json.loads(result.output.splitlines()[-1])
        own = _own_seconds(home, report["run_id"])
    finally:
        stop(settings)
    return {
        "wall_s": result.seconds,
        "own_python_and_sql_s": own,
        "peak_mb": result.peak_bytes / 1e6,
        "exit_status": result.exit_status,
    }


def _own_seconds(home: Path, run_id: str) -> float:
    """Landing, loading, the statements of all models and tests one after the other, the suites
    (import apart) and the publication. Imports of Airflow, dbt and Great Expectations and dbt's
    parsing are not ours."""
    sql = sum(
        node["seconds"]
        for path in (home / "runs" / run_id).glob("dbt_*.json")
        for node in json.loads(path.read_text())["nodes"]
    )
    with connect(open_warehouse(load_settings(home)).pipeline_url) as connection:
        row = connection.execute(
            "select coalesce((select extract(epoch from sum(finished_at - started_at))"
            " from ops.extraction where run_id = %(run)s), 0)"
            " + (seconds ->> 'open_build')::numeric + (seconds ->> 'suites')::numeric"
            " + (seconds ->> 'decide')::numeric + (seconds ->> 'publish')::numeric"
            " from ops.run where run_id = %(run)s",
            {"run": run_id},
        ).fetchone()
    assert row is not None
    return sql + float(row[0])
