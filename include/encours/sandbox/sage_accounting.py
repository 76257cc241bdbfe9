"""A stand-in of Sage Business Cloud Accounting v3.1, for what a receivables pipeline reads of it.

Shapes are those of the published OpenAPI document; the envelope of pages, errors and tokens those
of the vendor's guides (2024 to 2026). Where these are silent, it takes what is harder for who reads
it: a payment does not touch the documents that it settles, a void document is listed among the
deleted ones too, and `exchange_rate` is foreign currency per base currency.

What the books have and Sage has not becomes what a bookkeeper makes of it there: an invoice without
due date is a quick entry, a write-off on the day of a payment is a discount of it, any other one a
credit note, and what a payment settles later than on its day is allocated out of what it left on
account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk, Standing, bearer_token
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.rows import (
    Allocation,
    Customer,
    Document,
    Payment,
    Row,
    WriteOff,
)
from encours.sandbox.token_office import TokenOffice

ROOT = "/v3.1"
TOKEN_LIFE = timedelta(minutes=5)
PAGE_RECORDS, LARGEST_PAGE = 20, 200
CREDIT_DAYS = 30

_NAMES = ("id", "displayed_as", "$path")
_CENT = Decimal("0.01")

Item = dict[str, Any]
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class _Listed:
    """One record of a listing with what the listing is asked by."""

    item: Item
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    # Whether the listing without `deleted_since` has it: a void document, but no deleted payment.
    is_kept: bool = True
    filters: Mapping[str, str] = field(default_factory=dict)


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.limit(100, 60.0, refuse=_too_many_requests)
    desk.path = ROOT
    desk.not_found = lambda: _error(404, "RecordNotFound", "The record was not found.")
    desk.usual_fields = {
        "unknown_value": "$items.*.status.id",
        "other_type": "$items.*.total_amount",
        "missing_field": "$items.*.currency",
        "new_field": "$items.*.sandbox_new_field",
    }
    business = _Business(world, desk)
    listings: Mapping[str, Callable[[], Iterable[_Listed]]] = {
        "contacts": business.contacts,
        "sales_invoices": partial(business.documents, "sales_invoices"),
        "sales_credit_notes": partial(business.documents, "sales_credit_notes"),
        "sales_quick_entries": partial(business.documents, "sales_quick_entries"),
        "contact_opening_balances": lambda: (),
        "contact_payments": business.payments,
        "contact_allocations": business.allocations,
    }
    office = TokenOffice(
        world,
        desk,
        TOKEN_LIFE,
        with_code={"country": "FR"},
        with_tokens={
            "refresh_token_expires_in": 31 * 24 * 3600,
            "requested_by_id": _id("user", "1"),
            "scope": "readonly",
        },
    )
    return [
        *office.routes(ROOT),
        Route(f"{ROOT}/businesses", business.guarded(business.businesses)),
        Route(f"{ROOT}/businesses/{{id}}", business.guarded(business.business)),
        Route(f"{ROOT}/financial_settings", business.guarded(business.financial_settings)),
        Route(f"{ROOT}/invoice_settings", business.guarded(business.invoice_settings)),
        *(
            Route(f"{ROOT}/{name}", business.guarded(partial(_page, name, listing)))
            for name, listing in listings.items()
        ),
    ]


# ---------------------------------------------------------------------- one business


class _Business:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk

    def guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """The answer, for a good token and a business that it opens."""

        def guard(request: Request) -> Response:
            if not self._desk.check(bearer_token(request)):
                return _error(401, "AuthorizationFailure", "The access token is invalid.")
            selected = request.headers.get("X-Business")
            if selected is not None and selected != self._id:
                return _error(403, "MultiUserAccessDenied", "The user has no access to it.")
            return answer(request)

        return guard

    @property
    def _id(self) -> str:
        return _id("business", self._desk.company().entity_id)

    def businesses(self, request: Request) -> Response:
        entity = self._desk.company()
        name = entity.entity_name or entity.entity_id
        found = {"id": self._id, "displayed_as": name}
        return answer_json(_envelope("businesses", [found], 1, PAGE_RECORDS, 1))

    def business(self, request: Request) -> Response:
        if request.path_params["id"] != self._id:
            return self._desk.not_found()
        entity = self._desk.company()
        name = entity.entity_name or entity.entity_id
        return answer_json(
            {
                "id": self._id,
                "displayed_as": name,
                "created_at": _moment(entity.created_at),
                "updated_at": _moment(entity.updated_at),
                "name": name,
                "country": {"id": "FR", "displayed_as": "France"},
                "is_demo": True,
            }
        )

    def financial_settings(self, request: Request) -> Response:
        entity = self._desk.company()
        return answer_json(
            {
                "$path": "/financial_settings",
                "base_currency": _base("currencies", entity.base_currency),
                "multi_currency_enabled": True,
                "updated_at": _moment(entity.updated_at),
            }
        )

    def invoice_settings(self, request: Request) -> Response:
        return answer_json(
            {
                "$path": "/invoice_settings",
                "customer_credit_days": CREDIT_DAYS,
                "vendor_credit_days": CREDIT_DAYS,
                "updated_at": _moment(self._desk.company().updated_at),
            }
        )

    # ------------------------------------------------------------------ contacts

    def contacts(self) -> Iterator[_Listed]:
        for row, deleted_at in _with_deleted(self._world, Customer, self._world.customers):
            yield _listed(
                row, self._contact(row, deleted_at), deleted_at, {"contact_type_id": "CUSTOMER"}
            )

    def _contact(self, row: Customer, deleted_at: datetime | None) -> Item:
        address = {
            **_named("addresses", row.key, "Main"),
            "country": _base("countries", row.country_code) if row.country_code else None,
            "region": row.region or None,
        }
        terms = row.payment_terms.partition(" ")[0]
        return {
            **_common("contacts", row, row.key, row.customer_name or row.key, deleted_at),
            "contact_types": [_base("contact_types", "CUSTOMER")],
            "name": row.customer_name or row.key,
            "reference": row.key[:10],
            "tax_number": row.vat_number or None,
            "main_address": address,
            "credit_limit": row.credit_limit,
            "credit_days": int(terms) if terms.isdecimal() else None,
        }

    # ------------------------------------------------------------------ documents

    def documents(self, stream: str) -> Iterator[_Listed]:
        for row, deleted_at in _with_deleted(self._world, Document, self._world.documents):
            if _stream_of(row) == stream:
                # A void document stays under its number; a quick entry can only be deleted.
                is_kept = deleted_at is None and (
                    row.status != "void" or stream != "sales_quick_entries"
                )
                if row.status == "void":
                    deleted_at = deleted_at or row.updated_at
                item = self._document(stream, row, deleted_at)
                yield _listed(row, item, deleted_at, is_kept=is_kept)
        if stream == "sales_credit_notes":
            for write_off in self._write_offs_without_payment():
                yield _listed(write_off, self._write_off_note(write_off), None)

    def _document(self, stream: str, row: Document, deleted_at: datetime | None) -> Item:
        settled = list(self._settled(row))
        open_amount = self._world.remaining_amount(row)
        net = row.amount_excl_tax
        return {
            **_common(stream, row, row.key, row.document_number or row.key, deleted_at),
            **self._amounts(row.amount_incl_tax, net, row.currency_code, row.exchange_rate),
            "contact": _named("contacts", row.customer_id, row.customer_id),
            "contact_name": row.customer_id,
            "date": row.issue_date,
            "reference": row.document_number or None,
            "outstanding_amount": open_amount,
            "base_currency_outstanding_amount": _based(open_amount, row.exchange_rate),
            "status": _base("artefact_statuses", _status(row, open_amount)),
            "payments_allocations": settled,
            "migrated": False,
            **_OWN_FIELDS[stream](row),
        }

    def _write_off_note(self, row: WriteOff) -> Item:
        document = self._world.get(Document, row.document_id)
        return {
            **_common("sales_credit_notes", row, f"write-off {row.key}", f"W-{row.key}", None),
            **self._amounts(row.amount, None, document.currency_code, document.exchange_rate),
            "contact": _named("contacts", document.customer_id, document.customer_id),
            "contact_name": document.customer_id,
            "date": row.write_off_date,
            "reference": row.reason[:25] or None,
            "outstanding_amount": Decimal(0),
            "base_currency_outstanding_amount": Decimal(0),
            "status": _base("artefact_statuses", "PAID"),
            "payments_allocations": [],
            "migrated": False,
            "credit_note_number_prefix": "W-",
            "credit_note_number": row.key,
            "void_reason": None,
        }

    def _amounts(
        self, total: Decimal, net: Decimal | None, currency: str, rate: Decimal | None
    ) -> Item:
        net = total if net is None else net
        return {
            "net_amount": net,
            "tax_amount": total - net,
            "total_amount": total,
            "currency": _base("currencies", currency),
            "exchange_rate": _foreign_per_base(rate),
            "inverse_exchange_rate": rate or Decimal(1),
            "base_currency_net_amount": _based(net, rate),
            "base_currency_tax_amount": _based(total - net, rate),
            "base_currency_total_amount": _based(total, rate),
        }

    def _settled(self, row: Document) -> Iterator[Item]:
        for allocation in self._world.where(Allocation, document_id=row.key):
            if not self._world.is_in_force(allocation):
                continue
            source = self._world.find(
                Payment if allocation.source_type == "payment" else Document, allocation.source_id
            )
            yield {
                "date": source.payment_date if isinstance(source, Payment) else row.issue_date,
                "type": "payment" if allocation.source_type == "payment" else "allocation",
                "reference": allocation.key,
                "amount": allocation.amount,
                "discount": Decimal(0),
                "displayed_as": allocation.key,
                "negative_payment": False,
            }

    # ------------------------------------------------------------------ payments

    def payments(self) -> Iterator[_Listed]:
        for row, deleted_at in _with_deleted(self._world, Payment, self._world.payments):
            kind = "CUSTOMER_REFUND" if row.payment_type == "refund" else "CUSTOMER_RECEIPT"
            touched = [row.updated_at] + [
                gone.deleted_at
                for gone in self._world.tombstones(Allocation)
                if isinstance(gone.row, Allocation) and gone.row.source_id == row.key
            ]
            touched += [
                allocation.updated_at
                for allocation in self._allocations_of(row)
                if not self._is_later(row, allocation)
            ]
            item = self._payment(row, kind, deleted_at)
            item["updated_at"] = _moment(max(touched))
            yield _listed(
                row, item, deleted_at, {"transaction_type_id": kind}, updated_at=max(touched)
            )

    def _payment(self, row: Payment, kind: str, deleted_at: datetime | None) -> Item:
        at_once = [
            allocation
            for allocation in self._allocations_of(row)
            if self._world.is_in_force(allocation) and not self._is_later(row, allocation)
        ]
        rest = row.amount - sum((each.amount for each in at_once), Decimal(0))
        lines = [self._payment_line(row, allocation) for allocation in at_once]
        return {
            **_common("contact_payments", row, row.key, row.reference or row.key, deleted_at),
            "transaction_type": _base("transaction_types", kind),
            "payment_method": _base("payment_methods", row.method or "OTHER"),
            "contact": _named("contacts", row.customer_id, row.customer_id),
            "bank_account": _named("bank_accounts", "1", "Current account"),
            "date": row.payment_date,
            "net_amount": row.amount,
            "tax_amount": Decimal(0),
            "total_amount": row.amount,
            "currency": _base("currencies", row.currency_code),
            "exchange_rate": _foreign_per_base(row.exchange_rate),
            "base_currency_net_amount": _based(row.amount, row.exchange_rate),
            "base_currency_tax_amount": Decimal(0),
            "base_currency_total_amount": _based(row.amount, row.exchange_rate),
            "reference": row.reference[:25] or None,
            "allocated_artefacts": lines,
            "payment_on_account": self._on_account(row, rest) if rest else None,
        }

    def _payment_line(self, row: Payment, allocation: Allocation) -> Item:
        discount = sum((each.amount for each in self._discounts(row, allocation)), Decimal(0))
        return {
            "id": _id("allocated", allocation.key),
            "artefact": self._artefact(allocation.document_id),
            "amount": allocation.amount,
            "discount": discount,
        }

    def _on_account(self, row: Payment, rest: Decimal) -> Item:
        open_amount = self._world.unapplied_amount(row) - sum(
            (
                allocation.amount
                for allocation in self._world.where(Allocation, document_id=row.key)
                if self._world.is_in_force(allocation)
            ),
            Decimal(0),
        )
        return {
            **_named("payments_on_account", row.key, row.reference or row.key),
            "contact": _named("contacts", row.customer_id, row.customer_id),
            "date": row.payment_date,
            "total_amount": rest,
            "outstanding_amount": open_amount,
            "currency": _base("currencies", row.currency_code),
        }

    def _allocations_of(self, row: Payment) -> tuple[Allocation, ...]:
        return self._world.where(Allocation, source_type="payment", source_id=row.key)

    def _is_later(self, row: Payment, allocation: Allocation) -> bool:
        """Made after the payment was entered, so out of what it left on account."""
        return row.payment_type != "refund" and (
            allocation.created_at.date() > row.created_at.date()
        )

    def _artefact(self, id: str) -> Item:
        document = self._world.find(Document, id)
        if document is not None:
            return _named(_stream_of(document), id, document.document_number or id)
        return _named("payments_on_account", id, id)

    # ------------------------------------------------------------------ write-offs

    def _discounts(self, row: Payment, allocation: Allocation) -> tuple[WriteOff, ...]:
        """The write-offs that this line of the payment bears: of its document, on its day, and of
        the first line of that document."""
        first = next(
            each for each in self._allocations_of(row) if each.document_id == allocation.document_id
        )
        if first is not allocation:
            return ()
        return tuple(
            write_off
            for write_off in self._world.where(WriteOff, document_id=allocation.document_id)
            if self._payment_of(write_off) is row
        )

    def _payment_of(self, write_off: WriteOff) -> Payment | None:
        for allocation in self._world.where(
            Allocation, document_id=write_off.document_id, source_type="payment"
        ):
            payment = self._world.find(Payment, allocation.source_id)
            if (
                payment is not None
                and payment.payment_date == write_off.write_off_date
                and self._world.is_in_force(allocation)
                and not self._is_later(payment, allocation)
            ):
                return payment
        return None

    def _write_offs_without_payment(self) -> Iterator[WriteOff]:
        for write_off in self._world.write_offs:
            if self._payment_of(write_off) is None and (
                self._world.find(Document, write_off.document_id) is not None
            ):
                yield write_off

    # ------------------------------------------------------------------ allocations

    def allocations(self) -> Iterator[_Listed]:
        kind = {"transaction_type_id": "CUSTOMER_ALLOCATION"}
        for row, deleted_at in _with_deleted(self._world, Allocation, self._world.allocations):
            pair = self._pair(row)
            if pair is not None:
                if deleted_at is None and not self._world.is_in_force(row):
                    deleted_at = row.updated_at
                yield _listed(row, self._allocation(row, *pair, deleted_at), deleted_at, kind)
        for write_off in self._write_offs_without_payment():
            note = _named("sales_credit_notes", f"write-off {write_off.key}", f"W-{write_off.key}")
            document = self._world.get(Document, write_off.document_id)
            item = self._allocation(
                write_off, document.customer_id, write_off.write_off_date, note, None
            )
            yield _listed(write_off, item, None, kind)

    def _pair(self, row: Allocation) -> tuple[str, date, Item] | None:
        """Customer, date and credit of an allocation that has a record of its own."""
        if row.source_type == "credit_note":
            note = self._world.find(Document, row.source_id)
            if note is None:
                return None
            return note.customer_id, note.issue_date, self._artefact(note.key)
        payment = self._world.find(Payment, row.source_id)
        if payment is None or not self._is_later(payment, row):
            return None
        on_account = _named("payments_on_account", payment.key, payment.reference or payment.key)
        return payment.customer_id, row.created_at.date(), on_account

    def _allocation(
        self,
        row: Allocation | WriteOff,
        customer_id: str,
        on: date,
        credit: Item,
        deleted_at: datetime | None,
    ) -> Item:
        key = f"{row.stream} {row.key}"
        return {
            **_common("contact_allocations", row, key, row.key, deleted_at),
            "transaction_type": _base("transaction_types", "CUSTOMER_ALLOCATION"),
            "contact": _named("contacts", customer_id, customer_id),
            "date": on,
            "allocated_artefacts": [
                {
                    "id": _id("debit", key),
                    "artefact": self._artefact(row.document_id),
                    "amount": row.amount,
                },
                {"id": _id("credit", key), "artefact": credit, "amount": -row.amount},
            ],
        }


# ---------------------------------------------------------------------- documents by kind


def _stream_of(row: Document) -> str:
    if row.document_type == "credit_note":
        return "sales_credit_notes"
    return "sales_quick_entries" if row.due_date is None else "sales_invoices"


def _invoice_fields(row: Document) -> Item:
    return {
        "invoice_number_prefix": "",
        "invoice_number": row.document_number or row.key,
        "due_date": row.due_date,
        "void_reason": "Cancelled" if row.status == "void" else None,
        "sent": row.status != "draft",
    }


def _credit_note_fields(row: Document) -> Item:
    return {
        "credit_note_number_prefix": "",
        "credit_note_number": row.document_number or row.key,
        "void_reason": "Cancelled" if row.status == "void" else None,
        "sent": row.status != "draft",
    }


def _quick_entry_fields(row: Document) -> Item:
    return {"quick_entry_type": _base("quick_entry_types", "INVOICE")}


_OWN_FIELDS: Mapping[str, Callable[[Document], Item]] = {
    "sales_invoices": _invoice_fields,
    "sales_credit_notes": _credit_note_fields,
    "sales_quick_entries": _quick_entry_fields,
}


def _status(row: Document, open_amount: Decimal) -> str:
    if row.status != "posted":
        return row.status.upper()
    if open_amount == 0:
        return "PAID"
    return "UNPAID" if open_amount == row.amount_incl_tax else "PART_PAID"


# ---------------------------------------------------------------------- listings


def _with_deleted(
    world: World, kind: type[R], rows: Iterable[R]
) -> Iterator[tuple[R, datetime | None]]:
    for row in rows:
        yield row, None
    for gone in world.tombstones(kind):
        if isinstance(gone.row, kind):
            yield gone.row, gone.deleted_at


def _listed(
    row: Row,
    item: Item,
    deleted_at: datetime | None,
    filters: Mapping[str, str] | None = None,
    *,
    updated_at: datetime | None = None,
    is_kept: bool | None = None,
) -> _Listed:
    """`is_kept`: whether a listing shows it that does not ask for what was deleted."""
    return _Listed(
        item,
        row.created_at,
        updated_at or row.updated_at,
        deleted_at,
        deleted_at is None if is_kept is None else is_kept,
        filters or {},
    )


def _page(name: str, listing: Callable[[], Iterable[_Listed]], request: Request) -> Response:
    asked = request.query_params
    found = [record for record in listing() if _is_asked_for(record, asked)]
    order, _, direction = asked.get("sort", "created_at").partition(":")
    found.sort(key=lambda record: _order(record, order), reverse=direction == "desc")
    size = min(max(int(asked.get("items_per_page", PAGE_RECORDS)), 1), LARGEST_PAGE)
    last = max(1, -(-len(found) // size))
    # Beyond the end the last page is answered again.
    number = min(max(int(asked.get("page", 1)), 1), last)
    items = [_exposed(record.item, asked) for record in found[(number - 1) * size : number * size]]
    return answer_json(_envelope(name, items, number, size, len(found)))


def _is_asked_for(record: _Listed, asked: Mapping[str, str]) -> bool:
    for name in ("contact_type_id", "transaction_type_id"):
        if name in asked and record.filters.get(name) != asked[name]:
            return False
    if "deleted_since" in asked:
        since = datetime.fromisoformat(asked["deleted_since"])
        return record.deleted_at is not None and record.deleted_at > since
    if not record.is_kept:
        return False
    if "updated_or_created_since" in asked:
        since = datetime.fromisoformat(asked["updated_or_created_since"])
        # Moments are kept to the second.
        return record.updated_at.replace(microsecond=0) >= since
    return True


def _order(record: _Listed, name: str) -> tuple[Any, str]:
    moment = record.updated_at if name == "updated_at" else record.created_at
    return moment, str(record.item["id"])


def _exposed(item: Item, asked: Mapping[str, str]) -> Item:
    """What `attributes` asks for, and of nested records no more than their names unless
    `nested_attributes` does."""
    wanted = asked.get("attributes", "")
    names = set(item) if wanted == "all" else {*_NAMES, *wanted.split(",")}
    if asked.get("show_payments_allocations") != "true":
        names -= {"payments_allocations"}
    shown = {name: value for name, value in item.items() if name in names}
    address = shown.get("main_address")
    if isinstance(address, dict) and asked.get("nested_attributes") != "all":
        shown["main_address"] = {name: address[name] for name in _NAMES}
    return shown


def _envelope(name: str, items: Sequence[Item], number: int, size: int, total: int) -> Item:
    def path(page: int) -> str | None:
        is_there = 1 <= page <= -(-total // size)
        return f"/{name}?page={page}&items_per_page={size}" if is_there else None

    return {
        "$total": total,
        "$page": number,
        "$next": path(number + 1),
        "$back": path(number - 1),
        "$itemsPerPage": size,
        "$items": list(items),
    }


# ---------------------------------------------------------------------- parts of a record


def _common(kind: str, row: Row, key: str, name: str, deleted_at: datetime | None) -> Item:
    return {
        **_named(kind, key, name),
        "created_at": _moment(row.created_at),
        "updated_at": _moment(row.updated_at),
        "deleted_at": _moment(deleted_at) if deleted_at else None,
    }


def _id(kind: str, key: str) -> str:
    """32 hexadecimal digits, the same for the same row everywhere."""
    return blake2b(f"{kind}/{key}".encode(), digest_size=16).hexdigest()


def _named(kind: str, key: str, name: str) -> Item:
    id = _id(kind, key)
    return {"id": id, "displayed_as": name, "$path": f"/{kind}/{id}"}


def _base(kind: str, id: str) -> Item:
    """One of a fixed list, whose ids are words."""
    return {"id": id, "displayed_as": id, "$path": f"/{kind}/{id}"}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _based(amount: Decimal, rate: Decimal | None) -> Decimal:
    return (amount * (rate or 1)).quantize(_CENT, ROUND_HALF_UP)


def _foreign_per_base(rate: Decimal | None) -> Decimal:
    return (1 / rate).quantize(Decimal("0.000001")) if rate else Decimal(1)


def _too_many_requests(standing: Standing) -> Response:
    refused = _error(429, "TooManyRequests", "Too many requests.")
    refused.headers["Retry-After"] = str(standing.retry_after)
    return refused


def _error(status: int, code: str, message: str) -> Response:
    said = {"$severity": "error", "$dataCode": code, "$message": message, "$source": ""}
    return answer_json([said], status)
