"""A first run of flat files of one size: where its time goes, so that growth can be compared."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import past_balance
from bench.statements import Statements
from encours.settings import load_settings
from encours.warehouse.embedded import stop

AS_OF = "2026-06-30"
GATE = ("suites", "decide")
SLOWEST = 15


def measure(folder: Path, books: Path) -> dict[str, float]:
    """Seconds of the run and of its parts, then of the slowest dbt nodes by name."""
    settings = load_settings(folder / "home")
    command = [
        str(Path(sys.executable).with_name("encours")),
        *("run", "--files", str(books), "--as-of", AS_OF),
        *("--home", str(settings.home), "--json"),
    ]
    try:
        statements = Statements.start(settings)
        statements.reset()
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        wall = time.monotonic() - started
        report = json.loads(done.stdout.splitlines()[-1])
        server = statements.seconds()
        past = past_balance.measure(settings)
    finally:
        stop(settings)
    seconds = report["seconds"]
    nodes = _nodes(settings.home / "runs" / report["run_id"])
    slowest = sorted(nodes, key=lambda node: -node["seconds"])[:SLOWEST]
    return {
        "exit_status": done.returncode,
        "wall_s": wall,
        "statements_s": server,
        "dbt_nodes_s": sum(node["seconds"] for node in nodes),
        "gate_s": sum(seconds.get(step, 0) for step in GATE),
        "publish_s": seconds.get("publish", 0),
        **past,
        **{f"  {node['name']}": node["seconds"] for node in slowest},
    }


def _nodes(folder: Path) -> list[dict[str, Any]]:
    return [
        node
        for path in sorted(folder.glob("dbt_*.json"))
        for node in json.loads(path.read_text())["nodes"]
    ]
