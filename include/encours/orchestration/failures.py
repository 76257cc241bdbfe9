"""Why a run failed, kept in its folder: the one line for a person and the exit status."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import asdict, dataclass

import psycopg

from encours.errors import EXIT_FAILED, EncoursError, FatalError, RetryableError
from encours.settings import Settings

log = logging.getLogger(__name__)
FILE = "failure.json"


@dataclass(frozen=True)
class Failure:
    kind: str
    message: str
    exit_status: int


def database_failure(error: psycopg.Error) -> Exception:
    """One line for a database that failed in the middle of a step, which left nothing behind; the
    error itself where it is not the database's."""
    if isinstance(error, psycopg.errors.DiskFull):
        return FatalError("the disk of the database is full: free some space and run again")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return FatalError(
            "the database takes no writes: it is a standby or was made read-only; name the primary,"
            " or let it write, and run again"
        )
    if isinstance(error, psycopg.OperationalError):
        return RetryableError("the database went away: run again")
    return error


def told(error: Exception) -> Exception:
    """What happened in words for a person, where a fault of the machine is known by its kind."""
    if isinstance(error, psycopg.Error):
        return database_failure(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" of {error.filename}" if error.filename else ""
        return FatalError(f"the disk{place} is full: free some space and run again")
    return error


def keep_failure(settings: Settings, run_id: str, error: Exception) -> None:
    status = error.exit_status if isinstance(error, EncoursError) else EXIT_FAILED
    folder = settings.runs_dir / run_id
    message = str(error) or type(error).__name__
    try:
        folder.mkdir(parents=True, exist_ok=True)
        failure = Failure(type(error).__name__, " ".join(message.split()), status)
        (folder / FILE).write_text(json.dumps(asdict(failure)))
    except OSError:
        # The disk may be what failed; the error itself is raised by the caller all the same.
        log.warning("run %s: the failure could not be written to %s", run_id, folder)


def read_failure(settings: Settings, run_id: str) -> Failure | None:
    path = settings.runs_dir / run_id / FILE
    if not path.exists():
        return None
    return Failure(**json.loads(path.read_text()))


def forget_failure(settings: Settings, run_id: str) -> None:
    (settings.runs_dir / run_id / FILE).unlink(missing_ok=True)
