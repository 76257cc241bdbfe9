"""Periods whose ledger a connection wants exported, instead of reading its documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from encours.clients.api import Access
from encours.errors import FatalError

OPTION = "fec_periods"


@dataclass(frozen=True)
class Period:
    """Both days are part of it; `last` is the closing date that the FEC is named by."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"


def fec_periods(access: Access) -> tuple[Period, ...]:
    """`2025-01-01/2025-12-31 2026-01-01/2026-12-31`, none where the option is absent. FatalError
    where it cannot be read or two of them overlap."""
    text = access.options.get(OPTION, "")
    try:
        days = [tuple(map(date.fromisoformat, part.split("/"))) for part in text.split()]
        periods = tuple(Period(first, last) for first, last in days)
    except ValueError:
        raise _wrong(access, "is no list of periods") from None
    in_order = sorted(periods, key=lambda period: period.first)
    if any(period.first > period.last for period in periods):
        raise _wrong(access, "has a period that ends before it begins")
    if any(one.last >= other.first for one, other in pairwise(in_order)):
        raise _wrong(access, "has periods that overlap")
    return tuple(in_order)


def _wrong(access: Access, what: str) -> FatalError:
    return FatalError(
        f"{access.connection_id}: {OPTION} in the connection's extra {what}"
        " (write 2025-01-01/2025-12-31 2026-01-01/2026-12-31)"
    )
