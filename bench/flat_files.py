"""Landing and loading flat files, against a bare COPY of the same bytes and against dlt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from encours.settings import Settings, load_settings
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.embedded import running_server, stop

BLOCK = 1 << 20
MONTHS = 36
# The books end on the day of the first run: what is dated later is news of the day after.
LAST_DAY = date(2026, 6, 29)
SEED = 7
DLT_SCHEMA = "bench_dlt"
UNCOMPRESSED = {"DATA_WRITER__DISABLE_COMPRESSION": "true"}
DLT_PYTHON = Path(__file__).resolve().parents[1] / ".venv-bench" / "bin" / "python"


def write_books(folder: Path, invoices: int) -> Path:
    """About 1.1 payments, 1.3 allocations and 0.3 instalments per invoice, a customer per 20."""
    arguments: dict[str, object] = {
        "invoices": invoices,
        "months": MONTHS,
        "end": LAST_DAY,
        "seed": SEED,
        "out": folder,
    }
    options = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
    command = [str(Path(sys.executable).with_name("encours")), "demo-data", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def measure(folder: Path, books: Path, *, with_dlt: bool) -> dict[str, float]:
    """Rows per second and processor time of each, their ratios, and the peak memory of our process.

    Processor time is that of the client and the server together: on a machine that others use, its
    ratio holds where that of the seconds does not.
    """
    settings = load_settings(folder / "home")
    url = open_warehouse(settings).pipeline_url
    try:
        rows = _plain_copy(url, books)[0]
        before = _processor_seconds(settings)
        plain = min(_plain_copy(url, books)[1] for _ in range(2))
        plain_processor = (_processor_seconds(settings) - before) / 2
        ours = subprocess.run(
            [sys.executable, "-m", "bench.flat_files", str(settings.home), str(books)],
            check=True,
            capture_output=True,
            text=True,
        )
        found = json.loads(ours.stdout.splitlines()[-1])
        dlt = _through_dlt(folder, url, books) if with_dlt else {}
    finally:
        stop(settings)
    seconds = found["first"]["seconds"]
    return {
        "rows": rows,
        "megabytes": sum(path.stat().st_size for path in books.iterdir()) / 1e6,
        "plain_copy_s": plain,
        "land_and_load_s": seconds,
        "ratio": seconds / plain,
        "plain_copy_processor_s": plain_processor,
        "land_and_load_processor_s": found["first"]["processor"],
        "processor_ratio": found["first"]["processor"] / plain_processor,
        "rows_per_second": rows / seconds,
        "same_again_s": found["again"]["seconds"],
        "same_again_processor_s": found["again"]["processor"],
        "peak_mb": found["peak_mb"],
        **{
            figure: value
            for name, rate in dlt.items()
            for figure, value in (
                (f"{name}_rows_per_second", rate),
                (f"times_{name}", rows / seconds / rate),
            )
        },
    }


def _processor_seconds(settings: Settings) -> float:
    """Of this process, and of the server with all its sessions, living and gone."""
    # A session that ends is counted with the server only when the server has noticed.
    time.sleep(1)
    server = running_server(settings)
    assert server is not None
    lines = (server.data_dir / "postmaster.pid").read_text().splitlines()
    postmaster = psutil.Process(int(lines[0]))
    gone = postmaster.cpu_times()
    living = [process.cpu_times() for process in (postmaster, *postmaster.children())]
    total = gone.children_user + gone.children_system
    return time.process_time() + total + sum(times.user + times.system for times in living)


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


def _through_dlt(folder: Path, url: str, books: Path) -> dict[str, float]:
    """Rows per second of dlt in an environment of its own, writing to the same server: as it comes,
    and without compressing its intermediate files."""
    return {
        "dlt": _dlt_rows_per_second(folder / "dlt", url, books, f"{DLT_SCHEMA}_1", {}),
        "dlt_uncompressed": _dlt_rows_per_second(
            folder / "dlt-uncompressed", url, books, f"{DLT_SCHEMA}_2", UNCOMPRESSED
        ),
    }


def _dlt_rows_per_second(
    state: Path, url: str, books: Path, schema: str, options: dict[str, str]
) -> float:
    done = subprocess.run(
        [str(DLT_PYTHON), "-m", "bench.dlt_load", url, str(books), str(state), schema],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **options},
    )
    result = json.loads(done.stdout.splitlines()[-1])
    return float(result["rows"] / result["seconds"])


def _land_and_load(home: str, books: str) -> dict[str, Any]:
    # dlt's own libraries are imported before its clock starts, too.
    import pyarrow.compute
    import pyarrow.csv  # noqa: F401

    from encours.orchestration import ingest

    settings = load_settings(home)
    # The tables of a bare COPY are there before its clock starts, too.
    with ingest.raw_connection(settings):
        pass
    found: dict[str, Any] = {}
    for name in ("first", "again"):
        before = _processor_seconds(settings)
        started = time.monotonic()
        folder = ingest.land(settings, "files", name, [books])
        ingest.load(settings, "files", name, folder)
        seconds = time.monotonic() - started
        found[name] = {
            "seconds": seconds,
            "processor": _processor_seconds(settings) - before,
        }
    # The kernel's own mark: sampling a process from outside slows it.
    status = Path("/proc/self/status").read_text()
    return {**found, "peak_mb": int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6}


if __name__ == "__main__":
    print(json.dumps(_land_and_load(*sys.argv[1:3])))
