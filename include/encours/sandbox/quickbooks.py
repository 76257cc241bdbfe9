"""A stand-in of QuickBooks Online, Accounting API v3, for what a receivables pipeline reads of it.

Names and types are those of the vendor's schemas (QuickBooks V3 SDK, 2024); queries, change data
capture, limits and faults those of its pages and of open connectors. Where these are silent, it
takes what is harder for who reads it: a payment does not touch the documents that it settles, a
refusal names no wait, and a change feed that is full lists no deletion.

What the books have and QuickBooks has not becomes what a bookkeeper makes of it there: a credit
note is applied by a payment of 0, a refund is a check that a payment links with what it pays back,
a write-off is a journal entry that a payment of 0 links with the invoice. An invoice without due
date is due by the customer's terms; drafts are not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk, Standing
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.rows import Allocation, Customer, Document, Payment, Row, WriteOff
from encours.sandbox.token_office import TokenOffice

TOKEN_LIFE = timedelta(hours=1)
USUAL_PAGE, LARGEST_PAGE = 100, 1_000
MOST_CHANGES = 1_000
CHANGES_KEPT = timedelta(days=30)
USUAL_DAYS = 30

_ZONE = timezone(timedelta(hours=-7))
_CENT = Decimal("0.01")
_RECEIVABLE, _BAD_DEBT, _BANK = "84", "85", "35"
_QUERY = re.compile(
    r"select (?P<what>\*|count\(\*\)) from (?P<entity>\w+)"
    r"(?: where (?P<where>.+?))?"
    r"(?: order ?by metadata\.(?P<order>createtime|lastupdatedtime)(?: (?P<way>asc|desc))?)?"
    r"(?: startposition (?P<start>\d+))?(?: maxresults (?P<size>\d+))?",
    re.IGNORECASE,
)
_SINCE = re.compile(r"metadata\.lastupdatedtime >= '([^']+)'", re.IGNORECASE)
_ACTIVE = re.compile(r"active in \(true, ?false\)", re.IGNORECASE)

Item = dict[str, Any]


@dataclass(frozen=True)
class _Kept:
    """One object with what a query filters and orders by; made where it is on the page."""

    make: Callable[[], Item]
    created_at: datetime
    updated_at: datetime
    is_active: bool = True


@dataclass(frozen=True)
class _Gone:
    entity: str
    id: str
    deleted_at: datetime


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    company = _Company(world, desk)
    desk.limit(500, 60.0, refuse=company.throttled)
    desk.limit(10, 1.0, refuse=company.throttled)
    desk.limit_at_once(10, refuse=company.throttled)
    desk.not_found = lambda: company.fault(400, "610", "Object Not Found", "ValidationFault")
    desk.usual_fields = {
        "unknown_value": "QueryResponse.*.*.Line.*.LinkedTxn.*.TxnType",
        "other_type": "QueryResponse.*.*.TotalAmt",
        "missing_field": "QueryResponse.*.*.CurrencyRef",
        "new_field": "QueryResponse.*.*.SandboxNewField",
    }
    realm = realm_of(world.entity.entity_id)
    desk.options = {"realm_id": realm}
    office = TokenOffice(
        world,
        desk,
        TOKEN_LIFE,
        with_code={"realmId": realm},
        with_tokens={"x_refresh_token_expires_in": 100 * 24 * 3600},
        wants_basic=True,
    )
    return [
        *office.routes(""),
        Route("/v3/company/{realm}/query", company.guarded(company.query)),
        Route("/v3/company/{realm}/cdc", company.guarded(company.changes)),
    ]


def realm_of(entity_id: str) -> str:
    return _id(f"realm {entity_id}")


# ---------------------------------------------------------------------- one company


class _Company:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._objects: Mapping[str, Callable[[], Iterable[_Kept]]] = {
            "Account": self._accounts,
            "CompanyInfo": self._company_info,
            "CreditMemo": partial(self._documents, "credit_note"),
            "Customer": self._customers,
            "Deposit": lambda: (),
            "Invoice": partial(self._documents, "invoice"),
            "JournalEntry": self._journal_entries,
            "Payment": self._payments,
            "Preferences": self._preferences,
            "Purchase": self._purchases,
            "Term": self._terms,
        }

    def guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """The answer, for a good token and the realm that it opens."""

        def guard(request: Request) -> Response:
            if not self._desk.check_bearer(request):
                return self.fault(401, "3200", "AuthenticationFailed", "AUTHENTICATION")
            if request.path_params["realm"] != realm_of(self._desk.company().entity_id):
                return self.fault(403, "3100", "AuthorizationFailed", "AUTHORIZATION")
            return answer(request)

        return guard

    def query(self, request: Request) -> Response:
        asked = _QUERY.fullmatch(request.query_params.get("query", ""))
        if asked is None or asked["entity"] not in self._objects:
            return self.fault(400, "4000", "Error parsing query", "ValidationFault")
        found = list(self._chosen(asked["entity"], asked["where"] or ""))
        if asked["what"] != "*":
            return self._answer({"QueryResponse": {"totalCount": len(found)}})
        by_change = (asked["order"] or "").lower() == "lastupdatedtime"
        found.sort(
            key=lambda kept: kept.updated_at if by_change else kept.created_at,
            reverse=(asked["way"] or "").lower() == "desc",
        )
        start = int(asked["start"] or 1)
        size = min(int(asked["size"] or USUAL_PAGE), LARGEST_PAGE)
        items = [kept.make() for kept in found[start - 1 : start - 1 + size]]
        return self._answer({"QueryResponse": _response(asked["entity"], items, start)})

    def _chosen(self, entity: str, where: str) -> Iterator[_Kept]:
        since = _SINCE.search(where)
        for kept in self._objects[entity]():
            if not kept.is_active and not _ACTIVE.search(where):
                continue
            if since is None or _seconds(kept.updated_at) >= datetime.fromisoformat(since[1]):
                yield kept

    def changes(self, request: Request) -> Response:
        asked = request.query_params
        since = datetime.fromisoformat(asked["changedSince"])
        if since < self._world.clock - CHANGES_KEPT:
            return self.fault(400, "2030", "Invalid changedSince", "ValidationFault")
        answers: list[Item] = []
        left = MOST_CHANGES
        for entity in asked["entities"].split(","):
            items = [
                kept.make()
                for kept in self._objects[entity]()
                if _seconds(kept.updated_at) >= since
            ]
            items += [
                _tombstone(gone)
                for gone in self._gone()
                if gone.entity == entity and _seconds(gone.deleted_at) >= since
            ]
            answers.append(_response(entity, items[:left], 1))
            left -= len(items[:left])
        return self._answer({"CDCResponse": [{"QueryResponse": answers}]})

    def fault(self, status: int, code: str, message: str, kind: str) -> Response:
        error = {"Message": f"message={message}", "Detail": message, "code": code}
        return self._answer({"Fault": {"Error": [error], "type": kind}}, status)

    def throttled(self, standing: Standing) -> Response:
        return self.fault(429, "003001", "ThrottleExceeded", "THROTTLE")

    def _answer(self, content: Item, status: int = 200) -> Response:
        return answer_json({**content, "time": _moment(self._world.clock)}, status)

    # ------------------------------------------------------------------ lists

    def _customers(self) -> Iterator[_Kept]:
        for row in self._world.customers:
            yield _kept(row, partial(self._customer, row))

    def _customer(self, row: Customer) -> Item:
        address = {
            "Id": _id(f"address of {row.key}"),
            "CountrySubDivisionCode": row.region or None,
            "Country": row.country_code or None,
        }
        days = _days(row.payment_terms)
        parent = row.parent_customer_id
        return {
            **_common(row.key, row.created_at, row.updated_at),
            "DisplayName": row.customer_name or row.key,
            "CompanyName": row.customer_name or None,
            "FullyQualifiedName": row.customer_name or row.key,
            "Active": True,
            "Job": bool(parent),
            "BillWithParent": False,
            "CurrencyRef": _ref(self._desk.company().base_currency),
            "BillAddr": {name: value for name, value in address.items() if value},
            "PrimaryTaxIdentifier": _masked(row.vat_number),
            "SalesTermRef": None if days is None else _ref(_term_id(days)),
            "ParentRef": _ref(_id(parent)) if parent else None,
            "CreditLimit": row.credit_limit,
        }

    def _terms(self) -> Iterator[_Kept]:
        entity = self._desk.company()
        """Those of the customers, and the usual one, which is inactive where none has it."""
        used = {_days(row.payment_terms) for row in self._world.customers} - {None}
        for days in sorted(each for each in used | {USUAL_DAYS} if each is not None):
            item = {
                **_common(str(days), entity.created_at, entity.updated_at),
                "Id": _term_id(days),
                "Name": f"Net {days}",
                "Active": days in used,
                "Type": "Standard",
                "DueDays": days,
                "DiscountDays": 0,
            }
            yield replace(_kept(entity, partial(dict, item)), is_active=days in used)

    def _accounts(self) -> Iterator[_Kept]:
        entity = self._desk.company()
        for id, name, kind in (
            (_RECEIVABLE, "Accounts Receivable (A/R)", "Accounts Receivable"),
            (_BAD_DEBT, "Bad debts", "Expense"),
            (_BANK, "Checking", "Bank"),
        ):
            item = {
                **_common(id, entity.created_at, entity.updated_at),
                "Id": id,
                "Name": name,
                "Active": True,
                "AccountType": kind,
                "CurrencyRef": _ref(entity.base_currency),
            }
            yield _kept(entity, partial(dict, item))

    def _company_info(self) -> Iterator[_Kept]:
        entity = self._desk.company()
        name = entity.entity_name or entity.entity_id
        item = {
            **_common("1", entity.created_at, entity.updated_at),
            "Id": "1",
            "CompanyName": name,
            "LegalName": name,
            "Country": "FR",
        }
        yield _kept(entity, partial(dict, item))

    def _preferences(self) -> Iterator[_Kept]:
        entity = self._desk.company()
        item = {
            **_common("1", entity.created_at, entity.updated_at),
            "Id": "1",
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": True,
                "HomeCurrency": _ref(entity.base_currency),
            },
        }
        yield _kept(entity, partial(dict, item))

    # ------------------------------------------------------------------ documents

    def _documents(self, kind: str) -> Iterator[_Kept]:
        for row in self._world.documents:
            if row.document_type == kind and row.status != "draft":
                yield _kept(row, partial(self._document, row))

    def _document(self, row: Document) -> Item:
        is_void = row.status == "void"
        total = Decimal("0") if is_void else row.amount_incl_tax
        net = row.amount_incl_tax if row.amount_excl_tax is None else row.amount_excl_tax
        left = self._world.remaining_amount(row)
        line = {"Id": "1", "LineNum": 1, "Amount": net, "DetailType": "SalesItemLineDetail"}
        found = {
            **_common(row.key, row.created_at, row.updated_at),
            "DocNumber": (row.document_number or row.key)[:21],
            "TxnDate": row.issue_date,
            "CustomerRef": _ref(_id(row.customer_id), row.customer_id),
            **self._currency(row.currency_code, row.exchange_rate),
            "TotalAmt": total,
            "HomeTotalAmt": _at_home(total, row.exchange_rate),
            "Balance": left,
            "HomeBalance": _at_home(left, row.exchange_rate),
            "TxnTaxDetail": {"TotalTax": Decimal("0") if is_void else total - net},
            "Line": [] if is_void else [line],
            "PrivateNote": "Voided" if is_void else None,
            "EmailStatus": "NotSet",
        }
        if row.document_type == "credit_note":
            return {**found, "RemainingCredit": left}
        return {**found, "DueDate": row.due_date or self._due_date(row)}

    def _due_date(self, row: Document) -> date:
        customer = self._world.find(Customer, row.customer_id)
        days = _days(customer.payment_terms) if customer else None
        return row.issue_date + timedelta(days=USUAL_DAYS if days is None else days)

    def _currency(self, currency: str, rate: Decimal | None) -> Item:
        return {"CurrencyRef": _ref(currency), "ExchangeRate": rate or Decimal(1)}

    # ------------------------------------------------------------------ payments

    def _payments(self) -> Iterator[_Kept]:
        for row in self._world.payments:
            if row.payment_type == "receipt":
                yield self._receipt(row)
        for allocation in self._world.allocations:
            source = self._source(allocation)
            document = self._world.find(Document, allocation.document_id)
            if source and document and self._world.is_in_force(allocation):
                make = partial(self._application, allocation, source, document)
                yield _kept(allocation, make)
        for write_off in self._world.write_offs:
            document = self._world.find(Document, write_off.document_id)
            if document is not None:
                make = partial(self._write_off_payment, write_off, document)
                yield _kept(write_off, make)

    def _receipt(self, row: Payment) -> _Kept:
        used = [
            *self._world.where(Allocation, source_type="payment", source_id=row.key),
            *self._paid_back(row),
        ]
        touched = [row.updated_at, *(each.updated_at for each in used)]
        touched += [
            gone.deleted_at
            for gone in self._world.tombstones(Allocation)
            if isinstance(gone.row, Allocation)
            and row.key in (gone.row.source_id, gone.row.document_id)
        ]
        make = partial(self._receipt_item, row, used, max(touched))
        return _Kept(make, row.created_at, max(touched))

    def _receipt_item(self, row: Payment, used: Sequence[Allocation], updated_at: datetime) -> Item:
        lines = [self._line(each, row) for each in used if self._world.is_in_force(each)]
        return {
            **self._payment(row, row.payment_date, row.customer_id, updated_at),
            **self._currency(row.currency_code, row.exchange_rate),
            "TotalAmt": row.amount,
            "UnappliedAmt": row.amount - sum((line["Amount"] for line in lines), Decimal(0)),
            "PaymentRefNum": row.reference[:21] or None,
            "PaymentMethodRef": _ref(_id(row.method), row.method) if row.method else None,
            "Line": lines,
        }

    def _paid_back(self, row: Payment) -> Iterator[Allocation]:
        """What is settled of the receipt itself, by refunds."""
        for allocation in self._world.where(Allocation, document_id=row.key):
            refund = self._world.find(Payment, allocation.source_id)
            if allocation.source_type == "payment" and refund and refund.payment_type == "refund":
                yield allocation

    def _line(self, allocation: Allocation, receipt: Payment) -> Item:
        if allocation.source_id != receipt.key:
            return _linked(allocation.amount, "Check", _id(allocation.source_id))
        return _linked(allocation.amount, *self._named(allocation.document_id))

    def _source(self, allocation: Allocation) -> Document | Payment | None:
        """Of an allocation that is a payment of 0 here: of a credit note, or of a refund of one."""
        if allocation.source_type == "credit_note":
            return self._world.find(Document, allocation.source_id)
        payment = self._world.find(Payment, allocation.source_id)
        is_note = self._world.find(Document, allocation.document_id) is not None
        return payment if payment and payment.payment_type == "refund" and is_note else None

    def _application(
        self, allocation: Allocation, source: Document | Payment, document: Document
    ) -> Item:
        linked = [_linked(allocation.amount, *self._named(document.key))]
        if isinstance(source, Document):
            on = max(source.issue_date, document.issue_date)
            linked.append(_linked(allocation.amount, "CreditMemo", _id(source.key)))
        else:
            on = max(source.payment_date, document.issue_date)
            linked.append(_linked(allocation.amount, "Check", _id(source.key)))
        return self._payment_of_nothing(allocation, document, on, linked)

    def _write_off_payment(self, row: WriteOff, document: Document) -> Item:
        linked = [
            _linked(row.amount, *self._named(document.key)),
            _linked(row.amount, "JournalEntry", _id(row.key)),
        ]
        return self._payment_of_nothing(row, document, row.write_off_date, linked)

    def _payment_of_nothing(
        self, row: Row, document: Document, on: date, lines: Sequence[Item]
    ) -> Item:
        return {
            **self._payment(row, on, document.customer_id, row.updated_at),
            **self._currency(document.currency_code, document.exchange_rate),
            "TotalAmt": Decimal(0),
            "UnappliedAmt": Decimal(0),
            "Line": list(lines),
        }

    def _payment(self, row: Row, on: date, customer_id: str, updated_at: datetime) -> Item:
        return {
            **_common(_payment_key(row), row.created_at, updated_at),
            "TxnDate": on,
            "CustomerRef": _ref(_id(customer_id), customer_id),
            "ProcessPayment": False,
        }

    def _named(self, document_id: str) -> tuple[str, str]:
        document = self._world.find(Document, document_id)
        entity = _entity_of(document) if document else "Invoice"
        return entity, _id(document_id)

    def _purchases(self) -> Iterator[_Kept]:
        """Checks that pay a customer back, and one that pays the rent."""
        for row in self._world.payments:
            if row.payment_type == "refund":
                yield _kept(row, partial(self._check, row))
        entity = self._desk.company()
        rent = {
            **_common("rent", entity.created_at, entity.updated_at),
            "TxnDate": entity.created_at.date(),
            "PaymentType": "Check",
            "AccountRef": _ref(_BANK, "Checking"),
            "EntityRef": {**_ref(_id("landlord")), "type": "Vendor"},
            "TotalAmt": Decimal("900.00"),
            "Line": [],
        }
        yield _kept(entity, partial(dict, rent))

    def _check(self, row: Payment) -> Item:
        payee = {**_ref(_id(row.customer_id), row.customer_id), "type": "Customer"}
        detail = {"AccountRef": _ref(_RECEIVABLE), "BillableStatus": "NotBillable"}
        line = {
            "Id": "1",
            "Amount": row.amount,
            "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": detail,
        }
        return {
            **_common(row.key, row.created_at, row.updated_at),
            "DocNumber": row.reference[:21] or None,
            "TxnDate": row.payment_date,
            **self._currency(row.currency_code, row.exchange_rate),
            "PaymentType": "Check",
            "AccountRef": _ref(_BANK, "Checking"),
            "EntityRef": payee,
            "TotalAmt": row.amount,
            "Line": [line],
        }

    def _journal_entries(self) -> Iterator[_Kept]:
        for row in self._world.write_offs:
            document = self._world.find(Document, row.document_id)
            if document is not None:
                yield _kept(row, partial(self._loss, row, document))

    def _loss(self, row: WriteOff, document: Document) -> Item:
        """A write-off: the loss, against the customer's receivable."""
        customer = _ref(_id(document.customer_id), document.customer_id)
        payee = {"Entity": {"Type": "Customer", "EntityRef": customer}}
        sides: tuple[tuple[str, str, Item], ...] = (
            ("Debit", _BAD_DEBT, {}),
            ("Credit", _RECEIVABLE, payee),
        )
        lines = [
            {
                "Id": str(number),
                "Amount": row.amount,
                "DetailType": "JournalEntryLineDetail",
                "JournalEntryLineDetail": {
                    "PostingType": side,
                    "AccountRef": _ref(account),
                    **named,
                },
            }
            for number, (side, account, named) in enumerate(sides)
        ]
        return {
            **_common(row.key, row.created_at, row.updated_at),
            "DocNumber": row.key[:21],
            "TxnDate": row.write_off_date,
            **self._currency(document.currency_code, document.exchange_rate),
            "Adjustment": False,
            "PrivateNote": row.reason or None,
            "Line": lines,
        }

    # ------------------------------------------------------------------ what is gone

    def _gone(self) -> Iterator[_Gone]:
        for gone in self._world.tombstones():
            for entity, key in self._was(gone.row):
                yield _Gone(entity, _id(key), gone.deleted_at)
        for allocation in self._world.allocations:
            if not self._world.is_in_force(allocation) and self._source(allocation) is not None:
                id = _id(_payment_key(allocation))
                yield _Gone("Payment", id, allocation.updated_at)

    def _was(self, row: Row) -> Iterator[tuple[str, str]]:
        """The objects that a row was, by entity and key."""
        if isinstance(row, Document) and row.status != "draft":
            yield _entity_of(row), row.key
        elif isinstance(row, Payment):
            yield ("Purchase" if row.payment_type == "refund" else "Payment"), row.key
        elif isinstance(row, Allocation):
            # Of a receipt it was a line, which is no object.
            payment = self._world.find(Payment, row.source_id)
            if row.source_type == "credit_note" or payment is None or self._source(row):
                yield "Payment", _payment_key(row)
        elif isinstance(row, WriteOff):
            yield "Payment", _payment_key(row)
            yield "JournalEntry", row.key
        elif isinstance(row, Customer):
            yield "Customer", row.key


# ---------------------------------------------------------------------- parts of an object


def _kept(row: Row, make: Callable[[], Item]) -> _Kept:
    return _Kept(make, row.created_at, row.updated_at)


def _common(key: str, created_at: datetime, updated_at: datetime) -> Item:
    return {
        "domain": "QBO",
        "sparse": False,
        "Id": _id(key),
        "SyncToken": "0" if created_at == updated_at else "1",
        "MetaData": {
            "CreateTime": _moment(created_at),
            "LastUpdatedTime": _moment(updated_at),
        },
    }


def _tombstone(gone: _Gone) -> Item:
    return {
        "domain": "QBO",
        "status": "Deleted",
        "Id": gone.id,
        "MetaData": {"LastUpdatedTime": _moment(gone.deleted_at)},
    }


def _response(entity: str, items: Sequence[Item], start: int) -> Item:
    """Empty where nothing is found."""
    if not items:
        return {}
    told = [{name: value for name, value in item.items() if value is not None} for item in items]
    return {entity: told, "startPosition": start, "maxResults": len(told)}


def _id(key: str) -> str:
    """A number as text, the same for the same key everywhere. Objects of two kinds may have the
    same one, as the vendor's may."""
    return str(int.from_bytes(blake2b(key.encode(), digest_size=6).digest(), "big"))


def _term_id(days: int) -> str:
    return str(days + 1)


def _payment_key(row: Row) -> str:
    return row.key if isinstance(row, Payment) else f"{row.stream} {row.key}"


def _entity_of(row: Document) -> str:
    return "CreditMemo" if row.document_type == "credit_note" else "Invoice"


def _linked(amount: Decimal, kind: str, id: str) -> Item:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": id, "TxnType": kind}]}


def _ref(value: str, name: str = "") -> Item:
    return {"value": value, **({"name": name} if name else {})}


def _days(terms: str) -> int | None:
    first = terms.partition(" ")[0]
    return int(first) if first.isdecimal() else None


def _masked(number: str) -> str | None:
    return "X" * max(0, len(number) - 5) + number[-5:] if number else None


def _at_home(amount: Decimal, rate: Decimal | None) -> Decimal:
    return (amount * (rate or 1)).quantize(_CENT, ROUND_HALF_UP)


def _seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _moment(moment: datetime) -> str:
    return _seconds(moment.astimezone(_ZONE)).isoformat()
