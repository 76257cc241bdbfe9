"""Housekeeping of a home: retired marts, old folders, vacuum."""

from __future__ import annotations

import shutil
from pathlib import Path

from encours.settings import Settings
from encours.warehouse import publication
from encours.warehouse.connections import connect, open_warehouse

KEPT_RUN_FOLDERS = 200
KEPT_LANDINGS_PER_SOURCE = 30


def drop_retired_marts(settings: Settings) -> list[str]:
    with connect(open_warehouse(settings).pipeline_url) as connection:
        return publication.drop_retired(connection)


def delete_old_folders(settings: Settings) -> list[str]:
    """Delete run and landing folders beyond the newest ones; their names sort by time."""
    deleted = _keep_newest(settings.runs_dir, KEPT_RUN_FOLDERS)
    for stream in sorted(settings.landing_dir.glob("*/*")):
        deleted.extend(_keep_newest(stream, KEPT_LANDINGS_PER_SOURCE))
    return deleted


def vacuum(settings: Settings) -> None:
    with connect(open_warehouse(settings).pipeline_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")


def _keep_newest(folder: Path, count: int) -> list[str]:
    if not folder.is_dir():
        return []
    old = sorted(path for path in folder.iterdir() if path.is_dir())[:-count]
    for path in old:
        shutil.rmtree(path)
    return [str(path) for path in old]
