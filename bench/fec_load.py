"""Landing and loading a FEC of a million lines, against a plain COPY of the same lines."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.ledgers import write_ledger
from bench.memory import run_measured
from encours.clients.fec_columns import LEGAL_COLUMNS
from encours.settings import load_settings
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.embedded import stop

BLOCK = 1 << 20


def measure(folder: Path, lines: int) -> dict[str, float]:
    """Seconds of both, their ratio, and the peak memory of our process in MB."""
    ledger = write_ledger(folder / "999000001FEC20251231.txt", lines)
    settings = load_settings(folder / "home")
    warehouse = open_warehouse(settings)
    try:
        plain = min(_plain_copy(warehouse.pipeline_url, ledger) for _ in range(2))
        ours = run_measured(
            [sys.executable, "-m", "bench.fec_load", str(settings.home), str(ledger)]
        )
        assert ours.exit_status == 0, ours.errors
        seconds = json.loads(ours.output.splitlines()[-1])["seconds"]
    finally:
        stop(settings)
    return {
        "lines": lines,
        "megabytes": ledger.stat().st_size / 1e6,
        "plain_copy_s": plain,
        "land_and_load_s": seconds,
        "ratio": seconds / plain,
        "peak_mb": ours.peak_bytes / 1e6,
    }


def _plain_copy(url: str, ledger: Path) -> float:
    """The lines as they are into a table of text columns: what PostgreSQL alone needs."""
    columns = ", ".join(f"{name.lower()} text" for name in LEGAL_COLUMNS)
    with connect(url) as connection:
        connection.execute("create schema if not exists bench")
        connection.execute("drop table if exists bench.plain")
        connection.execute(f"create table bench.plain ({columns})")
        connection.commit()
        started = time.monotonic()
        with (
            connection.cursor() as cursor,
            cursor.copy("copy bench.plain from stdin (format text, header)") as copy,
            open(ledger, "rb") as file,
        ):
            while block := file.read(BLOCK):
                copy.write(block)
        connection.commit()
        return time.monotonic() - started


def _land_and_load(home: str, ledger: str) -> float:
    from encours.orchestration import ingest

    settings = load_settings(home)
    open_warehouse(settings)
    started = time.monotonic()
    folder = ingest.land(settings, "fec", "bench", [ledger])
    ingest.load(settings, "fec", "bench", folder)
    return time.monotonic() - started


if __name__ == "__main__":
    print(json.dumps({"seconds": _land_and_load(*sys.argv[1:3])}))
