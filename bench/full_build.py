"""A first run of flat files of one size and the run of the next day: where their time goes, so that
growth can be compared.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import past_balance
from bench.flat_files import LAST_DAY
from bench.memory import RARE_SECONDS, run_measured
from bench.next_day import write_next_day
from bench.statements import Statements
from encours.settings import Settings, load_settings
from encours.warehouse.embedded import stop

FIRST_DAY = LAST_DAY
NEXT_DAY = FIRST_DAY + timedelta(days=1)
CHANGED_SHARE = 0.001
GATE = ("suites", "decide")
SLOWEST = 15


def measure(folder: Path, books: Path) -> dict[str, float]:
    """Seconds of the first run and of its parts, then of the slowest dbt nodes by name.

    The next day 0.1 % of the documents are new or changed; `next_day_share` compares the loading
    and the statements of the two runs. The peak is that of our processes, without the server's.
    """
    settings = load_settings(folder / "home")
    next_books = folder / "next"
    write_next_day(books, next_books, NEXT_DAY, CHANGED_SHARE)
    try:
        statements = Statements.start(settings)
        first = _run(settings, statements, books, FIRST_DAY)
        past = past_balance.measure(settings)
        following = _run(settings, statements, next_books, NEXT_DAY)
    finally:
        stop(settings)
    seconds = first.report["seconds"]
    nodes = _nodes(settings.home / "runs" / first.report["run_id"])
    slowest = sorted(nodes, key=lambda node: -node["seconds"])[:SLOWEST]
    return {
        "published": sum(run.report["status"] == "published" for run in (first, following)),
        "wall_s": first.wall,
        "peak_mb": first.peak_bytes / 1e6,
        "loading_s": first.loading,
        "statements_s": first.statements,
        "dbt_nodes_s": sum(node["seconds"] for node in nodes),
        "gate_s": sum(seconds.get(step, 0) for step in GATE),
        "publish_s": seconds.get("publish", 0),
        **past,
        "next_day_wall_s": following.wall,
        "next_day_loading_s": following.loading,
        "next_day_statements_s": following.statements,
        "next_day_share": following.work / first.work,
        **{f"  {node['name']}": node["seconds"] for node in slowest},
    }


@dataclass(frozen=True)
class _Run:
    """The report of a run, and the seconds of the whole, of loading and of the statements."""

    report: dict[str, Any]
    wall: float
    loading: float
    statements: float
    peak_bytes: int

    @property
    def work(self) -> float:
        """Without what the tools take to start."""
        return self.loading + self.statements


def _run(settings: Settings, statements: Statements, books: Path, as_of: date) -> _Run:
    command = [
        str(Path(sys.executable).with_name("encours")),
        *("run", "--files", str(books), "--as-of", as_of.isoformat()),
        *("--home", str(settings.home), "--json"),
    ]
    statements.reset()
    done = run_measured(command, RARE_SECONDS)
    report = json.loads(done.output.splitlines()[-1])
    return _Run(
        report,
        done.seconds,
        statements.loading_seconds(report["run_id"]),
        statements.seconds(),
        done.peak_bytes,
    )


def _nodes(folder: Path) -> list[dict[str, Any]]:
    return [
        node
        for path in sorted(folder.glob("dbt_*.json"))
        for node in json.loads(path.read_text())["nodes"]
    ]
