"""Sage Business Cloud Accounting, API v3.1, read only.

Sources: the published OpenAPI document of v3.1 and the vendor's guides on authentication,
pagination, payments and errors (developer.sage.com/accounting/guides, 2024 to 2026).

Access is OAuth 2.0, authorisation code only. An access token lives five minutes, a refresh token 31
days and for one renewal. The user who authorises needs to read Sales, Bank, Contacts and Settings;
the specification asks for full access to Sales, Purchases and Contacts to list allocations.
`X-Business` selects the company; without it the user's lead business answers, so it is always sent.

Listings are walked by page number, on and on as `$next` says: beyond the end the last page is
answered again. They are ordered by the moment of creation where the specification allows an order,
so that a record made or changed meanwhile moves no other over a page border; contacts and opening
balances have no order that can be asked for. What refers to something is read before what it refers
to (allocations, payments, documents, contacts), so that what is referred to is there.

`updated_or_created_since` includes its moment, `deleted_since` does not. A full listing is not
asked for what was deleted: what is gone is missing from it.

Not known, and so not relied on:

- whether a payment counts as a change of the documents that it settles;
- whether documents that were voided are listed by `deleted_since`, by `updated_or_created_since`,
  or by both: both are read, and what a record says of itself decides;
- the request limits: third parties tell of 100 a minute for a company, with 2,500 or 5,000 a day.
  100 a minute is kept unless the connection says otherwise (`requests_per_minute`), and a 429 is
  obeyed.

Not read: corrective invoices, which stand in place of credit notes in Spain only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.http import ApiSession, Fault, FaultKind, Limits, Patience, Response
from encours.clients.json_numbers import read_json
from encours.clients.oauth import (
    Application,
    how_to_authorise,
    registered_application,
    renewed_token,
)
from encours.clients.pagination import Page, by_page
from encours.clients.vendor_messages import refusal
from encours.errors import FatalError

BASE_URL = "https://api.accounting.sage.com/v3.1"
AUTHORIZE_URL = "https://www.sageone.com/oauth2/auth/central?filter=apiv3.1"
TOKEN_URL = "https://oauth.accounting.sage.com/token"
SCOPES = ("readonly",)
# The largest page that the guide on pagination allows.
PAGE_RECORDS = 200
REQUESTS_PER_MINUTE = 100
_MOST_REQUESTS_PER_MINUTE = 10_000

_BY_CREATION = {"sort": "created_at:asc"}
_WITH_SETTLEMENTS = {"show_payments_allocations": "true"}
_MOST_NAMED = 5


@dataclass(frozen=True)
class _Listing:
    """A stream that is listed, once for each of `filters`."""

    filters: tuple[Mapping[str, str], ...] = ({},)
    options: Mapping[str, str] = field(default_factory=dict)


_LISTINGS: Mapping[str, _Listing] = {
    "contact_allocations": _Listing(
        ({"transaction_type_id": "CUSTOMER_ALLOCATION"},), _BY_CREATION
    ),
    "contact_payments": _Listing(
        (
            {"transaction_type_id": "CUSTOMER_RECEIPT"},
            {"transaction_type_id": "CUSTOMER_REFUND"},
        ),
        _BY_CREATION,
    ),
    "sales_quick_entries": _Listing(options=_BY_CREATION | _WITH_SETTLEMENTS),
    "sales_credit_notes": _Listing(options=_BY_CREATION | _WITH_SETTLEMENTS),
    "sales_invoices": _Listing(options=_BY_CREATION | _WITH_SETTLEMENTS),
    "contact_opening_balances": _Listing(({"contact_type_id": "CUSTOMER"},)),
    # Of nested records, `attributes` gives no more than their names: the address has the country.
    "contacts": _Listing(({"contact_type_id": "CUSTOMER"},), {"nested_attributes": "all"}),
}
# One object without an id of its own, whose key is the stream's name.
_SETTINGS = frozenset({"invoice_settings", "financial_settings"})
_BUSINESSES = "businesses"


def open_client(access: Access, *, patience: Patience | None = None) -> SageAccountingClient:
    return SageAccountingClient(access, patience=patience)


def application(access: Access) -> Application:
    return registered_application(
        access,
        vendor="Sage",
        is_stand_in=_base_url(access) != BASE_URL,
        authorize_url=AUTHORIZE_URL,
        token_url=TOKEN_URL,
        scopes=SCOPES,
        wants_basic=False,
    )


class SageAccountingClient:
    """One business of one user's authorisation."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        self._name = access.connection_id
        self._token = renewed_token(access, application(access))
        self._wanted = access.options.get("business_id", "")
        self._business = ""
        requests = access.number(
            "requests_per_minute", _MOST_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE
        )
        self._session = ApiSession(
            self._name,
            _base_url(access),
            headers=self._headers,
            limits=Limits(requests, 60.0),
            renew=self._token.renew,
            is_error=_fault,
            patience=patience,
        )

    def company_id(self) -> str:
        """The business that the connection names, else the only one."""
        if not self._business:
            self._business = self._chosen(self._businesses())
        return self._business

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        business = self.company_id()
        if stream == _BUSINESSES:
            yield self._get(f"/{_BUSINESSES}/{business}", {}).exchange()
        elif stream in _SETTINGS:
            yield self._get(f"/{stream}", {}).exchange()
        else:
            yield from self._listed(stream, _LISTINGS[stream], window)

    def close(self) -> None:
        self._session.close()

    def _headers(self) -> Mapping[str, str]:
        selected = {"X-Business": self._business} if self._business else {}
        return {**self._token.headers(), "Accept": "application/json", **selected}

    def _get(self, path: str, params: Mapping[str, str]) -> Response:
        response = self._session.get(path, params)
        self._token.note(response.answered_at)
        return response

    def _businesses(self) -> list[Mapping[str, Any]]:
        fetch = partial(self._page, _BUSINESSES, {})
        exchanges = by_page(fetch, what=f"{self._name} {_BUSINESSES}")
        return [item for exchange in exchanges for item in _items(_BUSINESSES, exchange)]

    def _chosen(self, businesses: list[Mapping[str, Any]]) -> str:
        ids = [_key(_BUSINESSES, business) for business in businesses]
        if self._wanted:
            if self._wanted in ids:
                return self._wanted
            what = f"the business {self._wanted} is not among those that the authorisation opens"
        elif len(ids) == 1:
            return ids[0]
        elif not ids:
            what = "the authorisation opens no business"
        else:
            what = f"the authorisation opens {len(ids)} businesses, name one by business_id"
        named = ", ".join(
            f"{key} ({business.get('displayed_as') or 'no name'})"
            for key, business in list(zip(ids, businesses, strict=True))[:_MOST_NAMED]
        )
        raise FatalError(
            f"{self._name}: {what}{': ' if named else ''}{named} ({how_to_authorise(self._name)})"
        )

    def _listed(self, stream: str, listing: _Listing, window: Window) -> Iterator[Exchange]:
        stated = 0
        for walk in _walks(listing, window):
            total = 0
            fetch = partial(self._page, stream, walk)
            for exchange in by_page(fetch, what=f"{self._name} {stream}"):
                if exchange.stated_total is not None:
                    total = max(total, exchange.stated_total)
                    exchange = replace(exchange, stated_total=stated + total)
                yield exchange
            stated += total

    def _page(self, stream: str, params: Mapping[str, str], number: int) -> Page:
        response = self._get(f"/{stream}", {**params, **_paged(stream, number)})
        value = response.json()
        total = value.get("$total") if isinstance(value, dict) else None
        exchange = response.exchange(total if isinstance(total, int) else None)
        return Page(
            exchange,
            [_key(stream, item) for item in _items(stream, exchange)],
            # The specification shows bare arrays, the guide the envelope; both end somewhere.
            has_next=bool(value.get("$next")) if isinstance(value, dict) else False,
        )


def _paged(stream: str, number: int) -> Mapping[str, str]:
    """The specification knows no parameter of the list of businesses, which is short."""
    if stream == _BUSINESSES:
        return {} if number == 1 else {"page": str(number)}
    return {"page": str(number), "items_per_page": str(PAGE_RECORDS)}


def _walks(listing: _Listing, window: Window) -> Iterator[Mapping[str, str]]:
    for chosen in listing.filters:
        common = {**chosen, **listing.options, "attributes": "all"}
        if window.since is None:
            yield common
        else:
            yield {**common, "updated_or_created_since": _moment(window.since)}
            # That moment itself is left out by the vendor.
            just_before = window.since - timedelta(seconds=1)
            yield {**common, "deleted_since": _moment(just_before)}


def _moment(moment: datetime) -> str:
    """To the second, as the vendor's clock tells; earlier rather than later."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _base_url(access: Access) -> str:
    return access.base_url or BASE_URL


def _fault(response: Response) -> Fault | None:
    """401 also for a subscription that has ended, 403 for a role that the user lacks."""
    said = refusal(response.body, response.request)
    words = f"answered {response.status}" + (f": {said}" if said else "")
    if response.status == 401:
        return Fault(words, FaultKind.CREDENTIALS)
    if response.status == 403:
        return Fault(
            f"{words} (the user who authorised needs full access to Sales, Purchases and Contacts,"
            " and to read Bank and Settings)"
        )
    return None


# ---------------------------------------------------------------------- records of an answer


def read_records(stream: str, exchange: Exchange) -> Iterable[Record]:
    """The records of one answer.

    A record of what was deleted is deleted, and so is any that has a `deleted_at`, but not a
    document with status VOID: it stays in the books under its number, void.
    """
    is_deletion = _asks_for_deletions(exchange.request)
    for item in _items(stream, exchange):
        deleted_at = _time(stream, item, "deleted_at")
        moments = [moment for moment in (_time(stream, item, "updated_at"), deleted_at) if moment]
        yield Record(
            key=_key(stream, item),
            payload=item,
            updated_at=max(moments, default=None),
            is_deleted=(is_deletion or deleted_at is not None) and not _is_void(item),
        )


def _asks_for_deletions(request: str) -> bool:
    return any(name == "deleted_since" for name, _ in parse_qsl(urlsplit(request).query))


def _items(stream: str, exchange: Exchange) -> list[Mapping[str, Any]]:
    value = read_json(exchange.body)
    if isinstance(value, dict) and "$items" in value:
        value = value["$items"]
    elif isinstance(value, dict) and (stream in _SETTINGS or "id" in value):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise FatalError(f"sage_accounting {stream}: an answer has an unknown shape")
    return value


def _key(stream: str, item: Mapping[str, Any]) -> str:
    if stream in _SETTINGS:
        return stream
    key = item.get("id")
    if not isinstance(key, str) or not key:
        raise FatalError(f"sage_accounting {stream}: a record has no id")
    return key


def _time(stream: str, item: Mapping[str, Any], name: str) -> datetime | None:
    text = item.get(name)
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise FatalError(f"sage_accounting {stream}: {name} of a record is no moment")
    return moment


def _is_void(item: Mapping[str, Any]) -> bool:
    status = item.get("status")
    return isinstance(status, dict) and status.get("id") == "VOID"
