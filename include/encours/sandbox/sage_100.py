"""Stand-in of a Sage 100 database: the tables that public programs agree on, apis.md section 5.3.

A document is an entry in the sales journal with a line on 411 for each instalment, a payment one in
the bank's journal, a write-off one in that of miscellaneous entries; a draft or a void document is
in no ledger. What is set off is lettered: everything that hangs together by allocations has one
code, in small letters where it does not add up. Amounts are in the company's currency.

SQLite has no decimals: amounts are the text of a numeric(24,6), moments that of a datetime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zlib import crc32

from starlette.routing import BaseRoute

from encours.sandbox.books import World
from encours.sandbox.databases import Table
from encours.sandbox.desk import Desk
from encours.sandbox.rows import Allocation, Customer, Document, Instalment, Payment, WriteOff

_CENT = Decimal("0.01")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODES = len(_LETTERS) ** 3
_EMPTY_DATE = "1753-01-01 00:00:00.000000"
_METHODS = {"transfer": 1, "direct_debit": 2, "cheque": 3, "card": 4, "bill": 5}
_SUPPLIER = "FOURNISSEUR"

_TABLES: Mapping[str, Mapping[str, str]] = {
    "P_DOSSIER": {"D_RaisonSoc": "text", "D_Siret": "text"},
    "F_COMPTET": {
        "CT_Num": "text",
        "CT_Type": "integer",
        "CT_Intitule": "text",
        "CT_Siret": "text",
        "CT_Identifiant": "text",
        "cbModification": "text",
    },
    "F_ECRITUREC": {
        "EC_No": "integer",
        "JO_Num": "text",
        "JM_Date": "text",
        "EC_Jour": "integer",
        "EC_Piece": "text",
        "EC_RefPiece": "text",
        "CG_Num": "text",
        "CT_Num": "text",
        "EC_Intitule": "text",
        "EC_Echeance": "text",
        "EC_Sens": "integer",
        "EC_Montant": "text",
        "EC_Lettre": "integer",
        "EC_Lettrage": "text",
        "EC_ANType": "integer",
        "N_Reglement": "integer",
        "cbModification": "text",
    },
    "F_CREGLEMENT": {
        "RG_No": "integer",
        "CT_NumPayeur": "text",
        "RG_Date": "text",
        "RG_Montant": "text",
        "RG_Type": "integer",
        "cbModification": "text",
    },
}


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    """None: the desk gives out the address of a file."""
    desk.usual_fields = {
        "unknown_value": "*.EC_Sens",
        "other_type": "*.JM_Date",
        "missing_field": "*.EC_Echeance",
        "new_field": "*.EC_Nouveau",
    }
    makers = {
        "P_DOSSIER": lambda: _companies(desk),
        "F_COMPTET": lambda: _third_parties(world),
        "F_ECRITUREC": lambda: _Ledger(world).rows(),
        "F_CREGLEMENT": lambda: _receipts(world),
    }
    desk.tables = lambda: [Table(name, _TABLES[name], maker) for name, maker in makers.items()]
    return []


def _companies(desk: Desk) -> list[dict[str, Any]]:
    company = desk.company()
    return [
        {
            "D_RaisonSoc": company.entity_name or company.entity_id,
            "D_Siret": _siret(company.siren),
        }
    ]


def _third_parties(world: World) -> list[dict[str, Any]]:
    supplier = Customer(customer_id=_SUPPLIER, customer_name="Un fournisseur")
    return [
        {
            "CT_Num": row.customer_id,
            "CT_Type": 1 if row is supplier else 0,
            "CT_Intitule": row.customer_name,
            "CT_Siret": _siret(row.siren),
            "CT_Identifiant": row.vat_number,
            "cbModification": _moment(row.updated_at),
        }
        for row in (supplier, *world.customers)
    ]


def _receipts(world: World) -> list[dict[str, Any]]:
    return [
        {
            "RG_No": _number("receipt", payment.payment_id),
            "CT_NumPayeur": payment.customer_id,
            "RG_Date": _day(payment.payment_date),
            "RG_Montant": _amount(_company(payment.amount, payment)),
            "RG_Type": 0,
            "cbModification": _moment(payment.updated_at),
        }
        for payment in world.payments
        if payment.payment_type == "receipt"
    ]


# ---------------------------------------------------------------------- the ledger


# What is lettered: a document's instalment (0 for one without), a payment, a write-off.
_Node = tuple[str, str, int]


@dataclass
class _Line:
    """A line on 411; `amount` is positive for a debit."""

    node: _Node
    row: Document | Payment | WriteOff
    customer_id: str
    amount: Decimal
    due_date: date | None
    touched_at: datetime


class _Ledger:
    """The lines of all entries, built once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lines = {line.node: line for line in self._receivable_lines()}
        self._parents: dict[_Node, _Node] = {}
        for allocation in world.allocations:
            if world.is_in_force(allocation):
                self._join(_Nodes(world, self._lines).of(allocation))
        for write_off in world.write_offs:
            document = ("document", write_off.document_id, write_off.instalment_no or 0)
            self._join([("write_off", write_off.write_off_id, 0), document])
        self._groups: dict[_Node, list[_Line]] = {}
        for node, line in self._lines.items():
            if node in self._parents:
                self._groups.setdefault(self._root(node), []).append(line)
        self._codes = self._lettering()

    def rows(self) -> list[dict[str, Any]]:
        rows = [row for line in self._lines.values() for row in self._rows_of(line)]
        rows += self._purchase()
        taken: set[int] = set()
        for row in rows:
            while row["EC_No"] in taken:
                row["EC_No"] += 1
            taken.add(row["EC_No"])
        return rows

    # ------------------------------------------------------------------ what stands on 411

    def _receivable_lines(self) -> Iterator[_Line]:
        world = self._world
        for document in world.documents:
            if document.status != "posted":
                continue
            sign = 1 if document.document_type == "invoice" else -1
            whole: list[tuple[int, date | None, Decimal]] = [
                (0, document.due_date, document.amount_incl_tax)
            ]
            parts = world.where(Instalment, document_id=document.document_id)
            for number, due_date, amount in [
                (part.instalment_no, part.due_date, part.amount) for part in parts
            ] or whole:
                yield _Line(
                    ("document", document.document_id, number),
                    document,
                    document.customer_id,
                    sign * _company(amount, document),
                    due_date,
                    world.touched_at(document),
                )
        for payment in world.payments:
            sign = 1 if payment.payment_type == "refund" else -1
            yield _Line(
                ("payment", payment.payment_id, 0),
                payment,
                payment.customer_id,
                sign * _company(payment.amount, payment),
                None,
                self._touched(payment),
            )
        for write_off in world.write_offs:
            document = world.get(Document, write_off.document_id)
            yield _Line(
                ("write_off", write_off.write_off_id, 0),
                write_off,
                document.customer_id,
                -_company(write_off.amount, document),
                None,
                write_off.updated_at,
            )

    def _touched(self, payment: Payment) -> datetime:
        """When the payment or what it settles last changed."""
        world = self._world
        used = world.where(Allocation, source_type="payment", source_id=payment.payment_id)
        given_back = world.where(Allocation, document_id=payment.payment_id)
        gone = [
            tombstone.deleted_at
            for tombstone in world.tombstones(Allocation)
            if isinstance(tombstone.row, Allocation)
            and payment.payment_id in (tombstone.row.source_id, tombstone.row.document_id)
        ]
        return max([payment.updated_at, *(row.updated_at for row in (*used, *given_back)), *gone])

    # ------------------------------------------------------------------ lettering

    def _join(self, nodes: Sequence[_Node]) -> None:
        known = [node for node in nodes if node in self._lines]
        if len(known) > 1:
            first = self._root(known[0])
            for node in known[1:]:
                self._parents[self._root(node)] = first

    def _root(self, node: _Node) -> _Node:
        parent = self._parents.setdefault(node, node)
        return node if parent == node else self._root(parent)

    def _lettering(self) -> dict[_Node, tuple[str, datetime]]:
        """Of each lettered line its code, one of 17576 of its customer, and when its group last
        changed: whoever letters writes all lines of the group."""
        told: dict[_Node, tuple[str, datetime]] = {}
        taken: set[tuple[str, str]] = set()
        named = {min(line.node for line in group): group for group in self._groups.values()}
        for name, group in sorted(named.items()):
            number = _number("lettering", *name)
            while (group[0].customer_id, code := _code(number)) in taken:
                number += 1
            taken.add((group[0].customer_id, code))
            is_whole = sum(line.amount for line in group) == 0
            touched_at = max(line.touched_at for line in group)
            for line in group:
                told[line.node] = (code if is_whole else code.lower(), touched_at)
        return told

    # ------------------------------------------------------------------ entries

    def _rows_of(self, line: _Line) -> Iterator[dict[str, Any]]:
        kind, key, number = line.node
        code, touched_at = self._codes.get(line.node, ("", line.touched_at))
        row = line.row
        if isinstance(row, Document):
            entry = ("VTE", row.issue_date, row.document_number or row.document_id)
        elif isinstance(row, Payment):
            entry = ("BQ1", row.payment_date, row.reference)
        else:
            entry = ("OD", row.write_off_date, self._world.get(Document, row.document_id).key)
        piece = f"{crc32(key.encode()) % 10**9:09d}"
        shared = {
            "JO_Num": entry[0],
            "JM_Date": _day(entry[1].replace(day=1)),
            "EC_Jour": entry[1].day,
            "EC_Piece": piece,
            "EC_RefPiece": entry[2],
            "CT_Num": None,
            "EC_Intitule": f"{kind} {line.customer_id}",
            "EC_Echeance": _EMPTY_DATE,
            "EC_Lettre": 0,
            "EC_Lettrage": "",
            "EC_ANType": 0,
            "N_Reglement": _METHODS.get(row.method, 0) if isinstance(row, Payment) else 0,
            "cbModification": _moment(line.touched_at),
        }
        yield {
            **shared,
            "EC_No": _number(kind, key, number),
            "CG_Num": "4110000",
            "CT_Num": line.customer_id,
            "EC_Echeance": _day(line.due_date) if line.due_date else _EMPTY_DATE,
            "EC_Lettre": int(code.isupper()),
            "EC_Lettrage": code,
            "cbModification": _moment(touched_at),
            **_side(line.amount),
        }
        for account, amount in self._other_side(line):
            name = _number(kind, key, number, account)
            yield {**shared, "EC_No": name, "CG_Num": account, **_side(amount)}

    def _other_side(self, line: _Line) -> Iterator[tuple[str, Decimal]]:
        row = line.row
        if isinstance(row, Payment):
            yield "5120000", -line.amount
        elif isinstance(row, WriteOff):
            yield "6540000", -line.amount
        else:
            excl_tax, total = row.amount_excl_tax, row.amount_incl_tax
            if excl_tax is None or not total:
                yield "7060000", -line.amount
                return
            sales = (line.amount * excl_tax / total).quantize(_CENT, ROUND_HALF_UP)
            yield "7060000", -sales
            if line.amount != sales:
                yield "4457100", sales - line.amount

    def _purchase(self) -> list[dict[str, Any]]:
        """What is no business of ours: an entry that touches no customer."""
        shared = {
            "JO_Num": "ACH",
            "JM_Date": _day(date(2026, 1, 1)),
            "EC_Jour": 15,
            "EC_Piece": "1",
            "EC_RefPiece": "A1",
            "EC_Intitule": "Achat",
            "EC_Echeance": _EMPTY_DATE,
            "EC_Lettre": 0,
            "EC_Lettrage": "",
            "EC_ANType": 0,
            "N_Reglement": 0,
            "cbModification": _moment(datetime(2026, 1, 15)),
        }
        return [
            {
                **shared,
                "EC_No": _number("purchase", account),
                "CG_Num": account,
                "CT_Num": name,
                **_side(amount),
            }
            for account, name, amount in (
                ("4010000", _SUPPLIER, Decimal("-12.00")),
                ("6070000", None, Decimal("12.00")),
            )
        ]


@dataclass(frozen=True)
class _Nodes:
    """The lines that an allocation joins."""

    world: World
    lines: Mapping[_Node, _Line]

    def of(self, allocation: Allocation) -> list[_Node]:
        if allocation.source_type == "payment":
            source = [("payment", allocation.source_id, 0)]
        else:
            source = self._of_document(allocation.source_id, None)
        # A refund may give back a payment.
        target = self._of_document(allocation.document_id, allocation.instalment_no)
        return [*source, *target] if target else [*source, ("payment", allocation.document_id, 0)]

    def _of_document(self, document_id: str, instalment_no: int | None) -> list[_Node]:
        if instalment_no is not None:
            return [("document", document_id, instalment_no)]
        parts = self.world.where(Instalment, document_id=document_id)
        numbers = [part.instalment_no for part in parts] or [0]
        nodes: list[_Node] = [("document", document_id, number) for number in numbers]
        return [node for node in nodes if node in self.lines]


# ---------------------------------------------------------------------- values


def _number(kind: str, *key: object) -> int:
    """An internal number: the same for the same books everywhere."""
    return crc32("/".join((kind, *map(str, key))).encode()) % (2**31 - 1) + 1


def _code(number: int) -> str:
    number %= _CODES
    size = len(_LETTERS)
    return "".join(_LETTERS[number // size**place % size] for place in (2, 1, 0))


def _company(amount: Decimal, row: Document | Payment) -> Decimal:
    rate = row.exchange_rate or Decimal(1)
    return (amount * rate).quantize(_CENT, ROUND_HALF_UP)


def _side(amount: Decimal) -> dict[str, Any]:
    return {"EC_Sens": 0 if amount >= 0 else 1, "EC_Montant": _amount(abs(amount))}


def _amount(amount: Decimal) -> str:
    return f"{amount:.6f}"


def _siret(siren: str) -> str:
    return f"{siren}00019" if siren else ""


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d} 00:00:00.000000"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
