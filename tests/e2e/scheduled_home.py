"""A home whose Airflow services run for the tests of a module, and its REST API.

Where the tests run as root, the home belongs to `nobody` and every command is that user's: what
works without rights works with them.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import requests

from encours.settings import Settings, project_root
from encours.warehouse.connections import open_warehouse

PATIENCE_SECONDS = 300.0


@dataclass
class ScheduledHome:
    """`start` first; then everything goes through the command line, the inbox and REST."""

    home: Path
    account: dict[str, Any]
    program: str
    url: str = ""
    password: str = field(default="", repr=False)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return _environment() | self.variables

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`encours` on this home, in a folder that means nothing."""
        process = self.begin(*arguments)
        output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        return subprocess.Popen(
            [self.program, "-m", "encours.cli", *arguments, "--home", str(self.home)],
            env=self.environment,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self.account,
        )

    def start(self) -> None:
        done = self.command("up")
        assert done.returncode == 0, done.stderr
        words = done.stdout.split()
        self.url, self.password = words[words.index("Airflow") + 1], words[words.index("inbox") - 1]

    def drop(self, path: Path) -> Path:
        """Put a file or folder in the inbox as a person does: by copying it there."""
        target = self.home / "inbox" / path.name
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copy(path, target)
        self.give(target)
        return target

    def get(self, path: str, **parameters: Any) -> Any:
        answer = requests.get(
            f"{self.url}/api/v2/{path}", params=parameters, headers=self._headers, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(
            f"{self.url}/api/v2/{path}", json=body, headers=self._headers, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Runs of a DAG, oldest first."""
        answer = self.get(f"dags/{dag_id}/dagRuns", order_by="run_after", limit=100)
        found: list[dict[str, Any]] = answer["dag_runs"]
        return found

    def finished_run(self, dag_id: str, after: int) -> dict[str, Any]:
        """The run that comes after so many, once it has ended."""

        def look() -> dict[str, Any] | None:
            runs = self.runs(dag_id)[after:]
            return runs[0] if runs and runs[0]["state"] in ("success", "failed") else None

        return wait_for(look, f"run {after + 1} of {dag_id} to end")

    def rows(self, query: bytes) -> list[tuple[Any, ...]]:
        """As the pipeline's role, which sees everything."""
        with psycopg.connect(open_warehouse(Settings(self.home)).pipeline_url) as connection:
            return connection.execute(query).fetchall()

    @cached_property
    def _headers(self) -> dict[str, str]:
        return self._token("admin", self.password)

    def signed_in(self, user: str) -> dict[str, str]:
        """What the requests of a user carry; the home keeps the passwords."""
        passwords = json.loads((self.home / "secrets" / "airflow_users.json").read_text())
        return self._token(user, passwords[user])

    def _token(self, user: str, password: str) -> dict[str, str]:
        login = {"username": user, "password": password}
        answer = requests.post(f"{self.url}/auth/token", json=login, timeout=60)
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def give(self, target: Path) -> None:
        if self.account:
            for path in (target, *target.rglob("*")):
                os.chown(path, self.account["user"], self.account["group"])


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")


def new_home() -> ScheduledHome:
    # Not tmp_path: its folders are 0700, and the services may run as another user.
    home = Path(tempfile.mkdtemp(prefix="encours-scheduled-"))
    home.chmod(0o755)
    account, program = _account()
    if account:
        os.chown(home, account["user"], account["group"])
    return ScheduledHome(home, account, program)


@contextmanager
def running(*, variables: dict[str, str], channels: str = "") -> Iterator[ScheduledHome]:
    """A new home whose services run meanwhile; `channels` is the content of its alerts.yml."""
    home = new_home()
    home.variables |= variables
    if channels:
        file = home.home / "alerts.yml"
        file.write_text(channels)
        file.chmod(0o600)
        home.give(file)
    try:
        home.start()
        yield home
    finally:
        home.command("stop")
        shutil.rmtree(home.home, ignore_errors=True)


def _account() -> tuple[dict[str, Any], str]:
    """`nobody`, if we are root and there is a Python that this user can run; else ourselves."""
    if os.geteuid() != 0:
        return {}, sys.executable
    nobody = pwd.getpwnam("nobody")
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    for program in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            subprocess.run(
                [program, "-c", "import encours.cli, psycopg"],
                env=_environment(),
                cwd="/",
                capture_output=True,
                check=True,
                **account,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return account, program
    return {}, sys.executable


def _environment() -> dict[str, str]:
    """A bare one. The path serves a Python that is not the environment's own."""
    packages = [str(project_root() / "include"), sysconfig.get_path("purelib")]
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(packages), "LANG": "C.UTF-8"}
