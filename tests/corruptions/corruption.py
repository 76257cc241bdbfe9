"""What a row of the catalogue is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from corruptions.good_books import Books
from corruptions.model_attempts import ModelEdit


@dataclass(frozen=True)
class Delivered:
    """A corruption of the rows that one company delivers. `caught_by` is the check (`table.check`,
    or the name of a test) that must hold the publication; `why` says what would happen else.

    The company has control totals of its ledger only where `has_control_totals`: most corruptions
    have to be found without them.
    """

    corrupt: Callable[[Books], None]
    caught_by: str
    why: str
    has_control_totals: bool = False

    @property
    def name(self) -> str:
        return self.corrupt.__name__


@dataclass(frozen=True)
class Made:
    """A corruption of what the warehouse makes: of raw rows after they were loaded (`raw`, SQL), of
    models (`edits`), or of time (`later_by`: nothing was delivered since)."""

    name: str
    caught_by: str
    why: str
    edits: tuple[ModelEdit, ...] = ()
    raw: str = ""
    later_by: timedelta = field(default=timedelta(0))
