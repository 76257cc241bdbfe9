"""The ledger of the stand-in of Pennylane: its lines, what they are lettered with, and its FEC.

Every customer has an account of its own, as in Pennylane. Where the specification is silent: an
entry is booked with what it is about, a lettering has all lines that hang together, also where
they leave a rest, and changing it changes all of them; the FEC is a text of 18 columns with tabs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from encours.sandbox.books import World
from encours.sandbox.ledger_entries import (
    ACCOUNTS,
    JOURNALS,
    RECEIVABLE,
    LedgerEntry,
    Movement,
    gone_entries,
    ledger_entries,
    letterings,
    touched_at,
)
from encours.sandbox.pennylane_values import HOST, identifier, moment, money

FEC_COLUMNS: tuple[str, ...] = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)


@dataclass(frozen=True)
class LedgerLine:
    entry: LedgerEntry
    place: int
    touched_at: datetime
    lettered: tuple[int, ...] = ()

    @property
    def id(self) -> int:
        return identifier("ledger_line", f"{_name(self.entry)} {self.place}")

    @property
    def movement(self) -> Movement:
        return self.entry.movements[self.place]

    def as_item(self) -> dict[str, Any]:
        movement, entry = self.movement, self.entry
        account = account_id(movement)
        journal = identifier("journal", entry.journal)
        return {
            "id": self.id,
            "debit": money(max(movement.amount, Decimal(0))),
            "credit": money(max(-movement.amount, Decimal(0))),
            "label": f"{JOURNALS[entry.journal]} {entry.number}",
            "categories": [],
            "ledger_account": {
                "id": account,
                "number": account_number(movement),
                "url": f"{HOST}/ledger_accounts/{account}",
            },
            "journal": {"id": journal, "url": f"{HOST}/journals/{journal}"},
            "date": entry.day.isoformat(),
            "ledger_entry": {"id": entry_id(entry.movements[0].item)},
            "lettered_ledger_entry_lines": {
                "ids": list(self.lettered),
                "url": f"{HOST}/ledger_entry_lines/{self.id}/lettered_ledger_entry_lines",
            },
            "created_at": moment(entry.booked_at),
            "updated_at": moment(self.touched_at),
        }


class PennylaneLedger:
    """The lines, made when they are first asked for after the books changed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._of: tuple[object, ...] = ()
        self._lines: dict[int, LedgerLine] = {}

    def lines(self) -> Mapping[int, LedgerLine]:
        world = self._world
        books = (world.documents, world.payments, world.allocations, world.write_offs)
        # The rows of a world are the same object until one of them changes.
        if len(self._of) != len(books) or any(
            a is not b for a, b in zip(self._of, books, strict=True)
        ):
            self._of, self._lines = books, {line.id: line for line in _lines(world)}
        return self._lines

    def gone(self) -> Iterator[tuple[LedgerLine, datetime]]:
        """Lines that are no longer in the books, and when they went."""
        for entry, at in gone_entries(self._world):
            for place in range(len(entry.movements)):
                yield LedgerLine(entry, place, at), at

    def fec(self, first: date, last: date) -> bytes:
        """The entries of a period."""
        lettered, world = letterings(self._world), self._world
        codes = {name: f"L{place}" for place, name in enumerate(sorted({*lettered.values()}))}
        names = {row.customer_id: row.customer_name for row in world.customers}
        entries = sorted(
            (entry for entry in ledger_entries(world) if first <= entry.day <= last),
            key=lambda entry: (entry.day, entry.journal, entry.number),
        )
        rows = [FEC_COLUMNS]
        for number, entry in enumerate(entries, start=1):
            for movement in entry.movements:
                code = codes.get(lettered.get(movement.item, ""), "")
                rows.append(_fec_row(number, entry, movement, names, code))
        return "".join("\t".join(row) + "\r\n" for row in rows).encode()


def entry_id(item: str) -> int:
    """Of the entry of a document, payment or write-off."""
    return identifier("ledger_entry", item)


def account_number(movement: Movement) -> str:
    return f"411{movement.customer}" if movement.account == RECEIVABLE else movement.account


def account_id(movement: Movement) -> int:
    return identifier("ledger_account", movement.customer or movement.account)


def _name(entry: LedgerEntry) -> str:
    return entry.movements[0].item


def _lines(world: World) -> Iterator[LedgerLine]:
    entries = list(ledger_entries(world))
    lettered, touched = letterings(world), touched_at(world)
    groups: dict[str, list[int]] = {}
    for entry in entries:
        for place, movement in enumerate(entry.movements):
            if movement.item in lettered:
                line = LedgerLine(entry, place, entry.booked_at)
                groups.setdefault(lettered[movement.item], []).append(line.id)
    for entry in entries:
        at = touched[_name(entry)]
        for place, movement in enumerate(entry.movements):
            members = groups.get(lettered.get(movement.item, ""), [])
            yield LedgerLine(entry, place, at, tuple(members) if len(members) > 1 else ())


def _fec_row(
    number: int, entry: LedgerEntry, movement: Movement, names: Mapping[str, str], code: str
) -> tuple[str, ...]:
    customer = movement.customer
    day = f"{entry.day:%Y%m%d}"
    return (
        entry.journal,
        JOURNALS[entry.journal],
        str(number),
        day,
        movement.account,
        ACCOUNTS[movement.account],
        customer,
        names.get(customer, ""),
        entry.number,
        day,
        f"{JOURNALS[entry.journal]} {entry.number}",
        _decimal(max(movement.amount, Decimal(0))),
        _decimal(max(-movement.amount, Decimal(0))),
        code,
        "",
        day,
        "",
        "",
    )


def _decimal(amount: Decimal) -> str:
    return money(amount).replace(".", ",")
