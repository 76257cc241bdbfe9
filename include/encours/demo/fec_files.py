"""FEC files of the demo company: one per entity and fiscal year (article A47 A-1 of the LPF).

The 18 legal columns, then `EcheanceDate`, which the law does not know and many tools add. Entries
come customer by customer and leave in chronological order through sorted chunks on disk. Each year
after the first begins with detailed brought-forward lines: they keep piece, date and due date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self, TextIO

from encours.demo.companies import Entity
from encours.demo.control import ControlAccount
from encours.demo.customers import Customer
from encours.demo.events import Life
from encours.demo.fec_entries import (
    BANK,
    CASH,
    EXCHANGE_GAIN,
    EXCHANGE_LOSS,
    LOSS,
    RECEIVABLE,
    SALES,
    VARIOUS,
    VAT,
    Entry,
    customer_entries,
)
from encours.demo.lettering import UNMARKED, LedgerLine, LetteredYear, Mark, letter
from encours.demo.spool import Spools
from encours.demo.tables import money
from encours.demo.world import World

HEADER = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib",
    "CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit",
    "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise", "EcheanceDate",
)  # fmt: skip
_OPENING = "AN"
_JOURNALS = {
    _OPENING: "À-nouveaux",
    SALES: "Ventes",
    BANK: "Banque",
    VARIOUS: "Opérations diverses",
}
# Of one day: sales first, so that a payment never precedes its invoice.
_JOURNAL_RANKS = {SALES: 1, BANK: 2, VARIOUS: 3}
_RETAINED = "110000"
_ACCOUNTS = {
    RECEIVABLE: "Clients",
    "701000": "Ventes de produits finis",
    VAT: "TVA collectée",
    CASH: "Banque",
    LOSS: "Pertes sur créances irrécouvrables",
    EXCHANGE_LOSS: "Pertes de change",
    EXCHANGE_GAIN: "Gains de change",
    _RETAINED: "Report à nouveau",
}
# Stands between the lines of one entry in a spool; no label contains it.
_BREAK = "\x1f"
# day (8), journal rank (1), customer (7), entry (7)
_SORT_KEY_LENGTH = 23


def fec_file_name(siren: str, year: int, end: date) -> str:
    """The year in progress is closed at the end of the history, as an interim export is."""
    return f"{siren}FEC{min(date(year, 12, 31), end):%Y%m%d}.txt"


class FecBooks:
    """Takes the lives one by one, and writes the files at the end."""

    def __init__(self, world: World, out: Path) -> None:
        self._world = world
        self._out = out
        # What each year moved on each account, in cents, debit positive.
        self._moved: dict[tuple[str, int], defaultdict[str, int]] = {}

    def __enter__(self) -> Self:
        # Beside the result: it needs as much room, and the system's folder may be small.
        self._folder = TemporaryDirectory(prefix=".spool-", dir=self._out)
        self._spools = Spools(Path(self._folder.name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def add(self, customer: Customer, life: Life) -> None:
        entries = customer_entries(customer, life)
        lines = [line for entry in entries for line in entry.lines]
        next_entry, next_line = 0, 0
        for year in letter(lines, life, self._world.days):
            self._bring_forward(customer, year, lines)
            while next_entry < len(entries) and self._year(entries[next_entry]) == year.year:
                entry = entries[next_entry]
                marks = [
                    year.marks.get(next_line + place, UNMARKED) for place in range(len(entry.lines))
                ]
                self._spool(customer, next_entry, entry, marks)
                next_entry += 1
                next_line += len(entry.lines)

    def finish(self, control: ControlAccount) -> Mapping[str, int]:
        """Writes each file; the number of its lines below the header."""
        days = self._world.days
        end = date.fromisoformat(days.iso[days.end])
        counts = {}
        for entity in self._world.entities:
            balances: dict[str, int] = {}
            for year in range(days.year[days.start], end.year + 1):
                name = fec_file_name(entity.siren, year, end)
                with (self._out / name).open("w", encoding="utf-8", newline="") as stream:
                    stream.write("\t".join(HEADER) + "\n")
                    counts[name] = self._write_year(stream, entity, year, balances)
                balances = _carry_over(balances, self._moved.get((entity.entity_id, year), {}))
        return counts

    def _write_year(
        self, stream: TextIO, entity: Entity, year: int, balances: Mapping[str, int]
    ) -> int:
        written, number = 0, 0
        for tail in self._opening_lines(entity, year, balances):
            number = 1
            stream.write(f"{_OPENING}\t{_JOURNALS[_OPENING]}\t1\t{tail}\n")
            written += 1
        for spooled in self._spools.take((entity.entity_id, year, "entries")):
            journal, *tails = spooled[_SORT_KEY_LENGTH:].split(_BREAK)
            number += 1
            head = f"{journal}\t{_JOURNALS[journal]}\t{number}\t"
            stream.writelines([f"{head}{tail}\n" for tail in tails])
            written += len(tails)
        return written

    def _opening_lines(
        self, entity: Entity, year: int, balances: Mapping[str, int]
    ) -> Iterator[str]:
        """One balanced entry: the customers' lines in detail, the other accounts in one line."""
        for spooled in self._spools.take((entity.entity_id, year, "opening")):
            yield spooled[_SORT_KEY_LENGTH:]
        day = f"{year}0101"
        for account, balance in sorted(balances.items()):
            if balance and account != RECEIVABLE:
                yield _tail(day, account, "", "", f"AN{year}", day, "À-nouveau", balance)

    def _bring_forward(
        self, customer: Customer, year: LetteredYear, lines: list[LedgerLine]
    ) -> None:
        for place in year.brought_forward:
            line = lines[place]._replace(label=f"À-nouveau {lines[place].label}")
            mark = year.marks.get(place, UNMARKED)
            key = f"{year.year}01010{customer.index:07d}{place:07d}"
            tail = self._line_tail(f"{year.year}0101", customer, line, mark)
            self._spools.add((customer.entity.entity_id, year.year, "opening"), key + tail)

    def _spool(self, customer: Customer, place: int, entry: Entry, marks: list[Mark]) -> None:
        first = entry.lines[0]
        entity_id, year = customer.entity.entity_id, self._year(entry)
        moved = self._moved.setdefault((entity_id, year), defaultdict(int))
        day = self._world.days.compact[first.day]
        texts = [entry.journal]
        for line, mark in zip(entry.lines, marks, strict=True):
            texts.append(self._line_tail(day, customer, line, mark))
            moved[RECEIVABLE] += line.amount
        for account, amount in entry.counterparts:
            texts.append(_tail(day, account, "", "", first.piece, day, first.label, amount))
            moved[account] += amount
        rank = _JOURNAL_RANKS[entry.journal]
        key = f"{day}{rank}{customer.index:07d}{place:07d}"
        self._spools.add((entity_id, year, "entries"), key + _BREAK.join(texts))

    def _line_tail(self, day: str, customer: Customer, line: LedgerLine, mark: Mark) -> str:
        compact = self._world.days.compact
        tail = _tail(
            day,
            RECEIVABLE,
            customer.customer_id,
            customer.company.name,
            line.piece,
            compact[line.piece_day],
            line.label,
            line.amount,
            (mark.code, compact[mark.day] if mark.code else ""),
            "" if line.foreign_amount is None else _decimal(line.foreign_amount),
            "" if line.foreign_amount is None else line.currency,
        )
        return tail if line.due is None else tail + compact[line.due]

    def _year(self, entry: Entry) -> int:
        return self._world.days.year[entry.lines[0].day]


def _carry_over(balances: Mapping[str, int], moved: Mapping[str, int]) -> dict[str, int]:
    """Balances after closing: income and expenses go to retained earnings."""
    closed: defaultdict[str, int] = defaultdict(int, balances)
    for account, amount in moved.items():
        closed[_RETAINED if account[0] in "67" else account] += amount
    return dict(closed)


def _tail(
    day: str,
    account: str,
    auxiliary: str,
    auxiliary_name: str,
    piece: str,
    piece_day: str,
    label: str,
    amount: int,
    lettering: tuple[str, str] = ("", ""),
    foreign_amount: str = "",
    currency: str = "",
) -> str:
    """The columns from EcritureDate on, with an empty due date; an entry is validated at once."""
    debit, credit = (amount, 0) if amount > 0 else (0, -amount)
    return "\t".join(
        (
            day, account, _ACCOUNTS[account], auxiliary, auxiliary_name, piece, piece_day, label,
            _decimal(debit), _decimal(credit), *lettering, day, foreign_amount, currency, "",
        )
    )  # fmt: skip


def _decimal(cents: int) -> str:
    """The decimal comma of the FEC."""
    return money(cents).replace(".", ",")
