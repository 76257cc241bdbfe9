"""A stand-in of Dolibarr's REST API, for what a receivables pipeline reads of it.

Shapes are those of the product's source (see `clients/dolibarr.py`). Where versions differ, it
takes what is harder for who reads it: an empty listing is a 404, sums over nothing are null, and a
payment does not write the invoice that it leaves open.

What the books have and Dolibarr has not becomes what a bookkeeper makes of it there: what a payment
leaves unapplied is entered on top of an invoice that is settled, and by no later payment; an
invoice in instalments is due when the last one is; a void invoice is one that was replaced; a
write-off of all that remains closes or abandons the invoice, one that leaves something open is not
told. A refund of a receipt cannot be entered at all, nor a payment that settles nothing where the
customer has no settled invoice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk, Refused
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.rows import (
    Allocation,
    Customer,
    Document,
    Instalment,
    Payment,
    WriteOff,
)

ROOT = "/api/index.php"
LARGEST_PAGE, PAGE_RECORDS = 1000, 100
ZONE = "Europe/Paris"

_CENT = Decimal("0.01")
_CODES = {
    "transfer": "VIR",
    "card": "CB",
    "cheque": "CHQ",
    "direct_debit": "PRE",
    "cash": "LIQ",
}

Item = dict[str, Any]


@dataclass(frozen=True)
class _Listed:
    """A row of a listing, and what it is asked by. `item` is made only if it is asked for."""

    item: Callable[[], Item]
    columns: Mapping[str, Any]


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.path = ROOT
    desk.not_found = lambda: _error(404, "Not Found: Invoice not found")
    desk.usual_fields = {
        "unknown_value": "*.status",
        "other_type": "*.total_ttc",
        "missing_field": "*.socid",
        "new_field": "*.sandbox_new_field",
    }
    company = _Company(world, desk)
    return [
        Route(f"{ROOT}/setup/conf/{{name}}", company.guarded(company.setting)),
        Route(f"{ROOT}/invoices/{{id}}/payments", company.guarded(company.payments)),
        Route(f"{ROOT}/invoices", company.guarded(company.listing("invoices"))),
        Route(f"{ROOT}/thirdparties", company.guarded(company.listing("thirdparties"))),
    ]


# ---------------------------------------------------------------------- one company


class _Company:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._indexed: tuple[Document, ...] = ()
        self._index: dict[str, Document] = {}
        self._seen: tuple[Any, ...] = ()
        self._today: date | None = None
        self._entered_on: dict[str, list[Payment]] = {}

    def guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def guard(request: Request) -> Response:
            if not self._desk.check(request.headers.get("DOLAPIKEY", "")):
                return _error(401, "Unauthorized: Error user not valid (conf->entity=1)")
            return answer(request)

        return guard

    def setting(self, request: Request) -> Response:
        entity = self._desk.company()
        value = {
            "MAIN_INFO_SOCIETE_NOM": entity.entity_name or entity.entity_id,
            "MAIN_INFO_SIREN": entity.siren,
            "MAIN_MONNAIE": entity.base_currency,
        }.get(request.path_params["name"])
        if not value:
            return _error(400, "Bad Request: Error Bad or unknown value for constantname")
        return answer_json(value)

    def listing(self, kind: str) -> Callable[[Request], Response]:
        rows = self._invoices if kind == "invoices" else self._thirdparties

        def page(request: Request) -> Response:
            asked = request.query_params
            matches = _condition(asked.get("sqlfilters", ""))
            found = [row for row in rows() if matches(row.columns)]
            found.sort(
                key=lambda row: row.columns[asked.get("sortfield", "t.rowid")],
                reverse=asked.get("sortorder", "ASC") == "DESC",
            )
            size = min(int(asked.get("limit", PAGE_RECORDS)) or len(found), LARGEST_PAGE)
            first = size * int(asked.get("page", 0))
            items = [_chosen(row.item(), asked) for row in found[first : first + size]]
            if not items:
                return _error(404, f"Not Found: No {kind} found")
            return answer_json(items)

        return page

    def payments(self, request: Request) -> Response:
        row = self._numbered().get(request.path_params["id"])
        return answer_json(list(self._settlements(row))) if row else self._desk.not_found()

    def _numbered(self) -> Mapping[str, Document]:
        """Made anew when the books have changed: their tuple is another one then."""
        documents = self._world.documents
        if self._indexed is not documents:
            self._indexed = documents
            self._index = {str(number_of("invoice", row.key)): row for row in documents}
        return self._index

    # ------------------------------------------------------------------ third parties

    def _thirdparties(self) -> Iterator[_Listed]:
        for row in self._world.customers:
            number = number_of("thirdparty", row.key)
            columns = {"t.rowid": number, "t.tms": self._local(row.updated_at)}
            yield _Listed(partial(self._thirdparty, row, number), columns)

    def _thirdparty(self, row: Customer, number: int) -> Item:
        parent = row.parent_customer_id
        return {
            "id": str(number),
            "entity": "1",
            "name": row.customer_name or row.key,
            "client": "1",
            "fournisseur": "0",
            "code_client": row.key,
            "idprof1": row.siren,
            "idprof2": "",
            "tva_intra": row.vat_number,
            "country_code": row.country_code or None,
            "email": "comptabilite@client.example",
            "outstanding_limit": _text(row.credit_limit) if row.credit_limit else None,
            "parent": str(number_of("thirdparty", parent)) if parent else None,
            "cond_reglement_id": None,
            "date_modification": _seconds(row.updated_at),
        }

    # ------------------------------------------------------------------ invoices

    def _invoices(self) -> Iterator[_Listed]:
        for row in self._world.documents:
            columns = {
                "t.rowid": number_of("invoice", row.key),
                "t.tms": self._local(self._written_at(row)),
                "t.fk_statut": self._status(row)[0],
            }
            yield _Listed(partial(self._invoice, row), columns)

    def _invoice(self, row: Document) -> Item:
        status, close_code = self._status(row)
        sign = -1 if row.document_type == "credit_note" else 1
        rate = row.exchange_rate or Decimal(1)
        net = row.amount_incl_tax if row.amount_excl_tax is None else row.amount_excl_tax
        rows = list(self._settlements(row))
        paid = [r["amount"] for r in rows if not r["type"].startswith("(")]
        credited = [r["amount"] for r in rows if r["type"].startswith("(")]
        total = _based(sign * row.amount_incl_tax, rate)
        remaining = total - sum(map(Decimal, paid + credited), Decimal(0))
        return {
            "id": str(number_of("invoice", row.key)),
            "entity": "1",
            "ref": self._ref(row),
            "ref_client": None,
            "socid": str(number_of("thirdparty", row.customer_id)),
            "type": "2" if sign < 0 else "0",
            "statut": str(status),
            "status": str(status),
            "paye": "1" if status == 2 else "0",
            "close_code": close_code,
            "date": self._midnight(row.issue_date),
            "date_lim_reglement": self._midnight(self._due_date(row)),
            "date_validation": self._midnight(row.issue_date) if status else "",
            "date_modification": _seconds(self._written_at(row)),
            "total_ht": _text(_based(sign * net, rate)),
            "total_tva": _text(total - _based(sign * net, rate)),
            "total_ttc": _text(total),
            # PHP gives what a sum was in the database: a number, or nothing.
            "totalpaid": sum(map(Decimal, paid), Decimal(0)) if paid else None,
            "totalcreditnotes": sum(map(Decimal, credited), Decimal(0)) if credited else 0,
            "totaldeposits": 0,
            "remaintopay": f"{remaining.normalize():f}",
            "multicurrency_code": row.currency_code,
            "multicurrency_tx": _text(1 / rate),
            "multicurrency_total_ht": _text(sign * net),
            "multicurrency_total_ttc": _text(sign * row.amount_incl_tax),
            "cond_reglement_code": "30D",
            "mode_reglement_code": "VIR",
            "fk_facture_source": str(number_of("invoice", row.credited_document_id))
            if row.credited_document_id
            else None,
            "note_private": "Note interne",
            "online_payment_url": "https://dolibarr.example/public/payment/?securekey=secret",
            "lines": [],
            "contacts_ids": [],
        }

    def _status(self, row: Document) -> tuple[int, str | None]:
        """Draft, unpaid, closed or abandoned, and why it was closed with something unpaid."""
        if row.status == "draft":
            return 0, None
        if row.status == "void":
            return 3, "replaced"
        if row.document_type == "credit_note":
            return (2 if self._uses(row) or self._paid_on(row) else 1), None
        if self._world.remaining_amount(row) > 0:
            return 1, None
        if not self._world.where(WriteOff, document_id=row.key):
            return 2, None
        return (2 if any(self._settlements(row)) else 3), "badcustomer"

    def _due_date(self, row: Document) -> date | None:
        dates = [part.due_date for part in self._world.where(Instalment, document_id=row.key)]
        return max(dates) if dates else row.due_date

    def _ref(self, row: Document) -> str:
        """Unique, as in Dolibarr's own table."""
        number = row.document_number or row.key
        is_alone = len(self._world.where(Document, document_number=row.document_number)) == 1
        return number if is_alone or number == row.key else f"{number}-{row.key}"

    def _written_at(self, row: Document) -> datetime:
        """Whatever closes or opens an invoice writes it; a payment that leaves it open does not."""
        if self._status(row)[0] != 1:
            entered = [self._changed_at(each) for each in self._excesses().get(row.key, ())]
            return max([self._world.touched_at(row), *entered])
        remaining = self._world.remaining_amount(row)
        opened = [a.updated_at for a in self._parts(row) if not self._world.is_in_force(a)]
        opened += [
            gone.deleted_at
            for gone in self._world.tombstones(Allocation)
            if isinstance(gone.row, Allocation)
            and (gone.row.source_id == row.key or gone.row.document_id == row.key)
            and (gone.row.source_id == row.key or gone.row.amount >= remaining)
        ]
        return max([row.updated_at, *opened])

    def _changed_at(self, payment: Payment) -> datetime:
        """When what it leaves unapplied last changed."""
        used = self._world.where(Allocation, source_type="payment", source_id=payment.key)
        gone = [
            gone.deleted_at
            for gone in self._world.tombstones(Allocation)
            if isinstance(gone.row, Allocation) and gone.row.source_id == payment.key
        ]
        return max([payment.updated_at, *(row.updated_at for row in used), *gone])

    # ------------------------------------------------------------------ what settles an invoice

    def _settlements(self, row: Document) -> Iterator[Item]:
        """Payments and refunds of an invoice, then the credit notes that are used on it."""
        rate = row.exchange_rate or Decimal(1)
        sign = -1 if row.document_type == "credit_note" else 1
        for payment, amount in self._paid_on(row):
            yield {
                "amount": _text(_based(sign * amount, rate)),
                "type": _CODES.get(payment.method, "VIR"),
                "date": f"{payment.payment_date} 12:00:00",
                "num": payment.reference,
                "ref": f"PAY-{payment.key}",
                "ref_ext": None,
                "fk_bank_line": str(number_of("bank", payment.key)),
            }
        for allocation in self._parts(row):
            note = self._world.find(Document, allocation.source_id)
            if allocation.source_type == "credit_note" and note and self._is_used(allocation):
                yield {
                    "amount": _text(_based(allocation.amount, rate)),
                    "type": "(CREDIT_NOTE)",
                    "date": f"{allocation.created_at:%Y-%m-%d %H:%M:%S}",
                    "num": "",
                    "ref": self._ref(note),
                }

    def _paid_on(self, row: Document) -> list[tuple[Payment, Decimal]]:
        """What was paid on an invoice by each payment; one line for each payment."""
        amounts: dict[str, Decimal] = {}
        for allocation in self._parts(row):
            payment = self._world.find(Payment, allocation.source_id)
            if allocation.source_type == "payment" and payment and self._is_used(allocation):
                amounts[payment.key] = amounts.get(payment.key, Decimal(0)) + allocation.amount
        for payment in self._excesses().get(row.key, ()):
            amounts[payment.key] = amounts.get(
                payment.key, Decimal(0)
            ) + self._world.unapplied_amount(payment)
        return [(self._world.get(Payment, key), amount) for key, amount in amounts.items()]

    def _excesses(self) -> Mapping[str, Sequence[Payment]]:
        """The payments that are more than they settle, by the invoice that they are entered on.
        Made anew when the books have changed, or the day has."""
        world = self._world
        rows = (world.documents, world.payments, world.allocations, world.write_offs)
        today = world.clock.date()
        if today != self._today or any(a is not b for a, b in zip(rows, self._seen, strict=False)):
            self._seen, self._today, self._entered_on = rows, today, {}
            unapplied = [
                payment
                for payment in world.payments
                if payment.payment_type == "receipt" and world.unapplied_amount(payment) > 0
            ]
            for payment in unapplied:
                if (target := self._entered(payment)) is not None:
                    self._entered_on.setdefault(target.key, []).append(payment)
        return self._entered_on

    def _entered(self, payment: Payment) -> Document | None:
        used = self._world.where(Allocation, source_type="payment", source_id=payment.key)
        paid = {allocation.document_id for allocation in used if self._is_used(allocation)}
        found = [
            row
            for row in self._world.where(Document, customer_id=payment.customer_id)
            if row.document_type == "invoice"
            and row.status == "posted"
            and row.currency_code == payment.currency_code
            and (row.key in paid or self._is_settled_before(payment, row))
        ]
        return max(
            found,
            key=lambda row: (
                self._is_settled_before(payment, row),
                row.key in paid,
                row.issue_date,
                row.key,
            ),
            default=None,
        )

    def _is_settled_before(self, payment: Payment, row: Document) -> bool:
        """Whether it is settled, by this payment or others before it."""
        others = [
            other
            for allocation in self._parts(row)
            if allocation.source_type == "payment"
            and (other := self._world.find(Payment, allocation.source_id)) is not None
        ]
        return self._world.remaining_amount(row) == 0 and all(
            _order(other) <= _order(payment) for other in others
        )

    def _uses(self, row: Document) -> bool:
        """Whether the credit note was made a credit, and some of it used."""
        used = self._world.where(Allocation, source_type="credit_note", source_id=row.key)
        return any(self._is_used(allocation) for allocation in used)

    def _parts(self, row: Document) -> tuple[Allocation, ...]:
        return self._world.where(Allocation, document_id=row.key)

    def _is_used(self, allocation: Allocation) -> bool:
        return self._world.is_in_force(allocation)

    # ------------------------------------------------------------------ times

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._world.entity.time_zone or ZONE)

    def _midnight(self, day: date | None) -> int | str:
        """Where the server is; empty where there is none."""
        return "" if day is None else _seconds(datetime.combine(day, time(), self._zone))

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")


def _order(payment: Payment) -> tuple[date, str]:
    return payment.payment_date, f"PAY-{payment.key}"


# ---------------------------------------------------------------------- filters of a listing

Matches = Callable[[Mapping[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:\((?P<field>[a-z_.]+):(?P<operator>[<>=!]+):(?P<value>'[^']*'|\d+)\)"
    r"|(?P<sign>[()])|(?P<word>and|or)\b)\s*",
    re.IGNORECASE,
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _condition(text: str) -> Matches:
    """`((a.b:>=:'c') or (d:=:1)) and (e:>:2)`; 400 where it cannot be read."""
    tokens: list[str | Matches] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise Refused(_error(400, "Bad Request: Error when validating parameter sqlfilters"))
        if found["field"]:
            tokens.append(_criterion(found["field"], found["operator"], found["value"]))
        else:
            tokens.append((found["sign"] or found["word"]).lower())
        position = found.end()
    return _any_of(tokens) if tokens else lambda _: True


def _criterion(field: str, operator: str, value: str) -> Matches:
    wanted: Any = value[1:-1] if value.startswith("'") else int(value)
    compare = _OPERATORS[operator]
    return lambda columns: compare(columns[field], wanted)


def _any_of(tokens: list[str | Matches]) -> Matches:
    choices = [_all_of(tokens)]
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        choices.append(_all_of(tokens))
    return lambda columns: any(choice(columns) for choice in choices)


def _all_of(tokens: list[str | Matches]) -> Matches:
    parts = [_one(tokens)]
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        parts.append(_one(tokens))
    return lambda columns: all(part(columns) for part in parts)


def _one(tokens: list[str | Matches]) -> Matches:
    first = tokens.pop(0) if tokens else ""
    if first == "(":
        inner = _any_of(tokens)
        if tokens and tokens.pop(0) == ")":
            return inner
    if not isinstance(first, str):
        return first
    raise Refused(_error(400, "Bad Request: Error when validating parameter sqlfilters"))


def _chosen(item: Item, asked: Mapping[str, str]) -> Item:
    names = asked.get("properties", "")
    return {name: item[name] for name in names.split(",") if name in item} if names else item


# ---------------------------------------------------------------------- parts of a record


def number_of(kind: str, key: str) -> int:
    """A row's id, the same for the same row everywhere."""
    digest = blake2b(f"{kind}/{key}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) + 1


def _text(amount: Decimal) -> str:
    return f"{amount:.8f}"


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())


def _based(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount * rate).quantize(_CENT, ROUND_HALF_UP)


def _error(status: int, message: str) -> Response:
    return answer_json({"error": {"code": status, "message": message}}, status)
