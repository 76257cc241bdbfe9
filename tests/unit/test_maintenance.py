"""Housekeeping of folders and logs: what is beyond its days goes, what is needed stays."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from encours.errors import BadInput
from encours.orchestration import maintenance
from encours.orchestration.retention import Retention, read_retention
from encours.settings import Settings

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("ENCOURS_KEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENCOURS_KEEP_LANDING_DAYS", "10")
    monkeypatch.setenv("ENCOURS_KEEP_RUN_DAYS", "10")
    return Settings(home=tmp_path)


def make(folder: Path, days_old: float, *files: str) -> Path:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text("{}")
    moment = (NOW - timedelta(days=days_old)).timestamp()
    os.utime(folder, (moment, moment))
    return folder


def land(home: Settings, stream: str, run: str, days_old: float) -> Path:
    return make(home.landing_dir / stream / f"run={run}", days_old, "manifest.json")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_home_without_folders_needs_no_housekeeping(home: Settings) -> None:
    assert maintenance.delete_old_folders(home, NOW) == []


def test_run_folders_go_after_their_days(home: Settings) -> None:
    make(home.runs_dir / "young", 9)
    old = make(home.runs_dir / "old", 11)
    (home.runs_dir / "notes.txt").write_text("kept")

    assert maintenance.delete_old_folders(home, NOW) == [str(old)]
    assert left(home.runs_dir) == ["notes.txt", "young"]


def test_logs_of_tasks_go_after_their_days(home: Settings) -> None:
    logs = home.airflow_home / "logs"
    make(logs / "dag_id=ingest_fec" / "run_id=old", 11)
    make(logs / "dag_id=ingest_fec" / "run_id=young", 9)
    make(logs / "dag_processor" / "2026-01-01", 99)

    maintenance.delete_old_folders(home, NOW)

    assert left(logs / "dag_id=ingest_fec") == ["run_id=young"]
    assert left(logs) == ["dag_id=ingest_fec", "dag_processor"]


def test_newest_complete_landing_of_each_stream_stays_whatever_its_age(home: Settings) -> None:
    land(home, "fec/delivery", "1", 90)
    land(home, "fec/delivery", "2", 80)
    land(home, "files/delivery", "0", 99)
    land(home, "odoo/lyon", "1", 50)
    land(home, "odoo/lyon", "2", 3)

    maintenance.delete_old_folders(home, NOW)

    assert left(home.landing_dir / "fec/delivery") == ["run=2"]
    assert left(home.landing_dir / "files/delivery") == ["run=0"]
    assert left(home.landing_dir / "odoo/lyon") == ["run=2"]


def test_landing_that_was_cut_off_does_not_count_as_the_newest(home: Settings) -> None:
    land(home, "fec/delivery", "1", 90)
    make(home.landing_dir / "fec/delivery/run=2.partial", 2)
    make(home.landing_dir / "fec/delivery/run=3.partial", 0.1)

    maintenance.delete_old_folders(home, NOW)

    assert left(home.landing_dir / "fec/delivery") == ["run=1", "run=3.partial"]


def test_large_log_is_put_aside_and_goes_on_being_written(home: Settings) -> None:
    home.logs_dir.mkdir()
    path = home.logs_dir / "scheduler.log"
    (home.logs_dir / "small.log").write_text("few words")
    with open(path, "ab") as service:
        service.write(b"x" * 2000)
        service.flush()

        assert maintenance.trim_logs(home, limit=1000) == ["scheduler.log"]

        service.write(b"later\n")
    assert path.read_text() == "later\n"
    assert (home.logs_dir / "scheduler.log.1").stat().st_size == 2000


# --- retention ---------------------------------------------------------------------------------


def test_days_are_the_defaults_where_nothing_is_chosen() -> None:
    assert read_retention({}) == Retention(90, 60, 400, 90)


def test_days_are_those_that_the_installation_chose() -> None:
    chosen = {"ENCOURS_KEEP_LANDING_DAYS": "30", "ENCOURS_KEEP_HISTORY_DAYS": " 800 "}

    assert read_retention(chosen) == Retention(landing_days=30, history_days=800)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "99999999"])
def test_days_that_are_no_number_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"ENCOURS_KEEP_RUN_DAYS: .* is no number of days"):
        read_retention({"ENCOURS_KEEP_RUN_DAYS": text})
