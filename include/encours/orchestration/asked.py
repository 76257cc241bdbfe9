"""What a person asks of a run, read and checked: arguments of a command, the conf of a DAG.

Whoever may trigger a DAG may write anything into its conf, so nothing of it is used that did not
pass here. BadInput says in one line which value cannot be used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from encours.errors import BadInput, quoted
from encours.orchestration.run_ids import checked_run_id, new_run_id

Conf = Mapping[str, Any]


def run_id(conf: Conf) -> str:
    """The run that is named, else a new one."""
    named = conf.get("run_id")
    return new_run_id() if named is None else checked_run_id(named)


def flag(conf: Conf, name: str) -> bool:
    """`"false"` is a text, and would count as true."""
    value = conf.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"{name} {quoted(value)} is neither true nor false")
    return bool(value)


def texts(conf: Conf, name: str) -> list[str]:
    """A list of texts; none where it is left out."""
    value = conf.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise BadInput(f"{name} {quoted(value)} is no list of texts", mend=f'"{name}": ["..."]')
    return value


def connections(conf: Conf, known: Collection[str]) -> list[str]:
    """Those of a source that are named, else all that are known of it."""
    named = texts(conf, "connections")
    for name in named:
        if name not in known:
            raise BadInput(
                f"{quoted(name)} is no connection of this source",
                mend=f"one of {', '.join(known)}" if known else "encours connect",
            )
    return named or list(known)


def day(value: object, name: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(_text(value))
    except ValueError as error:
        raise BadInput(f"{name} {quoted(value)} is not a date", mend="write YYYY-MM-DD") from error


def moment(value: object, name: str) -> datetime | None:
    """Without an offset, on the clock of this machine."""
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(_text(value))
        return read if read.tzinfo else read.astimezone()
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{name} {quoted(value)} is not a timestamp", mend="write 2026-01-05T18:00:00+01:00"
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value
