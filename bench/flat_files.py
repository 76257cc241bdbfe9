"""Landing and loading flat files, against a bare COPY of the same bytes and against dlt."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from psycopg import sql

from bench.memory import run_measured
from encours.settings import load_settings
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.embedded import stop

BLOCK = 1 << 20
MONTHS = 36
SEED = 7
DLT_SCHEMA = "bench_dlt"
DLT_PYTHON = Path(__file__).resolve().parents[1] / ".venv-bench" / "bin" / "python"


def write_books(folder: Path, invoices: int) -> Path:
    """About 1.1 payments, 1.3 allocations and 0.3 instalments per invoice, a customer per 20."""
    arguments = {"invoices": invoices, "months": MONTHS, "seed": SEED, "out": folder}
    options = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
    command = [str(Path(sys.executable).with_name("encours")), "demo-data", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def measure(folder: Path, books: Path, *, with_dlt: bool) -> dict[str, float]:
    """Seconds and rows per second of each, their ratios, and the peak memory of our process."""
    settings = load_settings(folder / "home")
    url = open_warehouse(settings).pipeline_url
    try:
        rows = _plain_copy(url, books)[0]
        plain = min(_plain_copy(url, books)[1] for _ in range(2))
        ours = run_measured(
            [sys.executable, "-m", "bench.flat_files", str(settings.home), str(books)]
        )
        seconds = json.loads(ours.output.splitlines()[-1])
        dlt_rate = _dlt_rows_per_second(folder, url, books) if with_dlt else None
    finally:
        stop(settings)
    figures = {
        "rows": rows,
        "megabytes": sum(path.stat().st_size for path in books.iterdir()) / 1e6,
        "plain_copy_s": plain,
        "land_and_load_s": seconds["first"],
        "ratio": seconds["first"] / plain,
        "rows_per_second": rows / seconds["first"],
        "same_again_s": seconds["again"],
        "peak_mb": ours.peak_bytes / 1e6,
    }
    if dlt_rate is not None:
        figures["dlt_rows_per_second"] = dlt_rate
        figures["times_dlt"] = rows / seconds["first"] / dlt_rate
    return figures


def _plain_copy(url: str, books: Path) -> tuple[int, float]:
    """Rows and seconds of the files as they are into text columns: what PostgreSQL needs."""
    paths = sorted(books.glob("*.csv"))
    with connect(url) as connection:
        connection.execute("drop schema if exists bench cascade")
        connection.execute("create schema bench")
        for path in paths:
            with open(path, encoding="utf-8") as file:
                names = file.readline().strip().split(",")
            columns = sql.SQL(", ").join(
                sql.SQL("{} text").format(sql.Identifier(n)) for n in names
            )
            connection.execute(
                sql.SQL("create table {} ({})").format(sql.Identifier("bench", path.stem), columns)
            )
        connection.commit()
        started = time.monotonic()
        rows = sum(_copy_file(connection, path) for path in paths)
        connection.commit()
        return rows, time.monotonic() - started


def _copy_file(connection: psycopg.Connection, path: Path) -> int:
    statement = sql.SQL("copy {} from stdin (format csv, header)").format(
        sql.Identifier("bench", path.stem)
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy, open(path, "rb") as file:
            while block := file.read(BLOCK):
                copy.write(block)
        return cursor.rowcount


def _dlt_rows_per_second(folder: Path, url: str, books: Path) -> float:
    """dlt in an environment of its own, writing to the same server."""
    state = folder / "dlt"
    done = subprocess.run(
        [str(DLT_PYTHON), "-m", "bench.dlt_load", url, str(books), str(state), DLT_SCHEMA],
        check=True,
        capture_output=True,
        text=True,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    return float(result["rows"] / result["seconds"])


def _land_and_load(home: str, books: str) -> dict[str, float]:
    from encours.orchestration import ingest

    settings = load_settings(home)
    open_warehouse(settings)
    seconds = {}
    for name in ("first", "again"):
        started = time.monotonic()
        folder = ingest.land(settings, "files", name, [books])
        ingest.load(settings, "files", name, folder)
        seconds[name] = time.monotonic() - started
    return seconds


if __name__ == "__main__":
    print(json.dumps(_land_and_load(*sys.argv[1:3])))
