"""QuickBooks Online, Accounting API v3, read only.

Sources: the vendor's own schemas of the data model (Intuit's QuickBooks V3 SDK, XSD of 2024), the
vendor's pages on OAuth 2.0, queries and change data capture (developer.intuit.com), and open
connectors that call the API (tap-quickbooks 2.5, airbyte 4.0, python-quickbooks 0.9).

Access is OAuth 2.0, authorisation code only. An access token lives about an hour; the refresh
token about 100 days, and its value changes. The realm id in the path selects the company: a token
opens the one for which it was given.

Everything is read by queries: 1,000 records to a page, in the order of creation, so that a record
that changes meanwhile moves no other over a page border. How many there are is asked first
(`totalCount` in the schema), and each page begins with the last record of the one before: what
slips through is noticed. Inactive customers, accounts and terms have to be asked for.

What was deleted is told by change data capture alone, which goes back 30 days and gives at most
1,000 objects. Where the window is older, or the answer full, everything is read again: a record
that is no longer there is then missing.

Of purchases only those whose payee is a customer become records: money that was paid back.

Not known, and so not relied on:

- how the vendor refuses a moment that change data capture does not remember: it is not asked for
  one, by the clock of the vendor's own answers;
- in which order change data capture lists, and whether it can be asked for a second page;
- whether a payment counts as a change of the documents that it settles;
- whether a 429 says how long to wait: without `Retry-After` it is the vendor's 60 seconds.

Not read: sales receipts and refund receipts, which are paid at once and never owed; estimates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from encours.clients.api import Access, Exchange, Record, Window, WindowTooOld
from encours.clients.http import ApiSession, Fault, FaultKind, Limits, Patience, Response
from encours.clients.json_numbers import read_json
from encours.clients.oauth import (
    Application,
    how_to_authorise,
    registered_application,
    renewed_token,
)
from encours.clients.pagination import Page, by_offset
from encours.clients.vendor_messages import refusal
from encours.errors import EncoursError, FatalError

BASE_URL = "https://quickbooks.api.intuit.com"
AUTHORIZE_URL = "https://appcenter.intuit.com/connect/oauth2"
TOKEN_URL = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
SCOPES = ("com.intuit.quickbooks.accounting",)
MINOR_VERSION = "75"
PAGE_RECORDS = 1_000
# Of one company, and of one company and app; ten at once as well.
LIMITS = (Limits(500, 60.0, concurrent=10), Limits(10, 1.0, concurrent=10))
WAIT_WHEN_REFUSED = 60.0
# An hour less than the vendor's 30 days: the request is not there yet.
CHANGES_KEPT = timedelta(days=30) - timedelta(hours=1)
MOST_CHANGES = 1_000

_WITH_INACTIVE = "Active in (true,false)"


@dataclass(frozen=True)
class _Listing:
    """A stream: the vendor's name of its records, and what a query must say to get them all."""

    entity: str
    condition: str = ""


_LISTINGS: Mapping[str, _Listing] = {
    "payments": _Listing("Payment"),
    "credit_memos": _Listing("CreditMemo"),
    "invoices": _Listing("Invoice"),
    "journal_entries": _Listing("JournalEntry"),
    "deposits": _Listing("Deposit"),
    "purchases": _Listing("Purchase"),
    "customers": _Listing("Customer", _WITH_INACTIVE),
    "terms": _Listing("Term", _WITH_INACTIVE),
    "accounts": _Listing("Account", _WITH_INACTIVE),
    "company_infos": _Listing("CompanyInfo"),
    "preferences": _Listing("Preferences"),
}
# One object each, and no list that could be counted or ordered.
_SINGLE = frozenset({"company_infos", "preferences"})


def open_client(access: Access, *, patience: Patience | None = None) -> QuickBooksClient:
    return QuickBooksClient(access, patience=patience)


def application(access: Access) -> Application:
    return registered_application(
        access,
        vendor="Intuit",
        # The vendor's sandbox companies, too, are authorised at the one address.
        is_stand_in=bool(access.base_url) and not access.base_url.endswith(".intuit.com"),
        authorize_url=AUTHORIZE_URL,
        token_url=TOKEN_URL,
        scopes=SCOPES,
        wants_basic=True,
    )


class QuickBooksClient:
    """One company: the realm that the connection names."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        self._name = access.connection_id
        self._realm = _realm(access)
        self._token = renewed_token(access, application(access))
        self._now: datetime | None = None
        self._session = ApiSession(
            self._name,
            access.base_url or BASE_URL,
            headers=lambda: {**self._token.headers(), "Accept": "application/json"},
            limits=LIMITS,
            renew=self._token.renew,
            is_error=_fault,
            pause=_pause_when_refused,
            patience=patience,
        )

    def company_id(self) -> str:
        """The realm, once its company has answered: a company does not say its realm itself."""
        exchange = self._query("select * from CompanyInfo").exchange()
        if not list(read_records("company_infos", exchange)):
            raise FatalError(
                f"{self._name}: the realm {self._realm} has no company"
                f" ({how_to_authorise(self._name)})"
            )
        return self._realm

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        listing = _LISTINGS[stream]
        if stream in _SINGLE:
            yield self._query(f"select * from {listing.entity}").exchange()
        elif window.since is None:
            yield from self._listed(stream, listing.condition)
        else:
            self._check_remembered(window.since)
            since = f"Metadata.LastUpdatedTime >= '{_moment(window.since)}'"
            condition = f"{listing.condition} and {since}" if listing.condition else since
            yield from self._listed(stream, condition)
            yield self._changes(stream, window.since)

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------------ queries

    def _listed(self, stream: str, condition: str) -> Iterator[Exchange]:
        chosen = f"{_LISTINGS[stream].entity}" + (f" where {condition}" if condition else "")
        total = _total(stream, self._query(f"select count(*) from {chosen}"))
        fetch = partial(self._page, stream, f"select * from {chosen}", total)
        what = f"{self._name} {stream}"
        for exchange in by_offset(fetch, what=what, first=1, overlap=1):
            # Most purchases become no records, so that their number would say that some are gone.
            yield replace(exchange, stated_total=None) if stream == "purchases" else exchange

    def _page(self, stream: str, query: str, total: int, position: int) -> Page:
        response = self._query(
            f"{query} order by Metadata.CreateTime asc"
            f" startposition {position} maxresults {PAGE_RECORDS}"
        )
        exchange = response.exchange(total)
        keys = [_key(stream, item) for item in _items(stream, exchange)]
        # More may have come since they were counted, and a page may be shorter than asked for.
        is_short_of_total = bool(keys) and position - 1 + len(keys) < total
        return Page(exchange, keys, has_next=len(keys) == PAGE_RECORDS or is_short_of_total)

    def _query(self, query: str) -> Response:
        return self._get("query", {"query": query})

    def _get(self, operation: str, params: Mapping[str, str]) -> Response:
        path = f"/v3/company/{self._realm}/{operation}"
        response = self._session.get(path, {**params, "minorversion": MINOR_VERSION})
        self._token.note(response.answered_at)
        self._now = response.answered_at or self._now
        return response

    # ------------------------------------------------------------------ changes

    def _check_remembered(self, since: datetime) -> None:
        """By the vendor's clock: that of `company_id`, or of a query."""
        if self._now is None:
            self.company_id()
        if self._now is not None and since < self._now - CHANGES_KEPT:
            raise WindowTooOld(
                f"{self._name}: QuickBooks remembers what was deleted for 30 days, no longer since"
                f" {_moment(since)}"
            )

    def _changes(self, stream: str, since: datetime) -> Exchange:
        entity = _LISTINGS[stream].entity
        params = {"entities": entity, "changedSince": _moment(since)}
        exchange = self._get("cdc", params).exchange()
        if len(_items(stream, exchange)) >= MOST_CHANGES:
            raise WindowTooOld(
                f"{self._name}: QuickBooks tells no more than {MOST_CHANGES} changes, and {entity}"
                f" has had as many since {_moment(since)}"
            )
        return exchange


def _realm(access: Access) -> str:
    realm = access.options.get("realm_id", "")
    if not re.fullmatch(r"[0-9]{1,30}", realm):
        raise FatalError(
            f"{access.connection_id} needs the realm id of the company (realm_id), a number:"
            f" {how_to_authorise(access.connection_id)}"
        )
    return realm


def _moment(moment: datetime) -> str:
    """To the second, as the vendor's clock tells; earlier rather than later."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _total(stream: str, response: Response) -> int:
    total = _parts(stream, response.json())[0].get("totalCount")
    if not isinstance(total, int) or isinstance(total, bool):
        raise _unknown_shape(stream)
    return total


def _pause_when_refused(response: Response) -> float:
    is_silent = response.status == 429 and "Retry-After" not in response.headers
    return WAIT_WHEN_REFUSED if is_silent else 0.0


def _fault(response: Response) -> Fault | str | None:
    """A fault counts whatever the status says; 403 is that of a realm that the token does not
    open."""
    said = refusal(response.body, response.request)
    words = f"answered {response.status}" + (f": {said}" if said else "")
    if response.status == 401:
        return Fault(words, FaultKind.CREDENTIALS)
    if response.status == 200 and _has_fault(response):
        return words
    return None


def _has_fault(response: Response) -> bool:
    try:
        value = response.json()
    except EncoursError:
        return False
    return isinstance(value, dict) and not value.keys().isdisjoint({"Fault", "fault"})


# ---------------------------------------------------------------------- records of an answer


def read_records(stream: str, exchange: Exchange) -> Iterable[Record]:
    """The records of one answer, of a query or of change data capture.

    Deleted are those with the status Deleted, which have little more than their ids; and purchases
    whose payee is no customer, which may have been one before. Of change data capture these are
    all: what else it tells, the queries tell as well.
    """
    is_feed = "/cdc?" in exchange.request
    for item in _items(stream, exchange):
        key = _key(stream, item)
        is_deleted = item.get("status") == "Deleted"
        if is_feed and not is_deleted:
            continue
        is_foreign = stream == "purchases" and not _names_customer(item)
        yield Record(
            key=key,
            payload={} if is_deleted or is_foreign else item,
            updated_at=_updated_at(stream, item),
            is_deleted=is_deleted or is_foreign,
        )


def _names_customer(purchase: Mapping[str, Any]) -> bool:
    payee = purchase.get("EntityRef")
    kind = payee.get("type") if isinstance(payee, dict) else None
    return isinstance(kind, str) and kind.lower() == "customer"


def _items(stream: str, exchange: Exchange) -> list[Mapping[str, Any]]:
    entity = _LISTINGS[stream].entity
    found: list[Mapping[str, Any]] = []
    for part in _parts(stream, read_json(exchange.body)):
        items = part.get(entity)
        if items is None and not part.get("maxResults"):
            continue  # Nothing was found, which is an answer without the name.
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise _unknown_shape(stream)
        found.extend(items)
    return found


def _parts(stream: str, value: Any) -> list[Mapping[str, Any]]:
    """The one part of the answer to a query, or those of change data capture."""
    if not isinstance(value, dict):
        raise _unknown_shape(stream)
    if "CDCResponse" in value:
        answers = value["CDCResponse"]
        if not isinstance(answers, list) or not all(isinstance(each, dict) for each in answers):
            raise _unknown_shape(stream)
        parts = [part for each in answers for part in _as_list(each.get("QueryResponse"))]
    else:
        parts = [value.get("QueryResponse")]
    if not all(isinstance(part, dict) and "Fault" not in part for part in parts):
        raise _unknown_shape(stream)
    return parts


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _key(stream: str, item: Mapping[str, Any]) -> str:
    if stream in _SINGLE:
        return stream
    key = item.get("Id")
    if not isinstance(key, str) or not key:
        raise FatalError(f"quickbooks {stream}: a record has no Id")
    return key


def _updated_at(stream: str, item: Mapping[str, Any]) -> datetime | None:
    meta = item.get("MetaData")
    text = meta.get("LastUpdatedTime") if isinstance(meta, dict) else None
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise FatalError(f"quickbooks {stream}: LastUpdatedTime of a record is no moment")
    return moment


def _unknown_shape(stream: str) -> FatalError:
    return FatalError(f"quickbooks {stream}: an answer has an unknown shape")
