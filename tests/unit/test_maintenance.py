"""Housekeeping of folders: the newest stay, source by source."""

from __future__ import annotations

from pathlib import Path

import pytest

from encours.orchestration import maintenance
from encours.settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(maintenance, "KEPT_RUN_FOLDERS", 2)
    monkeypatch.setattr(maintenance, "KEPT_LANDINGS_PER_SOURCE", 2)
    return Settings(home=tmp_path)


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "content").write_text(name)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_home_without_folders_needs_no_housekeeping(home: Settings) -> None:
    assert maintenance.delete_old_folders(home) == []


def test_newest_run_folders_stay(home: Settings) -> None:
    fill(home.runs_dir, "20240101T000000-a", "20240301T000000-c", "20240201T000000-b")

    deleted = maintenance.delete_old_folders(home)

    assert deleted == [str(home.runs_dir / "20240101T000000-a")]
    assert left(home.runs_dir) == ["20240201T000000-b", "20240301T000000-c"]


def test_landings_are_counted_for_each_source_by_itself(home: Settings) -> None:
    fill(home.landing_dir / "fec/delivery", "run=1", "run=2", "run=3")
    fill(home.landing_dir / "files/delivery", "run=0")

    maintenance.delete_old_folders(home)

    assert left(home.landing_dir / "fec/delivery") == ["run=2", "run=3"]
    assert left(home.landing_dir / "files/delivery") == ["run=0"]


def test_files_beside_the_folders_are_left_alone(home: Settings) -> None:
    fill(home.runs_dir, "1", "2", "3")
    (home.runs_dir / "0-notes.txt").write_text("kept")

    maintenance.delete_old_folders(home)

    assert left(home.runs_dir) == ["0-notes.txt", "2", "3"]
