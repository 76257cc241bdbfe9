"""Pennylane, the Company API v2, read only.

What is said of the vendor here comes from the published OpenAPI document of the Company API v2 and
its guides on pagination, rate limits, errors and data changes (pennylane.readme.io, 2026).

Access is a company token, sent as Bearer: it is made in Pennylane's settings and lasts until it is
revoked. Or it is an app registered with Pennylane (OAuth 2.0, authorisation code): its access token
lives a day, its refresh token 90 days and for one renewal, which kills the pair before. Tokens are
issued at /oauth/token by the guides, at /oauth/oauth/token by the specification: a connection may
name the address. The scopes needed are `customers:readonly` and `customer_invoices:readonly`.

Listings are walked by cursor in ascending id, so that a record made meanwhile comes at the end.
What changed since a moment is asked of the changelogs, which name ids and remember four weeks, and
is then read one by one.

The transactions that an invoice is matched with are one record per invoice, whose payload holds the
whole list: one that is unmatched later is gone with the next reading of that invoice. Invoices that
are drafts or archived have none (by the specification), quotes and orders are never paid. That a
matching counts as a change of its invoice is not stated by the vendor: where it does not, the next
full reading shows it.

Not used: an invoice's `payments` (what Pennylane's own collection initiated; the money itself is
the matched transaction), bank transactions that match nothing, and the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from encours.clients.api import Access, Client, Exchange, Record, Window, WindowTooOld
from encours.clients.http import ApiSession, Limits, Patience, Response, pause_at_reset
from encours.clients.json_numbers import read_json
from encours.clients.oauth import Application, registered_application, renewed_token
from encours.clients.pagination import Page, by_cursor
from encours.errors import EncoursError, FatalError

BASE_URL = "https://app.pennylane.com"
AUTHORIZE_URL = f"{BASE_URL}/oauth/authorize"
TOKEN_URL = f"{BASE_URL}/oauth/token"
SCOPES = ("customers:readonly", "customer_invoices:readonly")
ROOT = "/api/external/v2"
# Guide "Rate limiting in API v2", 2026-02-06: per token, whatever the endpoint.
LIMITS = Limits(requests=25, seconds=5.0)
# The largest pages that the specification allows.
PAGE_RECORDS = 100
CHANGELOG_RECORDS = 1000

COMPANIES = "companies"
CUSTOMERS = "customers"
INVOICES = "customer_invoices"
MATCHES = "matched_transactions"

# Invoices of which the specification says that the list is empty, and what is no invoice.
NEVER_MATCHED = frozenset(
    {
        "archived",
        "draft",
        "proforma",
        "shipping_order",
        "purchasing_order",
        "estimate_pending",
        "estimate_accepted",
        "estimate_invoiced",
        "estimate_denied",
    }
)

_PATH = re.compile(
    rf"{ROOT}/(?:(?P<me>me)"
    rf"|changelogs/(?P<log>{CUSTOMERS}|{INVOICES})"
    rf"|{INVOICES}/(?P<matched>\d+)/{MATCHES}"
    rf"|(?P<kind>{CUSTOMERS}|{INVOICES})(?:/(?P<one>\d+))?)$"
)
# Not \d, which also means the digits of other scripts.
_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def open_client(access: Access, *, patience: Patience | None = None) -> Client:
    """The client of the company whose token is the connection's password."""
    return PennylaneClient(access, patience)


def application(access: Access) -> Application | None:
    """None for a company token, which needs no app: a connection with a client id (login) is that
    of an app."""
    if not access.login:
        return None
    return registered_application(
        access,
        vendor="Pennylane",
        is_stand_in=access.base_url not in ("", BASE_URL),
        authorize_url=AUTHORIZE_URL,
        token_url=access.options.get("token_url") or TOKEN_URL,
        scopes=SCOPES,
        wants_basic=False,
    )


class PennylaneClient:
    """One company. `company_id` is the id that `/me` gives it."""

    def __init__(self, access: Access, patience: Patience | None = None) -> None:
        if not access.secret:
            raise FatalError(
                f"{access.connection_id}: the connection has no password"
                " (put the company's API token there)"
            )
        app = application(access)
        token = renewed_token(access, app) if app else None
        self._session = ApiSession(
            access.connection_id,
            access.base_url or BASE_URL,
            headers=token.headers
            if token
            else lambda: {"Authorization": f"Bearer {access.secret}"},
            renew=token.renew if token else None,
            limits=LIMITS,
            pause=pause_at_reset(),
            patience=patience,
            source="pennylane",
        )
        # What a reading of invoices named, for the reading of their transactions after it.
        self._named: tuple[Window, tuple[str, ...]] | None = None

    def company_id(self) -> str:
        (company,) = read_records(COMPANIES, self._me())
        return company.key

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        if stream == COMPANIES:
            yield self._me()
        elif stream == CUSTOMERS:
            yield from self._read_kind(CUSTOMERS, window, {})
        elif stream == INVOICES:
            yield from self._read_invoices(window)
        elif stream == MATCHES:
            yield from self._read_matches(window)
        else:
            raise FatalError(f"{self._session.name}: Pennylane has no stream {stream}")

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------------ streams

    def _me(self) -> Exchange:
        return self._session.get(f"{ROOT}/me").exchange()

    def _read_invoices(self, window: Window) -> Iterator[Exchange]:
        named: dict[str, None] = {}
        yield from self._read_kind(INVOICES, window, named)
        self._named = (window, tuple(named))

    def _read_kind(self, kind: str, window: Window, named: dict[str, None]) -> Iterator[Exchange]:
        """All records, or those that the changelog names. `named` gets the ids of the invoices
        that can be matched with a transaction, or could be before they changed."""
        if window.since is None:
            yield from self._read_all(kind, named)
            return
        operations: dict[str, str] = {}
        yield from self._read_changes(kind, window.since, operations)
        named.update(dict.fromkeys(operations))
        for key, operation in operations.items():
            if operation != "delete":
                yield self._get(f"{ROOT}/{kind}/{key}").exchange()

    def _read_all(self, kind: str, named: dict[str, None]) -> Iterator[Exchange]:
        def note(record: _Fields) -> str:
            key = record.identifier("id")
            if record.value.get("status") not in NEVER_MATCHED:
                named[key] = None
            return key

        return self._walk(f"{ROOT}/{kind}", {"sort": "id"}, PAGE_RECORDS, note)

    def _read_changes(
        self, kind: str, since: datetime, operations: dict[str, str]
    ) -> Iterator[Exchange]:
        """The changelog; `operations` gets the last one of each record that it names. WindowTooOld
        where it does not reach back so far. The start goes with the first request only: the vendor
        refuses both it and a cursor."""

        def note(change: _Fields) -> str:
            key, operation = change.identifier("id"), change.text("operation")
            operations[key] = operation
            return f"{key} {operation} {change.text('processed_at')}"

        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        start = {"start_date": moment}
        return self._walk(f"{ROOT}/changelogs/{kind}", {}, CHANGELOG_RECORDS, note, start=start)

    def _read_matches(self, window: Window) -> Iterator[Exchange]:
        for invoice in self._invoices_of(window):
            yield self._matches(invoice)

    def _invoices_of(self, window: Window) -> tuple[str, ...]:
        """Those that the reading of invoices named, if it was as long or longer; else asked for."""
        if self._named is not None:
            read, invoices = self._named
            if read == window:
                return invoices
            if read.since is not None and window.since is not None and read.since <= window.since:
                return invoices
        named: dict[str, None] = {}
        operations: dict[str, str] = {}
        if window.since is None:
            exchanges = self._read_all(INVOICES, named)
        else:
            exchanges = self._read_changes(INVOICES, window.since, operations)
        for _ in exchanges:
            pass
        return (*named, *operations)

    def _matches(self, invoice: str) -> Exchange:
        """The answers of one invoice, as one exchange: one answer, or a list of them where the
        invoice has more transactions than fit a page."""
        path = f"{ROOT}/{INVOICES}/{invoice}/{MATCHES}"
        pages = list(
            self._walk(path, {"sort": "id"}, PAGE_RECORDS, lambda value: value.identifier("id"))
        )
        if len(pages) == 1:
            return pages[0]
        whole = b"[" + b",".join(page.body for page in pages) + b"]"
        return Exchange(pages[0].request, whole, pages[0].answered_at)

    # ------------------------------------------------------------------ requests

    def _walk(
        self,
        path: str,
        params: Mapping[str, str],
        limit: int,
        note: Callable[[_Fields], str],
        start: Mapping[str, str] | None = None,
    ) -> Iterator[Exchange]:
        """The pages of a listing. What it is asked by goes with every cursor: a cursor is a place
        in the listing, and remembers nothing else. `note` gives the key of a record."""
        where = f"{self._session.name}: {path}"

        def fetch(cursor: str | None) -> Page:
            place = {"cursor": cursor} if cursor else start or {}
            response = self._get(path, {**params, "limit": str(limit), **place}, is_log=bool(start))
            if response.status == 404:
                return Page(response.exchange(), (), has_next=False)
            body = response.json()
            keys = [note(_Fields(where, value)) for value in _list_of(where, body)]
            return Page(response.exchange(), keys, body.get("has_more"), body.get("next_cursor"))

        return by_cursor(fetch, what=where)

    def _get(
        self, path: str, params: Mapping[str, str] | None = None, *, is_log: bool = False
    ) -> Response:
        """The answer, or that of the vendor that the record is gone."""
        handled = (404, 422) if is_log else (404,)
        response = self._session.get(path, params or {}, handled=handled)
        if response.status == 422:
            raise WindowTooOld(
                f"{self._session.name}: Pennylane remembers the changes of four weeks, no longer"
                f" those since {(params or {}).get('start_date', 'the start of the listing')}"
            )
        # A proxy's 404, or that of a wrong address, deletes nothing.
        is_record = (found := _PATH.search(path)) is not None and (found["one"] or found["matched"])
        if response.status == 404 and not (is_record and _is_gone(_body_of(response))):
            raise FatalError(
                f"{self._session.name}: {path}: answered 404, but not as Pennylane does for a"
                " record that is gone (check the connection's host)"
            )
        return response


def _body_of(response: Response) -> Any:
    try:
        return response.json()
    except EncoursError:
        return None


# ---------------------------------------------------------------------- records of an exchange


def read_records(stream: str, exchange: Exchange) -> Iterator[Record]:
    """The records of one answer. A customer or invoice that is 404, or that the changelog says is
    deleted, is a deleted record. FatalError where the answer has not the documented shape."""
    where = f"pennylane: {stream}"
    path = _PATH.search(exchange.request.partition("?")[0])
    if path is None:
        raise FatalError(f"{where}: the landed request is none of this stream's")
    body = read_json(exchange.body)
    if stream == COMPANIES and path["me"]:
        yield _company(_Fields(where, body))
    elif stream == MATCHES and path["matched"]:
        yield _matches(where, path["matched"], body)
    elif stream in (CUSTOMERS, INVOICES) and path["log"] == stream:
        yield from _deletions(where, body)
    elif stream in (CUSTOMERS, INVOICES) and path["kind"] == stream:
        if path["one"] and _is_gone(body):
            yield Record(path["one"], {}, is_deleted=True)
            return
        for value in [body] if path["one"] else _list_of(where, body):
            yield _one(stream, where, value)
    else:
        raise FatalError(f"{where}: the landed request is none of this stream's")


def _company(profile: _Fields) -> Record:
    """Of the profile only the company: who made the token is nobody's business."""
    company = profile.part("company")
    if company is None:
        raise FatalError(f"{profile.where}: the profile names no company")
    key = company.identifier("id")
    company.text("name")
    company.text("reg_no")
    return Record(key, company.value)


def _one(stream: str, where: str, value: Any) -> Record:
    fields = _Fields(where, value)
    key = fields.identifier("id")
    fields = _Fields(f"{where} {key}", value)
    updated_at = fields.moment("updated_at")
    if stream == CUSTOMERS:
        fields.text("name")
        fields.text("payment_conditions")
        return Record(key, fields.value, updated_at)
    for name in ("invoice_number", "currency", "status"):
        fields.text(name)
    for name in ("amount", "currency_amount", "currency_amount_before_tax", "exchange_rate"):
        fields.amount(name)
    fields.amount("remaining_amount_with_tax", nullable=True)
    fields.day("date", nullable=True)
    fields.day("deadline", nullable=True)
    fields.flag("draft")
    for name in ("customer", "credited_invoice"):
        part = fields.part(name)
        if part is not None:
            part.identifier("id")
    # An address that is good for 30 minutes: with it, no invoice would ever be unchanged.
    payload = {name: part for name, part in fields.value.items() if name != "public_file_url"}
    return Record(key, payload, updated_at)


def _matches(where: str, invoice: str, body: Any) -> Record:
    """One record per invoice. Of a transaction what moves money, and who paid: the analytical
    categories and the employee behind a card are left in the landing zone."""
    if _is_gone(body):
        return Record(invoice, {}, is_deleted=True)
    where = f"{where} of invoice {invoice}"
    pages = body if isinstance(body, list) else [body]
    transactions: dict[str, Mapping[str, Any]] = {}
    for value in [value for page in pages for value in _list_of(where, page)]:
        fields = _Fields(where, value)
        key = fields.identifier("id")
        fields.day("date")
        for name in ("amount", "currency_amount"):
            fields.amount(name)
        fields.text("currency", nullable=True)
        fields.text("archived_at", nullable=True)
        left_out = ("categories", "pro_account_expense")
        transactions[key] = {n: v for n, v in fields.value.items() if n not in left_out}
    return Record(
        invoice,
        {"invoice_id": int(invoice), "transactions": [transactions[k] for k in transactions]},
    )


def _deletions(where: str, body: Any) -> Iterator[Record]:
    """The ids whose last operation in this page is a deletion. What was made or changed is read by
    its id, after the changelog."""
    last: dict[str, _Fields] = {}
    for value in _list_of(where, body):
        fields = _Fields(where, value)
        last[fields.identifier("id")] = fields
    for key, fields in last.items():
        if fields.text("operation") == "delete":
            # Without a moment: of a record that came back, the reading after this one counts.
            yield Record(key, {}, is_deleted=True)


def _is_gone(body: Any) -> bool:
    """The vendor's 404, in either of its shapes: `{error, status}` or `{error, message}`."""
    return isinstance(body, dict) and "id" not in body and isinstance(body.get("error"), str)


def _list_of(where: str, body: Any) -> list[Any]:
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise FatalError(f"{where}: the answer has no list of items")
    return items


class _Fields:
    """The fields of one object as the specification gives them: what the models rest on has its
    type, or there is one line that says what has not. Money may come as a number as well; an
    unknown word is let through, the models judge it."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise FatalError(f"{where}: a record is not an object")
        self.where = where
        self.value: dict[str, Any] = value

    def identifier(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return str(value)

    def text(self, name: str, *, nullable: bool = False) -> str:
        value = self._get(name)
        if value is None and nullable:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def amount(self, name: str, *, nullable: bool = False) -> None:
        value = self._get(name)
        if value is None and nullable:
            return
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _AMOUNT.fullmatch(value)):
            raise self._wrong(name, "a decimal amount")

    def day(self, name: str, *, nullable: bool = False) -> None:
        value = self._get(name)
        if value is None and nullable:
            return
        try:
            date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._wrong(name, "a date") from None

    def moment(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self._get(name))
        except (TypeError, ValueError):
            raise self._wrong(name, "a moment") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def flag(self, name: str) -> None:
        if not isinstance(self._get(name), bool):
            raise self._wrong(name, "true or false")

    def part(self, name: str) -> _Fields | None:
        """An object in the object, which may be null."""
        value = self._get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return None if value is None else _Fields(self.where, value)

    def _get(self, name: str) -> Any:
        if name not in self.value:
            raise FatalError(f"{self.where}: has no field {name} (has Pennylane's API changed?)")
        return self.value[name]

    def _wrong(self, name: str, wanted: str) -> FatalError:
        return FatalError(f"{self.where}: {name} is not {wanted} (has Pennylane's API changed?)")
