"""What the doctor looks at, and what it says of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import psycopg

from encours.settings import Settings, project_root


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's: what is there, and how to mend it where it is not as it should."""

    state: State
    says: str
    mend: str = ""


@dataclass(frozen=True)
class Installation:
    """What is examined. `root` is the checkout, `environment` the variables, which may hold
    secrets; `now` is the machine's moment, which no figure rests on."""

    settings: Settings
    root: Path = field(default_factory=project_root)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Check:
    """A question about the machine and the home."""

    name: str
    look: Callable[[Installation], Finding]


@dataclass(frozen=True)
class DatabaseCheck:
    """A question about a database, asked on a connection that can only read."""

    name: str
    look: Callable[[Installation, psycopg.Connection], Finding]


def ok(says: str) -> Finding:
    return Finding(State.OK, says)


def warn(says: str, mend: str) -> Finding:
    return Finding(State.WARN, says, mend)


def fail(says: str, mend: str) -> Finding:
    return Finding(State.FAIL, says, mend)


def not_applicable(says: str) -> Finding:
    return Finding(State.NOT_APPLICABLE, says)


def some(names: list[str], shown: int = 3) -> str:
    """The first few of a list, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
