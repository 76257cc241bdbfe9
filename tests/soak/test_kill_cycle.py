"""kill -9 at ten random moments of a scheduled cycle: it publishes what an undisturbed one does.

Every cycle works on a copy of a home whose services have run and which has published one year of
books: `encours up`, the next year dropped into the inbox, a kill, and what an operator does then,
which is `encours up` again where a service or the server was killed, and nothing else.

make soak
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from scheduled_home import ScheduledHome

from encours.orchestration import services
from encours.settings import Settings
from encours.transform.dbt_server import TITLE
from encours.warehouse.connections import open_warehouse
from home_processes import processes_of
from killed_runs import (
    Blow,
    Homes,
    Tally,
    assert_survived,
    homes,
    kill_backend,
    kill_postmaster,
    kill_processes,
    publication_count,
)
from marts_content import Row, marts_content
from readers import readers_of

pytestmark = pytest.mark.soak

SEED = 20261123
VICTIMS = (
    *("task", "worker", "scheduler", "dbt", "postmaster"),
    *("task", "backend", "scheduler", "dbt", "api-server"),
)
CHOOSER = random.Random(SEED)
# As a share of the time that an undisturbed cycle takes, from the inbox to the publication.
MOMENTS = [round(CHOOSER.uniform(0.05, 0.95), 3) for _ in VICTIMS]
# Airflow gives a task that no longer reports two minutes, and waits before it tries again.
PATIENCE_SECONDS = 1200.0
UNFINISHED = "select count(*) from dag_run where state in ('queued', 'running')"


@dataclass(frozen=True)
class Undisturbed:
    homes: Homes
    seconds: float
    marts: dict[str, list[Row]]


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[Undisturbed]:
    with homes(invoices=300) as made:
        # What `encours up` makes on its first start is made once, for all copies.
        first = scheduled(made.published)
        first.start()
        first.command("stop")
        settings = made.copy("undisturbed")
        home = scheduled(settings)
        home.start()
        started = deliver(home, made)
        wait_until(home, lambda: has_published(home))
        seconds = time.monotonic() - started
        home.command("stop")
        open_warehouse(settings)
        content = marts_content(open_warehouse(settings).pipeline_url)
        made.discard(settings)
        # The scheduler's cycle and the command do the same.
        assert content == made.undisturbed(made.books.next_year)
        yield Undisturbed(made, seconds, content)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("victim", "share"), list(zip(VICTIMS, MOMENTS, strict=True)), ids=lambda part: str(part)
)
def test_cycle_after_a_kill_publishes_the_same_marts(
    undisturbed: Undisturbed, tally: Tally, victim: str, share: float
) -> None:
    def blow_at(share: float) -> Blow:
        return strike(undisturbed, victim, share)

    assert_survived(
        undisturbed.homes, tally, "a scheduled cycle", blow_at, share, undisturbed.marts
    )


def strike(undisturbed: Undisturbed, victim: str, share: float) -> Blow:
    settings = undisturbed.homes.copy(f"struck-{len(undisturbed.homes.made)}")
    home = scheduled(settings)
    home.start()
    with readers_of(settings) as readers:
        started = deliver(home, undisturbed.homes)
        killed = kill_at(home, victim, started + share * undisturbed.seconds)
        wait_until(home, lambda: has_published(home))
        seconds = time.monotonic() - started
        wait_until(home, lambda: is_idle(home))
        leftovers = {
            pid: line for pid, line in processes_of(settings.home).items() if TITLE in line
        }
        home.command("stop")
    told = f"{victim}, published after {seconds:.0f} s"
    return Blow(settings, killed, told, leftovers | processes_of(settings.home), readers)


def scheduled(settings: Settings) -> ScheduledHome:
    """The home as whoever runs the tests: its copies belong to them."""
    return ScheduledHome(settings.home, {}, sys.executable)


def deliver(home: ScheduledHome, made: Homes) -> float:
    """Drop the next year into the inbox; the moment when it lay there."""
    home.drop(Path(made.books.next_year[1]))
    return time.monotonic()


def kill_at(home: ScheduledHome, victim: str, due: float) -> int:
    """Kill at that moment, or as soon after it as there is such a process; 0 if none came."""
    settings = Settings(home.home)
    kill: Callable[[], int] = {
        "task": lambda: kill_processes(tasks_of(home)[:1]),
        "worker": lambda: kill_processes([task.parent() for task in tasks_of(home)][:1]),
        "dbt": lambda: kill_processes(with_title(home, TITLE)),
        "scheduler": lambda: kill_processes([service(home, "scheduler")]),
        "api-server": lambda: kill_processes([service(home, "api-server")]),
        "backend": lambda: kill_backend(settings),
        "postmaster": lambda: kill_postmaster(settings),
    }[victim]
    killed = 0
    while not killed and not (time.monotonic() > due and has_published(home)):
        if time.monotonic() >= due:
            try:
                killed = kill()
            except (psutil.Error, OSError, IndexError, ValueError):
                killed = 0  # It ended while we looked at it.
        time.sleep(0.05)
    return killed


def tasks_of(home: ScheduledHome) -> list[psutil.Process]:
    """The processes in which tasks run: a worker's child in a process group of its own."""
    return [
        process
        for process in with_title(home, "airflow worker -- ")
        if os.getpgid(process.pid) == process.pid and "LocalExecutor" not in line_of(process)
    ]


def with_title(home: ScheduledHome, title: str) -> list[psutil.Process]:
    return [
        process
        for process in service(home, "scheduler").children(recursive=True)
        if title in line_of(process)
    ]


def line_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def service(home: ScheduledHome, name: str) -> psutil.Process:
    record = json.loads((Settings(home.home).airflow_home / "services.json").read_text())
    (pid,) = [each["pid"] for each in record["services"] if each["name"] == name]
    return psutil.Process(pid)


def has_published(home: ScheduledHome) -> bool:
    return publication_count(Settings(home.home)) > 1


def is_idle(home: ScheduledHome) -> bool:
    """Whether no run is left; what was published by an attempt may be told by the next one."""
    url = open_warehouse(Settings(home.home)).metadata_url
    with psycopg.connect(url) as connection:
        row = connection.execute(UNFINISHED).fetchone()
    return row == (0,)


def wait_until(home: ScheduledHome, is_so: Callable[[], bool]) -> None:
    """Wait as an operator does, who starts again what has ended: `encours up`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        alive = services.alive_services(Settings(home.home)) or {}
        if not all(alive.values()):
            home.start()
        try:
            if is_so():
                return
        except psycopg.OperationalError:
            pass  # The server was killed: looking at it has started it again.
        time.sleep(1)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s")
