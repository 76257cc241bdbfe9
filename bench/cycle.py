"""A warm scheduled cycle of the demo company: from the asset that a delivery makes to the marts.

Airflow's services run as `encours up` starts them. The first delivery publishes; the next one is
measured: the same books a day later. The clock tells what a person waits for on an idle machine;
processor time, and what tasks waited for between each other, tell the same on a busy one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from bench.next_day import write_next_day
from encours.demo.books import DemoOptions, write_books
from encours.settings import Settings, load_settings
from encours.warehouse.connections import connect, open_warehouse

INVOICES, MONTHS = 3000, 24
SHARE_CHANGED = 0.01
PATIENCE_SECONDS = 1800.0

CYCLE = """
select
    extract(epoch from asset_event.timestamp),
    extract(epoch from dag_run.start_date),
    dag_run.run_id
from dag_run
inner join dagrun_asset_event on dagrun_asset_event.dag_run_id = dag_run.id
inner join asset_event on asset_event.id = dagrun_asset_event.event_id
where dag_run.dag_id = 'build_receivables'
order by dag_run.id desc limit 1
"""
WORKED = """
select coalesce(sum(extract(epoch from end_date - start_date)), 0)
from task_instance where dag_id = 'build_receivables' and run_id = %s
"""


@dataclass(frozen=True)
class Moment:
    """Publications so far, and the processor seconds that the home's services have used."""

    publications: int
    processor_seconds: Mapping[str, float]


def measure(folder: Path) -> dict[str, float]:
    """The figures of one warm cycle."""
    settings = load_settings(folder / "home")
    options = DemoOptions(invoices=INVOICES, months=MONTHS, seed=1, format="csv")
    write_books(options, folder / "first")
    write_next_day(
        folder / "first", folder / "next", options.end + timedelta(days=1), SHARE_CHANGED
    )
    try:
        _command("up", settings)
        _deliver(settings, folder / "first")
        before = _moment(settings)
        _deliver(settings, folder / "next")
        return _figures(settings, before, _moment(settings))
    finally:
        _command("stop", settings)


def _figures(settings: Settings, before: Moment, after: Moment) -> dict[str, float]:
    with connect(open_warehouse(settings).metadata_url) as connection:
        ((event, started, run_id),) = connection.execute(CYCLE).fetchall()
        ((worked,),) = connection.execute(WORKED, [run_id]).fetchall()
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ((published, seconds),) = connection.execute(
            "select extract(epoch from publication.published_at), run.seconds"
            " from ops.publication inner join ops.run using (run_id)"
            " order by publication_row desc limit 1"
        ).fetchall()
    used = {
        name: seconds - before.processor_seconds[name]
        for name, seconds in after.processor_seconds.items()
    }
    return {
        "asset_to_publication_s": float(published - event),
        "asset_to_first_task_s": float(started - event),
        "between_tasks_s": float(published - started - worked),
        "processor_s": sum(used.values()),
        **{f"processor_{name}_s": seconds for name, seconds in used.items()},
        **{f"step_{step}_s": float(value) for step, value in seconds.items()},
    }


def _deliver(settings: Settings, books: Path) -> None:
    """Drop a folder into the inbox and wait until it is published."""
    published = _moment(settings).publications
    shutil.copytree(books, settings.inbox_dir / books.name)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _moment(settings).publications == published:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing was published within {PATIENCE_SECONDS:.0f} s")
        time.sleep(1)


def _moment(settings: Settings) -> Moment:
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ((exists,),) = connection.execute("select to_regclass('ops.publication')").fetchall()
        count = 0
        if exists is not None:
            ((count,),) = connection.execute("select count(*) from ops.publication").fetchall()
    return Moment(count, _processor_seconds(settings))


def _processor_seconds(settings: Settings) -> dict[str, float]:
    """By service, with what their children, dead ones included, have used; those of the scheduler
    are tasks."""
    record = json.loads((settings.airflow_home / "services.json").read_text())
    leaders = {service["name"]: psutil.Process(service["pid"]) for service in record["services"]}
    lines = (settings.postgres_dir / "data" / "postmaster.pid").read_text().splitlines()
    leaders["postgresql"] = psutil.Process(int(lines[0]))
    seconds = {
        name: sum(map(_used, (leader, *leader.children(recursive=True))))
        for name, leader in leaders.items()
    }
    scheduler = sum(leaders["scheduler"].cpu_times()[:2])
    return {**seconds, "scheduler": scheduler, "tasks": seconds["scheduler"] - scheduler}


def _used(process: psutil.Process) -> float:
    """Its own seconds and those of its dead children; its parent tells of one that just ended."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


def _command(name: str, settings: Settings) -> None:
    encours = str(Path(sys.executable).with_name("encours"))
    subprocess.run([encours, name, "--home", str(settings.home)], check=True, capture_output=True)
