"""What happens in the life of one customer, as typed records.

Days are offsets (see days.py), amounts are whole cents of the currency named beside them, rates are
millionths. `None` stands for an empty optional column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

INVOICE = "invoice"
CREDIT_NOTE = "credit_note"
RECEIPT = "receipt"
REFUND = "refund"
POSTED = "posted"
DRAFT = "draft"
VOID = "void"


class Part(NamedTuple):
    """An instalment; a document without instalments has one part with number 0."""

    number: int
    due: int
    amount: int


class Document(NamedTuple):
    document_id: str
    kind: str
    number: str
    issue: int
    due: int | None
    currency: str
    gross: int
    net: int
    rate: int
    credited: str
    status: str
    unit: str
    channel: str
    parts: tuple[Part, ...]
    # True: allocations name the instalment; False: they leave it to "oldest due date first".
    names_parts: bool


class Payment(NamedTuple):
    payment_id: str
    kind: str
    day: int
    currency: str
    amount: int
    rate: int
    method: str
    reference: str


class Allocation(NamedTuple):
    allocation_id: str
    source_type: str
    source_id: str
    document_id: str
    part: int
    amount: int
    reversed_on: int | None
    # The later of the two dates: what the contract calls the day it takes effect.
    effective: int


class WriteOff(NamedTuple):
    write_off_id: str
    document_id: str
    part: int
    day: int
    amount: int
    reason: str


class Dispute(NamedTuple):
    dispute_id: str
    document_id: str
    amount: int | None
    opened: int
    closed: int | None
    reason: str


class Promise(NamedTuple):
    promise_id: str
    document_id: str
    amount: int
    promised: int
    recorded: int


class Case(NamedTuple):
    case_id: str
    document_id: str
    stage: str
    opened: int
    closed: int | None


class Action(NamedTuple):
    action_id: str
    document_id: str
    level: int
    channel: str
    automatic: bool
    day: int
    collector: str
    minutes: int
    cost: int


@dataclass(slots=True)
class Life:
    """Everything that one customer did, in the order in which it was thought of."""

    documents: list[Document] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    write_offs: list[WriteOff] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)


class Ids:
    """Running numbers, zero-padded so that their text order is their order."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = dict.fromkeys(("D", "P", "A", "W", "L", "M", "K", "R"), 0)

    def take(self, letter: str) -> str:
        number = self._last[letter] + 1
        self._last[letter] = number
        return letter + "%09d" % number  # noqa: UP031 (faster, and called five times per invoice)
