"""Runs of `encours` that are killed, and what must hold afterwards.

Every killed run works on a copy of the same home, which has published one year of books; it brings
the next year, so that it has something to load, to build and to publish.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from encours.demo.books import DemoOptions, write_books
from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse
from home_processes import server_of, strays_of
from marts_content import Row, marts_content
from readers import Readers

LEAVING_SECONDS = 15.0


@dataclass(frozen=True)
class Books:
    """What a run is given."""

    first_year: tuple[str, ...]
    next_year: tuple[str, ...]
    flat_files: tuple[str, ...]


def make_books(folder: Path, invoices: int) -> Books:
    ledgers, tables = folder / "ledgers", folder / "tables"
    write_books(DemoOptions(invoices=invoices, months=12, seed=3, format="fec"), ledgers)
    write_books(DemoOptions(invoices=invoices, months=12, seed=4, format="csv"), tables)
    first, second = sorted(ledgers.glob("999000001FEC*"))
    return Books(
        ("--fec", str(first), "--as-of", "2025-12-31"),
        ("--fec", str(second), "--as-of", "2026-06-30"),
        ("--files", str(tables), "--as-of", "2026-06-30"),
    )


@dataclass
class Homes:
    """A home that has published the first year, and its copies."""

    folder: Path
    books: Books
    made: list[Settings] = field(default_factory=list)

    @property
    def published(self) -> Settings:
        return Settings(self.folder / "published")

    def copy(self, name: str) -> Settings:
        settings = Settings(self.folder / name)
        shutil.copytree(self.published.home, settings.home)
        self.made.append(settings)
        return settings

    def discard(self, settings: Settings) -> None:
        embedded.stop(settings)
        shutil.rmtree(settings.home)
        self.made.remove(settings)

    def undisturbed(self, arguments: tuple[str, ...]) -> dict[str, list[Row]]:
        """The marts of a run that nobody kills."""
        settings = self.copy("undisturbed")
        finish_run(settings, arguments)
        content = marts_content(open_warehouse(settings).pipeline_url)
        self.discard(settings)
        return content


@contextmanager
def homes(invoices: int) -> Iterator[Homes]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-kill-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = Homes(folder, make_books(folder, invoices))
        try:
            finish_run(made.published, made.books.first_year)
            embedded.stop(made.published)
            yield made
        finally:
            for settings in (made.published, *made.made):
                kill_processes([psutil.Process(pid) for pid in strays_of(settings.home)])
                embedded.stop(settings)


# --- runs --------------------------------------------------------------------------------------


def start_run(settings: Settings, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    """`encours run` in a process group of its own."""
    command = ["run", *arguments, "--home", str(settings.home), "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "encours.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish_run(settings: Settings, arguments: tuple[str, ...]) -> dict[str, Any]:
    """A run that must publish; its report."""
    process = start_run(settings, arguments)
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, f"exit status {process.returncode}: {errors}{output}"
    return dict(json.loads(output.splitlines()[-1]))


def publication_count(settings: Settings) -> int:
    with psycopg.connect(open_warehouse(settings).pipeline_url) as connection:
        row = connection.execute("select count(*) from ops.publication").fetchone()
    assert row is not None
    return int(row[0])


def has_reached(settings: Settings, step: str) -> bool:
    """Whether the newest run of the home has begun this task: its log says so."""
    newest = max(settings.runs_dir.glob("2*/run.log"), default=None)
    return newest is not None and f"starting task_id={step} " in newest.read_text()


# --- killing -----------------------------------------------------------------------------------


def kill_group(process: subprocess.Popen[str]) -> int:
    """The run and what it started, at one blow. Returns how many that was."""
    count = len([pid for pid in psutil.pids() if _group(pid) == process.pid])
    os.killpg(process.pid, signal.SIGKILL)
    return count


def kill_run(process: subprocess.Popen[str]) -> int:
    process.kill()
    return 1


def kill_dbt(process: subprocess.Popen[str]) -> int:
    """The dbt server only; its owner and what it forked live."""
    return kill_processes(psutil.Process(process.pid).children()[:1])


def kill_dbt_invocation(process: subprocess.Popen[str]) -> int:
    """What the dbt server forked; it lives itself."""
    servers = psutil.Process(process.pid).children()
    return kill_processes([child for server in servers for child in server.children()])


def kill_backend(settings: Settings) -> int:
    """One session of the pipeline, preferably one at work."""
    sessions = {
        pid: line for pid, line in server_of(settings.home).items() if "encours_pipeline" in line
    }
    at_work = [pid for pid, line in sessions.items() if not line.endswith("idle")]
    return kill_processes([psutil.Process(pid) for pid in (*at_work, *sessions)][:1])


def kill_server_process(settings: Settings, choose: Callable[[list[int]], int]) -> int:
    """Any process of the server, whatever it does."""
    return kill_processes([psutil.Process(choose(sorted(server_of(settings.home))))])


def kill_postmaster(settings: Settings) -> int:
    pid_file = settings.postgres_dir / "data" / "postmaster.pid"
    return kill_processes([psutil.Process(int(pid_file.read_text().split()[0]))])


def kill_when(
    process: subprocess.Popen[str], is_due: Callable[[], bool], kill: Callable[[], int]
) -> tuple[int, str]:
    """Kill at the moment, or as soon after it as there is somebody to kill.

    Returns how many were killed, none if the run ended before, and the run's last line.
    """
    killed = 0
    while process.poll() is None and not killed:
        if is_due():
            try:
                killed = kill()
            except (psutil.Error, OSError, IndexError, ValueError):
                killed = 0  # It ended while we looked at it.
        time.sleep(0.01)
    _, errors = process.communicate(timeout=300)
    return killed, errors.strip().rpartition("\n")[2]


def wait_until_alone(settings: Settings) -> dict[int, str]:
    """What still works for the home besides PostgreSQL, after a little patience."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while (strays := strays_of(settings.home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return strays


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def kill_processes(victims: list[psutil.Process]) -> int:
    for victim in victims:
        victim.kill()
    return len(victims)


@dataclass
class Tally:
    """Of all kills, by what was struck: how many moments were tried, how many of them were
    survived (the next cycle published what an undisturbed one does), and what readers saw."""

    tried: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    anomalies: int = 0

    def add(self, struck: str, readers: Readers) -> None:
        self.tried[struck] += 1
        self.reads += readers.reads
        self.anomalies += len(readers.anomalies)

    def told(self) -> str:
        lines = [
            f"kills of {struck}: survived {self.survived[struck]} of {count}"
            for struck, count in self.tried.items()
        ]
        return "\n".join((*lines, f"reader anomalies {self.anomalies} of {self.reads:,} reads"))


# --- surviving ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blow:
    """What was struck (`killed` processes, none where it was over before), and how it ended.

    `told` is for whoever reads the figures, `strays` what still works for the home, `readers` what
    was read from before the blow until the next publication. `follows_itself`: it was struck after
    it had published, so that the next run brought the same books again.
    """

    settings: Settings
    killed: int
    told: str
    strays: dict[int, str]
    readers: Readers
    follows_itself: bool = False


def assert_survived(
    made: Homes,
    tally: Tally,
    struck: str,
    strike: Callable[[float], Blow],
    share: float,
    expected: dict[str, list[Row]],
) -> None:
    """`strike` at that share of its time, or earlier where it was quicker this time and over: it
    leaves nothing behind, and publishes what is expected."""
    blow = strike(share)
    while not blow.killed:
        made.discard(blow.settings)
        share *= 0.9
        blow = strike(share)

    paces = "; ".join(map(str, blow.readers.paces))
    print(f"\n{share:.0%}: {blow.killed} killed, {paces}, {blow.told}")
    tally.add(struck, blow.readers)
    assert blow.strays == {}
    if blow.follows_itself:
        # What changed since the publication before.
        expected = expected | {"mart_restatements": []}
    assert marts_content(open_warehouse(blow.settings).pipeline_url) == expected
    assert all(pace.reads for pace in blow.readers.paces)
    assert blow.readers.held_up == []
    assert blow.readers.anomalies == []
    tally.survived[struck] += 1
    made.discard(blow.settings)
