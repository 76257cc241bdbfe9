"""Lettering of one customer's ledger lines, year by year, as an accountant would leave it.

Lines that settle each other completely get a code in capitals and are not brought forward. Lines
matched in part get one in small letters (a usual mark; the law names none) and are brought forward
like those without a code. A reversed match letters nothing: by the time the file is exported, the
code of a bounced payment has been taken off again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from encours.demo.days import Days
from encours.demo.events import Life


class LedgerLine(NamedTuple):
    """A line on the receivable account; cents, debit positive. `key` is the item it belongs to."""

    day: int
    key: str
    piece: str
    piece_day: int
    due: int | None
    amount: int
    label: str
    foreign_amount: int | None
    currency: str


class Mark(NamedTuple):
    code: str
    day: int


UNMARKED = Mark("", -1)


class LetteredYear(NamedTuple):
    """The lines of one fiscal year by their place in the customer's list, with their marks."""

    year: int
    brought_forward: list[int]
    marks: dict[int, Mark]


def letter(lines: list[LedgerLine], life: Life, days: Days) -> Iterator[LetteredYear]:
    """Each fiscal year of the history in turn; `lines` are in date order."""
    groups = _Groups()
    matches = sorted(
        (a.effective, a.source_id, a.document_id) for a in life.allocations if a.reversed_on is None
    )
    carried: list[int] = []
    next_line, next_match, opening = 0, 0, days.start
    for year in range(days.year[days.start], days.year[days.end] + 1):
        present = list(carried)
        while next_line < len(lines) and days.year[lines[next_line].day] == year:
            present.append(next_line)
            next_line += 1
        while next_match < len(matches) and days.year[matches[next_match][0]] == year:
            groups.join(matches[next_match][1], matches[next_match][2])
            next_match += 1
        marks, left = _mark(lines, present, groups, opening)
        yield LetteredYear(year, carried, marks)
        carried = left
        while opening < days.end and days.year[opening] == year:
            opening += 1


def _mark(
    lines: list[LedgerLine], present: list[int], groups: _Groups, opening: int
) -> tuple[dict[int, Mark], list[int]]:
    """Marks of the year, and the lines that it leaves to the next one."""
    members: dict[str, list[int]] = {}
    for place in present:
        members.setdefault(groups.root(lines[place].key), []).append(place)
    marks: dict[int, Mark] = {}
    left: list[int] = []
    codes = 0
    for places in members.values():
        amounts = [lines[place].amount for place in places]
        balanced = sum(amounts) == 0
        if not balanced:
            left.extend(places)
        if balanced or min(amounts) < 0 < max(amounts):
            code = _code(codes)
            day = max(opening, *(lines[place].day for place in places))
            mark = Mark(code if balanced else code.lower(), day)
            marks.update(dict.fromkeys(places, mark))
            codes += 1
    return marks, sorted(left)


def _code(number: int) -> str:
    """AAA, AAB, ...: unique in the year of a customer, whatever the case."""
    letters = ""
    while number or len(letters) < 3:
        number, rest = divmod(number, 26)
        letters = chr(65 + rest) + letters
    return letters


class _Groups:
    """Items that settle each other, directly or through others (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, key: str) -> str:
        parent = self._parent
        top = key
        while (above := parent.get(top, top)) != top:
            top = above
        while key != top:
            parent[key], key = top, parent.get(key, key)
        return top

    def join(self, one: str, other: str) -> None:
        a, b = self.root(one), self.root(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)
