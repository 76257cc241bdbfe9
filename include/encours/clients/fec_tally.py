"""What is counted while a FEC is read, and the error that names the lines refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from encours.clients.fec_values import exact_sum
from encours.errors import BadInput

MOST_REFUSED = 100


@dataclass(frozen=True)
class FecWarning:
    """Something a person should look at; the file is loaded all the same."""

    code: str
    count: int
    first_line: int
    message: str
    column: str = ""


@dataclass(frozen=True)
class RefusedLine:
    """One line that cannot be used. `line_no` is the physical line, the header being line 1;
    in an XML file it is the line where the element starts."""

    line_no: int
    column: str
    reason: str
    value_excerpt: str = ""

    def __str__(self) -> str:
        column = f"{self.column}: " if self.column else ""
        value = f" '{self.value_excerpt}'" if self.value_excerpt else ""
        return f"{column}{self.reason}{value}"


class FecRefused(BadInput):
    """Lines of the file cannot be used, so nothing of it is loaded."""

    def __init__(self, name: str, refused: Sequence[RefusedLine], *, mend: str) -> None:
        self.refused = tuple(refused[:MOST_REFUSED])
        first = self.refused[0]
        others = len(self.refused) - 1
        more = ""
        if others:
            least = "at least " if len(self.refused) == MOST_REFUSED else ""
            more = f", and {least}{others} more"
        super().__init__(f"{first}{more}", where=f"{name}, line {first.line_no}", mend=mend)


def excerpt(value: str, longest: int = 40) -> str:
    """A value for a one-line message: control characters shown, long texts cut."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in value)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


@dataclass(frozen=True)
class FecSummary:
    """Totals of a whole file, as read."""

    line_count: int
    total_debit: Decimal
    total_credit: Decimal
    first_entry_date: date | None
    last_entry_date: date | None
    receivable_line_count: int
    warnings: tuple[FecWarning, ...]

    @property
    def balance(self) -> Decimal:
        return exact_sum(self.total_debit, self.total_credit.copy_negate())


@dataclass
class FecTally:
    """Mutable on purpose: handed to `read_fec`, complete once its last batch was taken."""

    line_count: int = 0
    total_debit: Decimal = Decimal(0)
    total_credit: Decimal = Decimal(0)
    first_entry_date: date | None = None
    last_entry_date: date | None = None
    receivable_line_count: int = 0
    _warnings: dict[tuple[str, str], FecWarning] = field(default_factory=dict)

    def warn(
        self, code: str, message: str, *, count: int, first_line: int, column: str = ""
    ) -> None:
        """Adds to the warning of this code and column; the first line seen stays."""
        known = self._warnings.get((code, column))
        if known:
            count, first_line = known.count + count, known.first_line
        self._warnings[code, column] = FecWarning(code, count, first_line, message, column)

    def saw_dates(self, first: date, last: date) -> None:
        self.first_entry_date = min(first, self.first_entry_date or first)
        self.last_entry_date = max(last, self.last_entry_date or last)

    def summary(self) -> FecSummary:
        return FecSummary(
            line_count=self.line_count,
            total_debit=self.total_debit,
            total_credit=self.total_credit,
            first_entry_date=self.first_entry_date,
            last_entry_date=self.last_entry_date,
            receivable_line_count=self.receivable_line_count,
            warnings=tuple(self._warnings.values()),
        )
