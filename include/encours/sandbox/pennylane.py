"""A stand-in of Pennylane's Company API v2, for what a receivables pipeline reads of it.

Shapes, page limits, error bodies and headers are those of the published OpenAPI document and of the
vendor's guides (2026). Where these are silent: credit notes have negative amounts (the vendor's
changelog of 10 April 2025 makes them so), what remains of an invoice is in euros and
`exchange_rate` in document currency per euro (the vendor's forum), and what settles an invoice
counts as a change of it.
What the ledger looks like is in `pennylane_ledger`; a FEC is ready when it is asked for again.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk, Standing
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.ledger_entries import document_item
from encours.sandbox.pennylane_ledger import PennylaneLedger, entry_id
from encours.sandbox.pennylane_values import HOST, ROOT, identifier, moment, money
from encours.sandbox.rows import Allocation, Customer, Document, Instalment, Payment
from encours.sandbox.token_office import TokenOffice

TOKEN_LIFE = timedelta(days=1)
MEMORY = timedelta(weeks=4)
PAGE_RECORDS, LARGEST_PAGE, LARGEST_CHANGELOG_PAGE = 20, 100, 1000
_CUSTOMERS, _INVOICES = "customers:readonly", "customer_invoices:readonly"
_LEDGER, _EXPORTS = "ledger_entries:readonly", "exports:fec"

R = TypeVar("R")


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.limit(25, 5.0, refuse=_too_many_requests, inform=lambda at: _limit_headers(at, world))
    desk.not_found = lambda: _error(404, "Not Found")
    desk.usual_fields = {
        "unknown_value": "items.*.status",
        "other_type": "items.*.currency_amount",
        "missing_field": "items.*.currency_amount",
        "new_field": "items.*.sandbox_new_field",
    }
    desk.scopes = (_CUSTOMERS, _INVOICES, _LEDGER, _EXPORTS)
    company = _Company(world, desk)
    # The address, what its scope is, and what answers.
    served: Sequence[tuple[str, str, Callable[[Request], Response]]] = (
        ("/me", "", company.me),
        ("/customers", _CUSTOMERS, company.customers),
        ("/customers/{id:int}", _CUSTOMERS, company.customer),
        ("/customer_invoices", _INVOICES, company.invoices),
        ("/customer_invoices/{id:int}", _INVOICES, company.invoice),
        (
            "/customer_invoices/{id:int}/matched_transactions",
            _INVOICES,
            company.matched_transactions,
        ),
        ("/ledger_entry_lines", _LEDGER, company.ledger_lines),
        ("/ledger_entry_lines/{id:int}", _LEDGER, company.ledger_line),
        ("/changelogs/customers", _CUSTOMERS, company.customer_changes),
        ("/changelogs/customer_invoices", _INVOICES, company.invoice_changes),
        ("/changelogs/ledger_entry_lines", _LEDGER, company.ledger_line_changes),
        ("/exports/fecs/{id:int}", _EXPORTS, company.fec_export),
    )

    def behind_the_token(
        scope: str,
        answer: Callable[[Request], Response],
    ) -> Callable[[Request], Response]:
        def check(request: Request) -> Response:
            if not desk.check_bearer(request):
                return _error(401, "The access token is invalid")
            if scope and scope not in desk.scopes:
                return _error(403, f'Access to this resource requires scope "{scope}".')
            try:
                return answer(request)
            except _BadRequest as bad:
                return answer_json(bad.body, 400)

        return check

    async def make_fec(request: Request) -> Response:
        asked = await request.body()
        return behind_the_token(_EXPORTS, lambda _: company.make_fec(asked))(request)

    office = TokenOffice(world, desk, TOKEN_LIFE, is_only_way=False)
    return [
        *office.routes(""),
        *(Route(ROOT + path, behind_the_token(scope, answer)) for path, scope, answer in served),
        Route(
            f"{ROOT}/exports/fecs",
            make_fec,
            methods=["POST"],
        ),
        # Whoever has the address has the file: it is good for half an hour.
        Route("/files/{id:int}", company.fec_file),
    ]


# ---------------------------------------------------------------------- errors and limits


class _BadRequest(Exception):
    def __init__(self, message: str, code: str = "") -> None:
        self.body: dict[str, Any] = (
            {"message": message, "code": code} if code else {"error": message, "status": 400}
        )
        super().__init__(message)


def _error(status: int, error: str) -> Response:
    return answer_json({"error": error, "status": status}, status)


def _too_many_requests(standing: Standing) -> Response:
    wait = standing.retry_after
    return PlainTextResponse(
        f"Rate limit exceeded. Please retry in {wait} seconds.",
        429,
        headers={"retry-after": str(wait)},
    )


def _limit_headers(standing: Standing, world: World) -> Mapping[str, str]:
    reset = world.clock + timedelta(seconds=standing.resets_in)
    return {
        "ratelimit-limit": str(standing.requests),
        "ratelimit-remaining": str(max(0, standing.remaining)),
        "ratelimit-reset": str(int(reset.timestamp()) + 1),
    }


# ---------------------------------------------------------------------- the company's records


class _Company:
    def __init__(self, world: World, desk: Desk) -> None:
        self.world = world
        self.desk = desk
        self.ledger = PennylaneLedger(world)
        self.exports: list[_FecExport] = []

    def me(self, request: Request) -> Response:
        entity = self.desk.company()
        return answer_json(
            {
                "user": {
                    "id": identifier("user", entity.entity_id),
                    "first_name": "Camille",
                    "last_name": "Exemple",
                    "email": "camille@example.org",
                    "locale": "fr",
                },
                "company": {
                    "id": identifier("company", entity.entity_id),
                    "name": entity.entity_name or entity.entity_id,
                    "reg_no": entity.siren,
                    "accounting_logic": "FR_PCG",
                },
                "scopes": list(self.desk.scopes),
            }
        )

    def customers(self, request: Request) -> Response:
        rows = {identifier("customer", row.key): row for row in self.world.customers}
        return _listing(request, rows, lambda id, row: self._customer(id, row), {"id"})

    def customer(self, request: Request) -> Response:
        found = {identifier("customer", row.key): row for row in self.world.customers}
        row = found.get(request.path_params["id"])
        return answer_json(self._customer(identifier("customer", row.key), row)) if row else _gone()

    def invoices(self, request: Request) -> Response:
        filterable = {"id", "date", "customer_id", "invoice_number", "draft", "credit_note"}
        return _listing(
            request, self._documents(), lambda id, row: self._invoice(id, row), filterable
        )

    def invoice(self, request: Request) -> Response:
        id = request.path_params["id"]
        row = self._documents().get(id)
        return answer_json(self._invoice(id, row)) if row else _gone()

    def matched_transactions(self, request: Request) -> Response:
        row = self._documents().get(request.path_params["id"])
        if row is None:
            return _gone()
        matched = self._payments_of(row) if row.status == "posted" else []
        payments = {identifier("transaction", payment.key): payment for payment in matched}
        return _listing(request, payments, lambda id, row: self._transaction(id, row), set())

    def ledger_lines(self, request: Request) -> Response:
        filterable = {"id", "journal_id", "ledger_account_id", "date"}
        return _listing(request, self.ledger.lines(), lambda _, row: row.as_item(), filterable)

    def ledger_line(self, request: Request) -> Response:
        line = self.ledger.lines().get(request.path_params["id"])
        return answer_json(line.as_item()) if line else _gone()

    def customer_changes(self, request: Request) -> Response:
        touched = [(row, row.updated_at) for row in self.world.customers]
        return self._changelog(request, self._changes(Customer, "customer", touched))

    def invoice_changes(self, request: Request) -> Response:
        touched = [(row, self.world.touched_at(row)) for row in self.world.documents]
        return self._changelog(request, self._changes(Document, "invoice", touched))

    def ledger_line_changes(self, request: Request) -> Response:
        changes = []
        for line in self.ledger.lines().values():
            booked_at = line.entry.booked_at
            changes.append(_Change(line.id, "insert", booked_at, booked_at))
            if line.touched_at != booked_at:
                changes.append(_Change(line.id, "update", line.touched_at, booked_at))
        for line, at in self.ledger.gone():
            changes.append(_Change(line.id, "delete", at, line.entry.booked_at))
        return self._changelog(request, changes)

    # ------------------------------------------------------------------ exports

    def make_fec(self, body: bytes) -> Response:
        try:
            asked = json.loads(body)
            first, last = (date.fromisoformat(asked[f"period_{end}"]) for end in ("start", "end"))
        except (ValueError, TypeError, KeyError):
            raise _BadRequest("the period is not valid", "InvalidDateFormat") from None
        export = _FecExport(len(self.exports) + 1, first, last, self.world.clock)
        self.exports.append(export)
        return answer_json(export.as_item(), 201)

    def fec_export(self, request: Request) -> Response:
        """Pending when it is first asked for."""
        id = request.path_params["id"]
        if not 0 < id <= len(self.exports):
            return _gone()
        export = self.exports[id - 1]
        is_ready, export.is_ready = export.is_ready, True
        url = f"{request.base_url}files/{id}" if is_ready else None
        return answer_json({**export.as_item(is_ready=is_ready), "file_url": url})

    def fec_file(self, request: Request) -> Response:
        id = request.path_params["id"]
        if not 0 < id <= len(self.exports):
            return _gone()
        export = self.exports[id - 1]
        text = self.ledger.fec(export.period_start, export.period_end)
        return Response(text, media_type="text/plain")

    # ------------------------------------------------------------------ as the API writes them

    def _documents(self) -> dict[int, Document]:
        return {identifier("invoice", row.key): row for row in self.world.documents}

    def _customer(self, id: int, row: Customer) -> dict[str, Any]:
        address = {
            "address": "1 rue de la Paix",
            "postal_code": "75002",
            "city": "Paris",
            "country_alpha2": row.country_code or "FR",
        }
        url = f"{HOST}/customers/{id}"
        of_customer = f'filter=[{{"field":"customer_id","operator":"eq","value":"{id}"}}]'
        return {
            "id": id,
            "name": row.customer_name or row.customer_id,
            "billing_iban": None,
            "payment_conditions": _payment_conditions(row.payment_terms),
            "recipient": "",
            "phone": "",
            "reference": row.customer_id,
            "notes": None,
            "vat_number": row.vat_number,
            "reg_no": row.siren,
            "ledger_account": {"id": identifier("ledger_account", row.key)},
            "emails": [],
            "billing_address": address,
            "delivery_address": address,
            "created_at": moment(row.created_at),
            "updated_at": moment(row.updated_at),
            "customer_type": "company",
            "external_reference": row.customer_id,
            "billing_language": "fr_FR",
            "mandates": {"url": f"{HOST}/gocardless_mandates?{of_customer}"},
            "pro_account_mandates": {"url": f"{HOST}/pro_account/mandates?{of_customer}"},
            "contacts": {"url": f"{url}/contacts"},
        }

    def _invoice(self, id: int, row: Document) -> dict[str, Any]:
        sign = -1 if row.document_type == "credit_note" else 1
        rate = row.exchange_rate or Decimal(1)
        total = sign * row.amount_incl_tax
        before_tax = sign * (row.amount_excl_tax or row.amount_incl_tax)
        tax = total - before_tax
        remaining = None
        if row.document_type == "invoice" and row.status != "draft":
            remaining = self.world.remaining_amount(row)
        number = row.document_number or row.document_id
        customer = identifier("customer", row.customer_id)
        credited = (
            identifier("invoice", row.credited_document_id) if row.credited_document_id else None
        )
        url = f"{HOST}/customer_invoices/{id}"
        deadline = self._deadline(row)
        return {
            "id": id,
            "label": f"Facture {number}",
            "invoice_number": number,
            "currency": row.currency_code,
            "amount": money(total * rate),
            "currency_amount": money(total),
            "currency_amount_before_tax": money(before_tax),
            "exchange_rate": "1.0" if rate == 1 else str(round(1 / rate, 6)),
            "date": row.issue_date.isoformat(),
            "deadline": deadline.isoformat() if deadline else None,
            "currency_tax": money(tax),
            "tax": money(tax * rate),
            "language": "fr_FR",
            "paid": remaining == 0 and row.status == "posted",
            "status": self._status(row, remaining),
            "discount": {"type": "absolute", "value": "0"},
            "ledger_entry": {"id": entry_id(document_item(row.key))},
            "public_file_url": f"{HOST}/public/invoice/pdf?at={moment(self.world.clock)}",
            "filename": f"{number}.pdf",
            "remaining_amount_with_tax": None if remaining is None else money(remaining * rate),
            "remaining_amount_without_tax": (
                None
                if remaining is None or not total
                else money(remaining * rate * before_tax / total)
            ),
            "draft": row.status == "draft",
            "special_mention": None,
            "customer": {"id": customer, "url": f"{HOST}/customers/{customer}"},
            "invoice_line_sections": {"url": f"{url}/invoice_line_sections"},
            "invoice_lines": {"url": f"{url}/invoice_lines"},
            "custom_header_fields": {"url": f"{url}/custom_header_fields"},
            "categories": {"url": f"{url}/categories"},
            "pdf_invoice_free_text": "",
            "pdf_invoice_subject": "",
            "pdf_description": None,
            "billing_subscription": None,
            "credited_invoice": (
                {"id": credited, "url": f"{HOST}/customer_invoices/{credited}"}
                if credited
                else None
            ),
            "customer_invoice_template": None,
            "transaction_reference": None,
            "payments": {"url": f"{url}/payments"},
            "matched_transactions": {"url": f"{url}/matched_transactions"},
            "appendices": {"url": f"{url}/appendices"},
            "quote": None,
            "external_reference": row.document_id,
            "e_invoicing": None,
            "factur_x": False,
            "schematron_validation_status": None,
            "archived_at": None,
            "created_at": moment(row.created_at),
            "updated_at": moment(self.world.touched_at(row)),
        }

    def _deadline(self, row: Document) -> date | None:
        """There are no instalments: all is due with the last of them."""
        dates = [part.due_date for part in self.world.where(Instalment, document_id=row.key)]
        return max(dates, default=row.due_date)

    def _status(self, row: Document, remaining: Decimal | None) -> str:
        if row.status != "posted":
            return "draft" if row.status == "draft" else "cancelled"
        if row.document_type == "credit_note" or remaining is None:
            return "credit_note"
        in_force = [
            allocation.source_type
            for allocation in self.world.where(Allocation, document_id=row.key)
            if self.world.is_in_force(allocation)
        ]
        is_only_credited = in_force and set(in_force) == {"credit_note"}
        if remaining <= 0:
            return "cancelled" if is_only_credited else "paid"
        if in_force:
            return "partially_cancelled" if is_only_credited else "partially_paid"
        deadline = self._deadline(row)
        return "late" if deadline and deadline < self.world.clock.date() else "upcoming"

    def _payments_of(self, row: Document) -> list[Payment]:
        ids = {
            allocation.source_id: None
            for allocation in self.world.where(Allocation, document_id=row.key)
            if allocation.source_type == "payment" and self.world.is_in_force(allocation)
        }
        return [self.world.get(Payment, id) for id in ids]

    def _transaction(self, id: int, row: Payment) -> dict[str, Any]:
        amount = -row.amount if row.payment_type == "refund" else row.amount
        rate = row.exchange_rate or Decimal(1)
        customer = identifier("customer", row.customer_id)
        return {
            "id": id,
            "label": row.reference or None,
            "attachment_required": True,
            "date": row.payment_date.isoformat(),
            "outstanding_balance": None,
            "created_at": moment(row.created_at),
            "updated_at": moment(row.updated_at),
            "archived_at": None,
            "currency": row.currency_code,
            "currency_amount": money(amount),
            "amount": money(amount * rate),
            "currency_fee": None,
            "fee": None,
            "journal": {"id": identifier("journal", "bank")},
            "bank_account": {
                "id": identifier("bank_account", "main"),
                "url": f"{HOST}/bank_accounts/{identifier('bank_account', 'main')}",
            },
            "pro_account_expense": None,
            "customer": {"id": customer, "url": f"{HOST}/customers/{customer}"},
            "categories": [],
        }

    # ------------------------------------------------------------------ changelogs

    def _changelog(self, request: Request, found: Iterable[_Change]) -> Response:
        """What came, changed and went in the last four weeks, oldest first."""
        query = request.query_params
        if "cursor" in query and "start_date" in query:
            raise _BadRequest("cursor and start_date cannot be used together")
        oldest = self.world.clock - MEMORY
        after: tuple[str, int] = ("", 0)
        if "cursor" in query:
            place = _open_cursor(query["cursor"])
            after = (str(place[0]), int(place[1]))
        elif "start_date" in query:
            start = _rfc3339(query["start_date"])
            if start < oldest:
                return _error(422, "start_date cannot be older than 4 weeks")
            oldest = start
        changes = [
            change
            for change in found
            if change.at >= oldest and (moment(change.at), change.id) > after
        ]
        changes.sort(key=lambda change: (moment(change.at), change.id))
        limit = _limit(query.get("limit"), LARGEST_CHANGELOG_PAGE)
        items = [change.as_item() for change in changes[:limit]]
        last = changes[limit - 1] if len(changes) > limit else None
        return _page(items, _cursor(moment(last.at), last.id) if last else None)

    def _changes(
        self,
        kind: type[Customer] | type[Document],
        name: str,
        touched: Iterable[tuple[Customer | Document, datetime]],
    ) -> Iterable[_Change]:
        for row, at in touched:
            yield _Change(identifier(name, row.key), "insert", row.created_at, row.created_at)
            if at != row.created_at:
                yield _Change(identifier(name, row.key), "update", at, row.created_at)
        for gone in self.world.tombstones(kind):
            yield _Change(
                identifier(name, gone.key), "delete", gone.deleted_at, gone.row.created_at
            )


@dataclass(frozen=True)
class _Change:
    id: int
    operation: str
    at: datetime
    created_at: datetime

    def as_item(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "operation": self.operation,
            "processed_at": moment(self.at),
            "updated_at": moment(self.at),
            "created_at": moment(self.created_at),
        }


@dataclass
class _FecExport:
    id: int
    period_start: date
    period_end: date
    made_at: datetime
    is_ready: bool = False

    def as_item(self, *, is_ready: bool = False) -> dict[str, Any]:
        at = moment(self.made_at)
        status = "ready" if is_ready else "pending"
        return {"id": self.id, "status": status, "created_at": at, "updated_at": at}


# ---------------------------------------------------------------------- listings


def _listing(
    request: Request,
    rows: Mapping[int, R],
    write: Callable[[int, R], dict[str, Any]],
    filterable: set[str],
) -> Response:
    """A page in the order of ids. A cursor is the last id of the page before: sort and filter are
    those of this request, and are the default where it names none."""
    query = request.query_params
    sort = query.get("sort", "-id")
    if sort not in ("id", "-id"):
        raise _BadRequest(f"sort {sort} is not served here: id or -id")
    is_kept = _filter(query.get("filter"), filterable)
    limit = _limit(query.get("limit"), LARGEST_PAGE)
    ids = sorted(rows, reverse=sort == "-id")
    if "cursor" in query:
        (place,) = _open_cursor(query["cursor"])
        ids = [id for id in ids if (id < int(place) if sort == "-id" else id > int(place))]
    if "filter" in query:
        ids = [id for id in ids if is_kept(write(id, rows[id]))]
    shown = ids[:limit]
    items = [write(id, rows[id]) for id in shown]
    return _page(items, _cursor(shown[-1]) if len(ids) > limit else None)


def _page(items: list[dict[str, Any]], next_cursor: str | None) -> Response:
    return answer_json(
        {"items": items, "has_more": next_cursor is not None, "next_cursor": next_cursor}
    )


def _limit(text: str | None, largest: int) -> int:
    if text is None:
        return PAGE_RECORDS
    if not text.isdecimal():
        raise _BadRequest(f"{text} is not an integer", "ValidateError")
    if int(text) < 1:
        raise _BadRequest(f"{text} is less than minimum value", "LessThanMinimum")
    if int(text) > largest:
        raise _BadRequest(f"{text} is more than maximum value", "MoreThanMaximum")
    return int(text)


def _filter(text: str | None, filterable: set[str]) -> Callable[[dict[str, Any]], bool]:
    """`[{"field": "date", "operator": "gteq", "value": "2026-01-01"}]`: all must hold."""
    try:
        conditions = json.loads(text) if text else []
        asked = [(c["field"], c["operator"], c["value"]) for c in conditions]
    except (ValueError, TypeError, KeyError):
        raise _BadRequest("filter is not valid") from None
    for field, operator, _ in asked:
        if field not in filterable or operator not in _OPERATORS:
            raise _BadRequest(f"{field} cannot be filtered by {operator}")

    def is_kept(item: dict[str, Any]) -> bool:
        return all(
            _OPERATORS[operator](_filtered_value(item, field), _texts(field, value))
            for field, operator, value in asked
        )

    return is_kept


def _filtered_value(item: dict[str, Any], field: str) -> str:
    if field in _NAMED_PARTS:
        return _comparable(field, item[_NAMED_PARTS[field]]["id"])
    if field == "credit_note":
        return str(item["status"] == "credit_note").lower()
    return _comparable(field, item[field])


def _texts(field: str, value: Any) -> list[str]:
    return [_comparable(field, part) for part in (value if isinstance(value, list) else [value])]


def _comparable(field: str, value: Any) -> str:
    """Ids padded, so that they compare as text in the order of numbers."""
    text = str(value).lower()
    return text.zfill(20) if field == "id" or field in _NAMED_PARTS else text


_NAMED_PARTS = {
    "customer_id": "customer",
    "journal_id": "journal",
    "ledger_account_id": "ledger_account",
}
_OPERATORS: Mapping[str, Callable[[str, list[str]], bool]] = {
    "eq": lambda found, asked: found == asked[0],
    "not_eq": lambda found, asked: found != asked[0],
    "in": lambda found, asked: found in asked,
    "not_in": lambda found, asked: found not in asked,
    "lt": lambda found, asked: found < asked[0],
    "lteq": lambda found, asked: found <= asked[0],
    "gt": lambda found, asked: found > asked[0],
    "gteq": lambda found, asked: found >= asked[0],
}


# ---------------------------------------------------------------------- values


def _gone() -> Response:
    return _error(404, "Not Found")


def _rfc3339(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _BadRequest(f"{text} is not a date-time", "InvalidDateTimeFormat") from None
    if at.tzinfo is None:
        raise _BadRequest(f"{text} is not a date-time", "InvalidDateTimeFormat")
    return at


def _cursor(*place: object) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def _open_cursor(cursor: str) -> list[Any]:
    try:
        place = json.loads(urlsafe_b64decode(cursor))
    except ValueError:
        raise _BadRequest("The cursor is invalid") from None
    if not isinstance(place, list):
        raise _BadRequest("The cursor is invalid")
    return place


_CONDITIONS = {
    "comptant": "upon_receipt",
    "upon receipt": "upon_receipt",
    "0": "upon_receipt",
    "7 days": "7_days",
    "15 days": "15_days",
    "30": "30_days",
    "30 days": "30_days",
    "30 jours": "30_days",
    "30 jours net": "30_days",
    "30 days end of month": "30_days_end_of_month",
    "30 jours fin de mois": "30_days_end_of_month",
    "45 days": "45_days",
    "45 jours": "45_days",
    "45 days end of month": "45_days_end_of_month",
    "45 jours fin de mois": "45_days_end_of_month",
    "60 days": "60_days",
    "60 jours": "60_days",
}


def _payment_conditions(terms: str) -> str:
    return _CONDITIONS.get(terms.strip().lower(), "custom")
