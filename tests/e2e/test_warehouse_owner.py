"""A PostgreSQL of one's own takes the figures of one home: a second one is told whose it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import warehouse_steps as steps

from canaries import company_server
from encours.errors import BadInput, FatalError
from encours.orchestration import accesses, control, ingest, maintenance, services
from encours.orchestration.doctor import examination
from encours.orchestration.doctor.findings import Installation, State
from encours.settings import Settings
from encours.warehouse import embedded, ownership
from encours.warehouse.connections import READER_VARIABLE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("warehouse_owner")]

READER_PASSWORD = "a-reader-of-both-homes"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-owner-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    company = Settings(folder / "company")
    try:
        yield company_server(company, "sesame")
    finally:
        embedded.stop(company)


@pytest.fixture
def first(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The home that writes to the warehouse."""
    monkeypatch.setenv(READER_VARIABLE, READER_PASSWORD)
    settings = Settings(folder / "first", warehouse_url=url)
    ownership.take_over(settings)
    return settings


@pytest.fixture
def second(first: Settings, folder: Path, url: str) -> Settings:
    return Settings(folder / "second", warehouse_url=url)


def encours(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "encours.cli", *arguments, "--home", str(settings.home)],
        env={**os.environ, "ENCOURS_WAREHOUSE": str(settings.warehouse_url)},
        capture_output=True,
        text=True,
        check=False,
    )


def writes(settings: Settings) -> None:
    with ingest.raw_connection(settings):
        pass


def test_home_that_was_the_first_goes_on_writing(first: Settings) -> None:
    writes(first)
    writes(first)

    ((count,),) = steps.rows(first, "select count(*) from ops.home")
    assert count == 1


def test_second_home_is_told_whose_the_warehouse_is_and_what_to_do(
    first: Settings, second: Settings
) -> None:
    ran = encours(second, "run")

    (line,) = ran.stderr.splitlines()
    assert ran.returncode == FatalError.exit_status
    assert f"another home writes to this warehouse: {first.home} on " in line
    assert line.endswith("or, where that home is gone for good, encours take-over")
    assert "sesame" not in line
    assert steps.rows(first, "select count(*) from ops.run") == [(0,)]


@pytest.mark.parametrize(
    "attempt",
    [
        writes,
        lambda home: control.roll_back(home, rolled_back_by="controller", reason="wrong rates"),
        lambda home: services.start(home, 0, progress=lambda line: None),
        lambda home: accesses.store_access(
            home, accesses.make_access("encours_odoo", host="x", login="", password="", extra="")
        ),
        maintenance.drop_retired_marts,
        maintenance.prune_history,
    ],
    ids=["ingest", "decide", "up", "connect", "retired", "history"],
)
def test_second_home_may_not(second: Settings, attempt: object) -> None:
    assert callable(attempt)

    with pytest.raises(FatalError, match="another home writes to this warehouse"):
        attempt(second)


def test_second_home_may_read(second: Settings) -> None:
    ran = encours(second, "status")

    assert ran.returncode == 0, ran.stderr


def test_home_that_was_moved_or_restored_goes_on(first: Settings, folder: Path) -> None:
    writes(first)
    moved = Settings(folder / "moved", warehouse_url=first.warehouse_url)
    shutil.rmtree(moved.home, ignore_errors=True)
    shutil.copytree(first.home, moved.home)

    writes(moved)

    assert steps.rows(moved, "select path from ops.home") == [(str(moved.home),)]


def test_warehouse_is_taken_over_and_the_former_home_is_refused(
    first: Settings, second: Settings
) -> None:
    ran = encours(second, "take-over")

    assert ran.returncode == 0, ran.stderr
    assert f"before: {first.home} on " in ran.stdout
    writes(second)
    with pytest.raises(FatalError, match=f"warehouse: {second.home} on "):
        writes(first)


def test_doctor_names_the_home_that_took_over(first: Settings, second: Settings) -> None:
    writes(first)
    before = examination.examine(Installation(first))["owner"]
    ownership.take_over(second)

    after = examination.examine(Installation(first))["owner"]

    assert before.state == State.OK
    assert after.state == State.FAIL
    assert f"{second.home} on " in after.says
    assert after.mend.endswith("encours take-over")


def test_embedded_warehouse_is_nobody_elses(folder: Path) -> None:
    with pytest.raises(BadInput, match="lies in its home"):
        ownership.take_over(Settings(folder / "embedded"))
