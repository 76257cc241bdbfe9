"""The days of the demo company: working days, month ends and payment runs, as lookup tables.

A day is an offset from `origin`; the tables cover the history and the due dates beyond its end, so
that the generator does no date arithmetic per invoice.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

# Before the first month: exchange rates need a rate that can be carried forward to day one.
_LEAD_DAYS = 15
# Due dates, instalments and the longest delays stay below this.
_TAIL_DAYS = 1000

# Invoices issued per working day, relative: August is empty, the year ends busy.
_MONTH_WEIGHT = (95, 95, 108, 98, 92, 106, 100, 55, 104, 108, 106, 128)


@dataclass(frozen=True)
class Days:
    """Lookup tables by day offset. `start` and `end` bound the history, both included."""

    origin: date
    start: int
    end: int
    iso: list[str]
    compact: list[str]
    year: list[int]
    month_index: list[int]
    month_end: list[int]
    next_working: list[int]
    payment_runs: tuple[list[int], ...]
    target_days: list[bool]

    def offset(self, day: date) -> int:
        return day.toordinal() - self.origin.toordinal()

    def control_days(self) -> list[int]:
        """Month ends of the history, then its last day."""
        ends = sorted({self.month_end[d] for d in range(self.start, self.end + 1)})
        return [d for d in ends if d < self.end] + [self.end]


def first_day(end: date, months: int) -> date:
    """The first day of a history of so many calendar months, the month of `end` included."""
    index = end.year * 12 + end.month - months
    return date(index // 12, index % 12 + 1, 1)


def build_days(end: date, months: int) -> Days:
    """The tables for `months` calendar months up to `end`."""
    start = first_day(end, months)
    origin = start - timedelta(days=_LEAD_DAYS)
    length = (end - origin).days + _TAIL_DAYS
    dates = [origin + timedelta(days=n) for n in range(length)]
    closed = {day for year in {d.year for d in dates} for day in french_holidays(year)}
    no_target = {day for year in {d.year for d in dates} for day in target_closing_days(year)}
    working = [d.weekday() < 5 and d not in closed for d in dates]
    first_month = start.year * 12 + start.month
    return Days(
        origin=origin,
        start=_LEAD_DAYS,
        end=(end - origin).days,
        iso=[d.isoformat() for d in dates],
        compact=[d.strftime("%Y%m%d") for d in dates],
        year=[d.year for d in dates],
        month_index=[max(0, d.year * 12 + d.month - first_month) for d in dates],
        month_end=[n + monthrange(d.year, d.month)[1] - d.day for n, d in enumerate(dates)],
        next_working=_next_day(working),
        payment_runs=_payment_runs(dates, working),
        target_days=[d.weekday() < 5 and d not in no_target for d in dates],
    )


def issue_slots(days: Days) -> list[int]:
    """Working days of the history, repeated by weight: a uniform draw gives the season.

    Sales grow by 6 % a year, and the last days of a month carry more invoices.
    """
    slots: list[int] = []
    for day in range(days.start, days.end + 1):
        if days.next_working[day] != day:
            continue
        when = days.origin + timedelta(days=day)
        weight = _MONTH_WEIGHT[when.month - 1] * (100 + 6 * (day - days.start) // 365)
        if days.month_end[day] - day < 3:
            weight *= 2
        slots.extend([day] * (weight // 400))
    # A history of a few closed days (one month ended on its first, a holiday) still has a day.
    return slots or [days.end]


def _next_day(wanted: list[bool]) -> list[int]:
    """For each day, itself or the next wanted one (the last days, beyond use, map to the end)."""
    table = [0] * len(wanted)
    following = len(wanted) - 1
    for day in range(len(wanted) - 1, -1, -1):
        if wanted[day]:
            following = day
        table[day] = following
    return table


def _payment_runs(dates: list[date], working: list[bool]) -> tuple[list[int], ...]:
    """Any working day; each Tuesday; each Thursday; the 10th and 25th; the end of the month."""
    next_working = _next_day(working)

    def on(wanted: list[bool]) -> list[int]:
        # A run that falls on a holiday is executed on the next working day.
        return [next_working[day] for day in _next_day(wanted)]

    return (
        next_working,
        on([d.weekday() == 1 for d in dates]),
        on([d.weekday() == 3 for d in dates]),
        on([d.day in (10, 25) for d in dates]),
        on([d.day == monthrange(d.year, d.month)[1] for d in dates]),
    )


def easter(year: int) -> date:
    """Easter Sunday, Gregorian calendar (Gauss, with Lichtenberg's two corrections)."""
    century = year // 100
    moon = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    sun = 2 - (3 * century + 3) // 4
    cycle = year % 19
    age = (19 * cycle + moon) % 30
    correction = (age + cycle // 11) // 29
    limit = 21 + age - correction
    first_sunday = 7 - (year + year // 4 + sun) % 7
    march_day = limit + 7 - (limit - first_sunday) % 7
    return date(year, 3, 1) + timedelta(days=march_day - 1)


def french_holidays(year: int) -> tuple[date, ...]:
    """Public holidays of mainland France (Code du travail, article L3133-1)."""
    sunday = easter(year)
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    moving = (sunday + timedelta(days=n) for n in (1, 39, 50))
    return (*(date(year, month, day) for month, day in fixed), *moving)


def target_closing_days(year: int) -> tuple[date, ...]:
    """Weekdays without a reference rate: the closing days of TARGET."""
    sunday = easter(year)
    fixed = ((1, 1), (5, 1), (12, 25), (12, 26))
    moving = (sunday + timedelta(days=n) for n in (-2, 1))
    return (*(date(year, month, day) for month, day in fixed), *moving)
