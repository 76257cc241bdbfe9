"""Runs of `encours` that are killed, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from encours.settings import Settings
from encours.warehouse.connections import open_warehouse

CONSISTENT = """
select (select publication_id from publication_info), (select count(*) from mart_aged_balance),
    (select count(*) from mart_dso)
"""


def start_run(settings: Settings, ledger: Path) -> subprocess.Popen[str]:
    """`encours run` in a process group of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "encours.cli",
            "run",
            "--fec",
            str(ledger),
            "--home",
            str(settings.home),
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish_run(settings: Settings, ledger: Path) -> dict[str, Any]:
    """An undisturbed run; its report."""
    process = start_run(settings, ledger)
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, f"exit status {process.returncode}: {errors}{output}"
    return dict(json.loads(output.splitlines()[-1]))


def kill_when(
    process: subprocess.Popen[str],
    victims: Callable[[], list[psutil.Process]],
    moment: Callable[[], bool],
) -> list[str]:
    """Wait for the moment, then SIGKILL the victims. Returns their names, [] if too late."""
    while process.poll() is None and not moment():
        time.sleep(0.02)
    killed = []
    for victim in victims() if process.poll() is None else []:
        try:
            name = victim.name()
            victim.kill()
        except psutil.NoSuchProcess:
            continue
        killed.append(name)
    process.communicate(timeout=300)
    return killed


def run_tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The run and everything that it started, PostgreSQL apart."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *_not_postgres(parent.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def dbt_processes(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [one for one in run_tree(process) if one.pid != process.pid]


def postgres_processes(settings: Settings, *, backends_only: bool) -> list[psutil.Process]:
    """The postmaster of the home, or the backends that its clients have."""
    pid_file = settings.postgres_dir / "data" / "postmaster.pid"
    try:
        postmaster = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if not backends_only:
            return [postmaster]
        return [
            child
            for child in postmaster.children()
            if any("encours_pipeline" in part for part in child.cmdline())
        ]
    except (OSError, ValueError, IndexError, psutil.Error):
        return []


def processes_of(settings: Settings) -> list[str]:
    """Command lines that name the home, PostgreSQL's and this one's apart."""
    found = []
    for process in psutil.process_iter(["cmdline", "pid", "name", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        environment = process.info["environ"] or {}
        belongs = str(settings.home) in line or environment.get("ENCOURS_HOME") == str(
            settings.home
        )
        if belongs and process.info["pid"] != os.getpid() and "postgres" not in line:
            found.append(line)
    return found


def _not_postgres(processes: list[psutil.Process]) -> list[psutil.Process]:
    kept = []
    for process in processes:
        try:
            if "postgres" not in process.name():
                kept.append(process)
        except psutil.NoSuchProcess:
            continue
    return kept


def has_reached(settings: Settings, step: str) -> bool:
    """Whether a run of the home has begun this task: its log says so."""
    newest = sorted(settings.runs_dir.glob("2*/run.log"))[-1:]
    return any(f"starting task_id={step} " in log.read_text() for log in newest)


def after_seconds(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


@dataclass
class Reader:
    """Polls the marts as BI does, on one connection and on new ones, and keeps what it saw."""

    settings: Settings
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    polls: int = 0
    lost_connections: int = 0
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Reader:
        self._url = open_warehouse(self.settings).reader_url
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        assert self._thread is not None
        self._thread.join()

    def _poll(self) -> None:
        while not self._done.is_set():
            try:
                with psycopg.connect(self._url, connect_timeout=5) as connection:
                    connection.autocommit = True
                    while not self._done.wait(0.02):
                        row = connection.execute(CONSISTENT).fetchone()
                        assert row is not None
                        self.seen.add(tuple(row))
                        self.polls += 1
            except psycopg.OperationalError:
                # Only a killed server may do this; what was read before stays in `seen`.
                self.lost_connections += 1
                time.sleep(0.1)


def random_moments(seed: int, count: int, longest: float) -> list[float]:
    chooser = random.Random(seed)
    return [round(chooser.uniform(0.5, longest), 2) for _ in range(count)]


def interrupt_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the whole group, as the out-of-memory killer of a container does."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
