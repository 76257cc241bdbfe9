"""The inbox: what a person drops there is ingested without a command.

`<home>/inbox/` takes FEC files (*.txt, *.xml) and flat files: a folder that holds a `documents`
file, or such files in the inbox itself. What was ingested moves to `inbox/done/<run>`, what could
not be used to `inbox/refused/<run>` with the reason in `REASON.txt`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from encours.errors import EXIT_BAD_INPUT, BadInput, quoted
from encours.orchestration.failures import Failure
from encours.settings import Settings

DONE = "done"
REFUSED = "refused"
LEDGER_SUFFIXES = (".txt", ".xml")
TABLE_SUFFIXES = (".csv", ".parquet")


def waiting_inputs(settings: Settings, source: str) -> list[Path]:
    """What waits in the inbox for this source: FEC files, or one folder of flat files."""
    inbox = settings.inbox_dir
    if not inbox.is_dir():
        return []
    entries = [path for path in sorted(inbox.iterdir()) if not path.name.startswith(".")]
    if source == "fec":
        return [
            path for path in entries if path.is_file() and path.suffix.lower() in LEDGER_SUFFIXES
        ]
    folders = [
        path
        for path in entries
        if path.is_dir() and path.name not in (DONE, REFUSED) and _holds_documents(path)
    ]
    if folders:
        return folders[:1]
    return [inbox] if _holds_documents(inbox) else []


def announced_inputs(waiting: list[Path], extras: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Those that the trigger saw complete: another may still be on its way into the inbox.

    All of them where no event names any, as in a run that a person starts.
    """
    payloads = [extra.get("payload") or {} for extra in extras]
    named = {path for payload in payloads for path in payload.get("paths", ())}
    return [path for path in waiting if str(path) in named] if named else waiting


def check_inside(settings: Settings, inputs: Sequence[str | Path]) -> None:
    """BadInput where one of them does not lie in the inbox, as what waits there does."""
    inbox = settings.inbox_dir
    for path in map(Path, inputs):
        is_entry = path.parent == inbox and not path.name.startswith(".")
        if path != inbox and (not is_entry or path.name in (DONE, REFUSED)):
            raise BadInput(f"{quoted(str(path))} is not in the inbox", mend=f"copy it into {inbox}")


def clear(
    settings: Settings,
    inputs: Sequence[str | Path],
    run_id: str,
    *,
    is_loaded: bool,
    failure: Failure | None,
) -> None:
    """Take away what was ingested or cannot be; leave what failed for another reason (the
    database, the disk, a kill): it is as good as it was, and the next run takes it."""
    if is_loaded:
        move_away(settings, inputs, run_id)
    elif failure and failure.exit_status == EXIT_BAD_INPUT:
        move_away(settings, inputs, run_id, refused_because=failure.message)


def move_away(
    settings: Settings, inputs: Sequence[str | Path], run_id: str, refused_because: str = ""
) -> Path:
    """Take ingested or refused inputs out of the inbox. Returns where they are now."""
    inbox = settings.inbox_dir
    target = inbox / (REFUSED if refused_because else DONE) / run_id
    target.mkdir(parents=True, exist_ok=True)
    for path in map(Path, inputs):
        parts = _tables(path) if path == inbox else [path]
        for part in parts:
            if part.exists():
                shutil.move(part, target / part.name)
    if refused_because:
        (target / "REASON.txt").write_text(refused_because + "\n")
    return target


def fingerprint(paths: list[Path]) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times: two equal fingerprints in a row mean that the copy has ended."""
    found = []
    for path in paths:
        for part in _tables(path) if path.is_dir() else [path]:
            status = part.stat()
            found.append((str(part), status.st_size, status.st_mtime_ns))
    return tuple(found)


def _holds_documents(folder: Path) -> bool:
    return any(path.stem.lower() == "documents" for path in _tables(folder))


def _tables(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES
    ]
