"""A first run of flat files of one size and the run of the next day: where their time goes, so that
growth can be compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from bench import past_balance
from bench.next_day import write_next_day
from bench.statements import Statements
from encours.settings import Settings, load_settings
from encours.warehouse.embedded import stop

FIRST_DAY = date(2026, 6, 29)
NEXT_DAY = date(2026, 6, 30)
CHANGED_SHARE = 0.001
GATE = ("suites", "decide")
SLOWEST = 15


def measure(folder: Path, books: Path) -> dict[str, float]:
    """Seconds of the first run and of its parts, then of the slowest dbt nodes by name.

    The next day 0.1 % of the documents are new or changed; `next_day_share` compares what the
    server works on the statements of the two runs.
    """
    settings = load_settings(folder / "home")
    next_books = folder / "next"
    write_next_day(books, next_books, NEXT_DAY, CHANGED_SHARE)
    try:
        statements = Statements.start(settings)
        first, server, wall = _run(settings, statements, books, FIRST_DAY)
        past = past_balance.measure(settings)
        following, next_server, next_wall = _run(settings, statements, next_books, NEXT_DAY)
    finally:
        stop(settings)
    seconds = first["seconds"]
    nodes = _nodes(settings.home / "runs" / first["run_id"])
    slowest = sorted(nodes, key=lambda node: -node["seconds"])[:SLOWEST]
    return {
        "published": sum(run["status"] == "published" for run in (first, following)),
        "wall_s": wall,
        "statements_s": server,
        "dbt_nodes_s": sum(node["seconds"] for node in nodes),
        "gate_s": sum(seconds.get(step, 0) for step in GATE),
        "publish_s": seconds.get("publish", 0),
        **past,
        "next_day_wall_s": next_wall,
        "next_day_statements_s": next_server,
        "next_day_share": next_server / server,
        **{f"  {node['name']}": node["seconds"] for node in slowest},
    }


def _run(
    settings: Settings, statements: Statements, books: Path, as_of: date
) -> tuple[dict[str, Any], float, float]:
    """The report of a run, the seconds of its statements and of the whole."""
    command = [
        str(Path(sys.executable).with_name("encours")),
        *("run", "--files", str(books), "--as-of", as_of.isoformat()),
        *("--home", str(settings.home), "--json"),
    ]
    statements.reset()
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.monotonic() - started
    return json.loads(done.stdout.splitlines()[-1]), statements.seconds(), wall


def _nodes(folder: Path) -> list[dict[str, Any]]:
    return [
        node
        for path in sorted(folder.glob("dbt_*.json"))
        for node in json.loads(path.read_text())["nodes"]
    ]
