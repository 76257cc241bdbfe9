"""Xero, the Accounting API 2.0, read only.

Sources: the published OpenAPI documents (XeroAPI/Xero-OpenAPI 16.1.0) and the pages of
developer.xero.com on OAuth 2.0, limits, and requests and responses (2024 to 2026).

Access is OAuth 2.0, authorisation code. An access token lives 30 minutes; a refresh token is worth
one renewal and dies after 60 days unused. One authorisation may open several organisations
(tenants): `Xero-Tenant-Id` selects one, and is sent with every request but the one that lists them.
Custom connections (client credentials) are not supported yet.

Listings are walked by page number, up to 1,000 records at a time (100 unless asked for; the vendor
announced the larger page for July 2024), from the oldest change to the latest: what is made or
changed meanwhile moves to the end. What then slips past an unread page is missing from the total
that the listing states, and the reading starts again. What changed since a moment is asked by
`If-Modified-Since`, which counts whole seconds. What refers to something is read before what it
refers to (payments, credits, invoices, contacts).

Void and deleted records stay in the listings with their status. Not every change counts as one:
the vendor's page on requests names due dates of partly paid invoices, and of contacts `IsCustomer`
and `IsSupplier`. A reading of everything finds those; nothing rests on the two flags.

60 requests a minute and 5,000 a day are permitted for each organisation. When the day ends, only a
refused request tells (Retry-After): the run ends there, and says when to come back.

Not known, and so not relied on:

- whether a change of the expected payment date counts as a change of its invoice, and who set it;
- whether a listing still has an allocation that was deleted: with `IsDeleted` or without it at all,
  it settles nothing;
- what `includeArchived` adds to the invoices, whose status is never ARCHIVED: not asked for;
- which fields `summaryOnly` leaves out: not asked for;
- which other filters find payments of customers only: all are read, suppliers' too.

Not read: bank transactions, manual journals and journals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from encours.clients.api import Access, Exchange, Window
from encours.clients.http import ApiSession, Limits, Patience, Response
from encours.clients.oauth import (
    Application,
    how_to_authorise,
    registered_application,
    renewed_token,
)
from encours.clients.pagination import Page, by_page
from encours.clients.xero_records import KINDS, items_of, key_of, read_records
from encours.errors import FatalError

__all__ = ["XeroClient", "application", "open_client", "read_records"]

BASE_URL = "https://api.xero.com"
AUTHORIZE_URL = "https://login.xero.com/identity/connect/authorize"
TOKEN_URL = "https://identity.xero.com/connect/token"
API = "/api.xro/2.0"
# Those of an app that was made from 2 March 2026 on; an older one may need accounting.transactions.
SCOPES = (
    "offline_access",
    "accounting.invoices.read",
    "accounting.payments.read",
    "accounting.banktransactions.read",
    "accounting.contacts.read",
    "accounting.settings.read",
)
LIMITS = (Limits(requests=60, seconds=60.0), Limits(requests=5000, seconds=86400.0))
PAGE_RECORDS = 1000

_BY_CHANGE = {"order": "UpdatedDateUTC ASC"}
_ORGANISATIONS = "organisations"
_MOST_NAMED = 5


def open_client(access: Access, *, patience: Patience | None = None) -> XeroClient:
    return XeroClient(access, patience=patience)


def application(access: Access) -> Application:
    return registered_application(
        access,
        vendor="Xero",
        is_stand_in=access.base_url not in ("", BASE_URL),
        authorize_url=AUTHORIZE_URL,
        token_url=TOKEN_URL,
        scopes=tuple(access.options.get("scopes", "").split()) or SCOPES,
        wants_basic=True,
    )


class XeroClient:
    """One organisation of one authorisation."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        self._name = access.connection_id
        self._token = renewed_token(access, application(access))
        self._wanted = access.options.get("tenant_id", "")
        self._page_size = access.number("page_size", PAGE_RECORDS, PAGE_RECORDS)
        self._tenant = ""
        self._session = ApiSession(
            self._name,
            access.base_url or BASE_URL,
            headers=self._headers,
            limits=LIMITS,
            renew=self._token.renew,
            patience=patience,
        )

    def company_id(self) -> str:
        """The organisation that the connection names, else the only one."""
        if not self._tenant:
            self._tenant = self._chosen(self._tenants())
        return self._tenant

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        self.company_id()
        if stream == _ORGANISATIONS:
            yield self._get(f"{API}/{KINDS[stream].path}").exchange()
        else:
            fetch = partial(self._page, stream, window)
            yield from by_page(fetch, what=f"{self._name} {stream}")

    def close(self) -> None:
        self._session.close()

    def _headers(self) -> Mapping[str, str]:
        selected = {"Xero-Tenant-Id": self._tenant} if self._tenant else {}
        return {**self._token.headers(), "Accept": "application/json", **selected}

    def _get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        response = self._session.get(path, params or {}, headers)
        self._token.note(response.answered_at)
        return response

    def _tenants(self) -> Mapping[str, str]:
        """Names by id. A practice is no organisation: it has no books."""
        value = self._get("/Connections").json()
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise FatalError(f"{self._name}: the list of connections has an unknown shape")
        return {
            str(each.get("tenantId")): str(each.get("tenantName") or "no name")
            for each in value
            if each.get("tenantId") and each.get("tenantType") == "ORGANISATION"
        }

    def _chosen(self, tenants: Mapping[str, str]) -> str:
        if self._wanted:
            if self._wanted in tenants:
                return self._wanted
            what = f"the organisation {self._wanted} is not among those that are authorised"
        elif len(tenants) == 1:
            return next(iter(tenants))
        elif not tenants:
            what = "the authorisation opens no organisation"
        else:
            what = f"the authorisation opens {len(tenants)} organisations, name one by tenant_id"
        named = ", ".join(f"{key} ({name})" for key, name in list(tenants.items())[:_MOST_NAMED])
        raise FatalError(
            f"{self._name}: {what}{': ' if named else ''}{named} ({how_to_authorise(self._name)})"
        )

    def _page(self, stream: str, window: Window, number: int) -> Page:
        kind = KINDS[stream]
        asked = {**kind.params, **_BY_CHANGE, "page": str(number), "pageSize": str(self._page_size)}
        response = self._get(f"{API}/{kind.path}", asked, _since(window))
        value = response.json()
        keys = [key_of(stream, item) for item in items_of(stream, value)]
        pages = _pages(value)
        total = pages.get("itemCount")
        last = pages.get("pageCount")
        return Page(
            replace(response.exchange(), stated_total=total),
            keys,
            # Without an envelope, as the vendor once answered, an empty page is the end.
            has_next=None if last is None else number < last,
        )


def _pages(value: Mapping[str, Any]) -> Mapping[str, int]:
    found = value.get("pagination")
    if not isinstance(found, dict):
        return {}
    return {name: count for name, count in found.items() if isinstance(count, int)}


def _since(window: Window) -> Mapping[str, str]:
    """To the second, as the vendor counts; whether that second is included is not known."""
    if window.since is None:
        return {}
    moment = window.since.astimezone(UTC) - timedelta(seconds=1)
    return {"If-Modified-Since": _written(moment)}


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
