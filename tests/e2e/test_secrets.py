"""No password or token leaves its place: not into a log, an error, a command line, an environment
that others read, Airflow's database, the landing zone or the warehouse. Nor may others read what
stands in the home.

One home with a canary in every credential runs twice: well, and refused by the API.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import psutil
import psycopg
import pytest
from plain_books import write_plain_books

from canaries import company_server, secrets_of, tables_with
from encours.sandbox.books import read_world
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.warehouse import embedded, incidents

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.xdist_group("secrets")]

CANARIES = {
    "warehouse": "canary-warehouse-7Qx",
    "reader": "canary-reader-4Zk",
    "token": "canary-token-9Vp",
    "smtp": "canary-smtp-2Hd",
    "webhook": "canary-webhook-5Tn",
}


@dataclass
class Watch:
    """What anybody could see while commands ran: the last command line of each process and the
    environments of processes of other users; and Airflow's database of a run, which ends with it.
    """

    home: Path
    lines: dict[int, str] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    databases: set[str] = field(default_factory=set)
    looks: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            self.looks += 1
            for process in psutil.process_iter():
                try:
                    self.lines[process.pid] = " ".join(process.cmdline())
                    if process.uids().effective != os.geteuid():
                        self.foreign.update(canaries_in(str(process.environ())))
                except psutil.Error:
                    continue
            for path in self.home.glob("runs/*/airflow.db*"):
                try:
                    self.databases.update(canaries_in(path.read_bytes().decode("latin-1")))
                except FileNotFoundError:
                    continue


@dataclass(frozen=True)
class Told:
    """Two runs: what they printed, what was seen meanwhile, and where they left something."""

    home: Path
    server_log: Path
    printed: tuple[subprocess.CompletedProcess[str], ...]
    watch: Watch
    url: str


def canaries_in(text: str) -> list[str]:
    return [name for name, word in CANARIES.items() if word in text]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-secrets-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_plain_books(40, date(2026, 6, 30), folder / "demo", folder / "plain")
        company = Settings(folder / "company")
        try:
            url = company_server(company, CANARIES["warehouse"])
            with Sandbox(read_world(folder / "plain"), limits=False) as sandbox:
                hook = {"password": f"json://me:{CANARIES['webhook']}@127.0.0.1:1/encours"}
                mail = (
                    f"mailto://me:{CANARIES['smtp']}@127.0.0.1:1/"
                    "?to=you@example.com&from=me@example.com"
                )
                token = {**sandbox.connection("pennylane"), "password": CANARIES["token"]}
                environment = {
                    "ENCOURS_READER_PASSWORD": CANARIES["reader"],
                    "AIRFLOW_CONN_ENCOURS_PENNYLANE": json.dumps(token),
                    "AIRFLOW_CONN_ENCOURS_ALERT_HOOK": json.dumps({"conn_type": "http", **hook}),
                }
                home = folder / "home"
                home.mkdir(mode=0o700)
                (home / "alerts.yml").touch(mode=0o600)
                (home / "alerts.yml").write_text(f"channels:\n  mail: {mail}\n")
                files = ("--files", str(folder / "plain"), "--as-of", "2026-06-30")
                with Watch(home) as watch:
                    printed = (
                        encours(home, environment, "run", *files, "--json", "--warehouse", url),
                        encours(
                            home,
                            {**environment, "ENCOURS_WAREHOUSE": url},
                            *("run", "--source", "pennylane"),
                        ),
                    )
            yield Told(home, company.logs_dir / "postgres.log", printed, watch, url)
        finally:
            embedded.stop(company)


def encours(
    home: Path, environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "encours.cli", *arguments, "--home", str(home)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_run_is_published_and_the_other_refused(told: Told) -> None:
    published, refused = told.printed

    assert published.returncode == 0, published.stderr
    assert refused.returncode == 1
    assert "encours_pennylane" in refused.stderr.splitlines()[-1]
    assert told.watch.looks > 10


def test_channels_were_tried_and_did_not_answer(told: Told) -> None:
    """So that their secrets passed through what writes of the attempt."""
    with psycopg.connect(told.url) as connection:
        tried = incidents.read_channels(connection)

    assert {row["channel"] for row in tried if row["error"]} == {"hook", "mail"}


def test_nothing_printed_holds_a_secret(told: Told) -> None:
    assert canaries_in("".join(done.stdout + done.stderr for done in told.printed)) == []


def test_no_file_of_the_home_holds_a_secret_but_those_for_them(told: Told) -> None:
    paths = [path for path in told.home.rglob("*") if path.is_file()]
    found = {
        str(path.relative_to(told.home)): names
        for path in paths
        if (names := canaries_in(path.read_bytes().decode("latin-1")))
    }

    assert any(path.name == "run.log" for path in paths)
    assert found.pop("alerts.yml") == ["smtp"]
    assert {Path(name).parts[0] for name in found} == {"secrets"}
    assert set().union(*found.values()) == {"reader"}


def test_log_of_the_server_holds_no_secret(told: Told) -> None:
    assert canaries_in(told.server_log.read_text()) == []


@pytest.mark.parametrize("database", ["books", "books_airflow"])
def test_no_table_holds_a_secret(told: Told, database: str) -> None:
    url = told.url.replace("/books", f"/{database}")

    words = (*CANARIES.values(), *secrets_of(Settings(told.home)).values())
    assert tables_with(url, words) == {}


def test_database_of_a_run_holds_no_secret(told: Told) -> None:
    assert told.watch.databases == set()


def test_no_command_line_keeps_a_secret(told: Told) -> None:
    assert {line for line in told.watch.lines.values() if canaries_in(line)} == set()


def test_no_process_of_another_user_is_given_a_secret(told: Told) -> None:
    assert told.watch.foreign == set()


def test_others_may_read_nothing_of_the_home(told: Told) -> None:
    open_to_others = {
        str(path.relative_to(told.home)): oct(path.stat().st_mode & 0o777)
        for path in (told.home, *told.home.rglob("*"))
        if path.stat().st_mode & 0o077
    }

    assert open_to_others == {}
