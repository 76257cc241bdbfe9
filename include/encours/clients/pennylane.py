"""Pennylane, the Company API v2, read only.

What is said of the vendor here comes from the published OpenAPI document of the Company API v2 and
its guides on pagination, rate limits, errors and data changes (pennylane.readme.io, 2026).

Access is a company token, sent as Bearer: it is made in Pennylane's settings and lasts until it is
revoked. Or it is an app registered with Pennylane (OAuth 2.0, authorisation code): its access token
lives a day, its refresh token 90 days and for one renewal, which kills the pair before. Tokens are
issued at /oauth/token by the guides, at /oauth/oauth/token by the specification: a connection may
name the address. The scopes needed are `customers:readonly` and `customer_invoices:readonly`; with
`ledger_entries:readonly` the ledger is read, too. Which ones a token has, the profile says.

Listings are walked by cursor in ascending id, so that a record made meanwhile comes at the end.
What changed since a moment is asked of the changelogs, which name ids and remember four weeks, and
is then read one by one.

What settles the invoices is told by the ledger, where it may be read and the company's chart of
accounts is French: the lines of customers' accounts are lettered, and each names the lines that it
is lettered with. All lines are listed, since only its other lines tell what an entry is; of those
that concern no receivable (salaries, purchases) nothing is kept. What was made since a moment is
listed from its smallest id on, a hundred to an answer; what was changed is read one by one, and so
is what a line is lettered with: that lettering changes all of its lines, the vendor does not state.

Else it is told by the transactions that an invoice is matched with. They are one record per
invoice, whose payload holds the whole list: one that is unmatched later is gone with the next
reading of that invoice. Invoices that are drafts or archived have none (by the specification),
quotes and orders are never paid. That a matching counts as a change of its invoice is not stated by
the vendor: where it does not, the next full reading shows it. A company is read by the one or the
other: nothing names the line that a transaction was booked by, so both would count money twice.

Not used: an invoice's `payments` (what Pennylane's own collection initiated; the money itself is
the matched transaction), and bank transactions that match nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from encours.clients.api import Access, Client, Exchange, Record, Window, WindowTooOld
from encours.clients.http import ApiSession, Limits, Patience, Response, pause_at_reset
from encours.clients.ledger_periods import Period, fec_periods
from encours.clients.oauth import Application, registered_application, renewed_token
from encours.clients.pagination import Page, by_cursor
from encours.clients.pennylane_fec import EXPORT_SCOPE, export_fec
from encours.clients.pennylane_records import (
    COMPANIES,
    CUSTOMERS,
    INVOICES,
    LINES,
    MATCHES,
    PATH,
    ROOT,
    Fields,
    is_gone,
    lettered_with,
    list_of,
    read_records,
)
from encours.errors import EncoursError, FatalError

BASE_URL = "https://app.pennylane.com"
AUTHORIZE_URL = f"{BASE_URL}/oauth/authorize"
TOKEN_URL = f"{BASE_URL}/oauth/token"
SCOPES = ("customers:readonly", "customer_invoices:readonly", "ledger_entries:readonly")
LEDGER_SCOPES = frozenset({"ledger_entries:readonly", "ledger_entries:all"})
# `accounting_logic` of a company whose accounts have the numbers of the French chart.
FRENCH_CHART = "FR_"
# Guide "Rate limiting in API v2", 2026-02-06: per token, whatever the endpoint.
LIMITS = Limits(requests=25, seconds=5.0)
# The largest pages that the specification allows.
PAGE_RECORDS = 100
CHANGELOG_RECORDS = 1000

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


def open_client(access: Access, *, patience: Patience | None = None) -> Client:
    """The client of the company whose token is the connection's password."""
    return PennylaneClient(access, patience)


def export_ledger(client: Client, period: Period, folder: Path) -> Path:
    """The FEC of a period, in a file of the folder."""
    assert isinstance(client, PennylaneClient)
    return client.export_fec(period, folder)


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
        scopes=(*SCOPES, EXPORT_SCOPE) if fec_periods(access) else SCOPES,
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
        fec_periods(access)  # One that cannot be read is told when the connection is made.
        self._access = access
        self._patience = patience or Patience()
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
            patience=self._patience,
        )
        # What a reading of invoices named, for the reading of their transactions after it.
        self._named: tuple[Window, tuple[str, ...]] | None = None
        self._company: Record | None = None

    def company_id(self) -> str:
        (self._company,) = read_records(COMPANIES, self._me())
        return self._company.key

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        if stream == COMPANIES:
            yield self._me()
        elif stream == CUSTOMERS:
            yield from self._read_kind(CUSTOMERS, window, {})
        elif stream == INVOICES:
            yield from self._read_invoices(window)
        elif stream == LINES:
            if self._has_ledger():
                yield from self._read_lines(window)
        elif stream == MATCHES:
            if not self._has_ledger():
                yield from self._read_matches(window)
        else:
            raise FatalError(f"{self._session.name}: Pennylane has no stream {stream}")

    def export_fec(self, period: Period, folder: Path) -> Path:
        if self._company is None:
            self.company_id()
        assert self._company is not None
        # A SIRET (14 digits) begins with the SIREN.
        siren = str(self._company.payload["reg_no"])[:9]
        return export_fec(self._session, self._access, siren, period, folder, self._patience)

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------------ streams

    def _me(self) -> Exchange:
        return self._session.get(f"{ROOT}/me").exchange()

    def _has_ledger(self) -> bool:
        """Whether the ledger tells what settles the invoices: the models ask the same of the
        company's record."""
        if self._company is None:
            self.company_id()
        assert self._company is not None
        company = self._company.payload
        is_french = str(company["accounting_logic"]).startswith(FRENCH_CHART)
        return is_french and not LEDGER_SCOPES.isdisjoint(company["scopes"])

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
        def note(record: Fields) -> str:
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

        def note(change: Fields) -> str:
            key, operation = change.identifier("id"), change.text("operation")
            operations[key] = operation
            return f"{key} {operation} {change.text('processed_at')}"

        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        start = {"start_date": moment}
        return self._walk(f"{ROOT}/changelogs/{kind}", {}, CHANGELOG_RECORDS, note, start=start)

    def _read_lines(self, window: Window) -> Iterator[Exchange]:
        path = f"{ROOT}/{LINES}"
        # Of the lines that were read, those that they are lettered with.
        lettered: dict[str, tuple[str, ...]] = {}

        def note(line: Fields) -> str:
            key = line.identifier("id")
            if window.since is not None:
                lettered[key] = lettered_with(line)
            return key

        if window.since is None:
            yield from self._walk(path, {"sort": "id"}, PAGE_RECORDS, note)
            return
        operations: dict[str, str] = {}
        yield from self._read_changes(LINES, window.since, operations)
        made = [int(key) for key, operation in operations.items() if operation == "insert"]
        if made:
            since_then = {"field": "id", "operator": "gteq", "value": str(min(made))}
            params = {"sort": "id", "filter": json.dumps([since_then])}
            yield from self._walk(path, params, PAGE_RECORDS, note)
        waiting = [key for key, operation in operations.items() if operation == "update"]
        asked: set[str] = set()
        while waiting:
            for key in waiting:
                response = self._get(f"{path}/{key}")
                yield response.exchange()
                if response.status != 404:
                    note(Fields(f"{self._session.name}: {path}/{key}", response.json()))
            asked.update(waiting)
            named = dict.fromkeys(other for others in lettered.values() for other in others)
            waiting = [key for key in named if key not in lettered and key not in asked]

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
        note: Callable[[Fields], str],
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
            keys = [note(Fields(where, value)) for value in list_of(where, body)]
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
        is_record = (found := PATH.search(path)) is not None and (found["one"] or found["matched"])
        if response.status == 404 and not (is_record and is_gone(_body_of(response))):
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
