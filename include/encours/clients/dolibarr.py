"""Dolibarr, by its REST API, read only.

The product's source is the contract (github.com/Dolibarr/dolibarr): `htdocs/api/class/`
(api_access, api_setup), `htdocs/compta/facture/class/` (api_invoices, facture),
`htdocs/core/class/commoninvoice.class.php`, `htdocs/societe/class/api_thirdparties.class.php`.

Access is the API key of a user, sent as DOLAPIKEY; DOLAPIENTITY chooses the company where one
installation has several. The user needs to read invoices and third parties, all of them and not
only those that it looks after, and the settings that name the company and its currency: these are
told to administrators and to the login that the constant API_LOGINS_ALLOWED_FOR_CONST_READ names.

What follows from the API:

- A listing is asked for by rowid ("greater than the last one"), so that no row can slip over a page
  border. A row that the server cannot load is left out of its page without a word: only an empty
  page is the end. Older versions answer an empty listing with 404.
- The server runs several queries for each row that it lists: pages stay at the documented 100, and
  `properties` leaves out what is not used (older versions ignore it).
- `t.tms` is when a row was last written, in the time zone of the server, which nothing tells: a
  window begins half a day earlier. A payment, or a credit note that is used, does not write the
  invoice unless it closes it: so the invoices that are unpaid are read in each run, beside those
  that were written.
- Nothing is left of a deleted record: the weekly reading of everything finds what is gone.

Payments are told per invoice only. That is one request for each invoice of which something is
settled (its own totals say so): on the first run and in the weekly full reading nearly all of them,
on other days those that were written in the window, and the unpaid ones that are settled in part.
36,000 invoices are 360 pages and up to 36,000 requests, half an hour at the 20 a second that are
kept here; a day of 50 changes with 500 unpaid invoices, 40 of them paid in part, is about 110.
Payments are read before the invoices: a credit note that is used on an invoice is then there.

Not known, and so not relied on: any limit of requests (20 a second are kept); the id of a payment,
which only has a `ref`; the day on which an invoice was closed or abandoned; which credit notes were
made a line of an invoice instead of a payment of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from encours.clients.api import Access, Exchange, Window
from encours.clients.dolibarr_records import (
    INVOICES,
    PAYMENTS,
    SETTINGS,
    THIRDPARTIES,
    TOTALS,
    fields_of_invoice,
    is_not_found,
    keys_of,
    read_records,
    read_setting,
    settled_keys,
)
from encours.clients.http import ApiSession, Fault, FaultKind, Limits, Patience, Response
from encours.clients.pagination import Page, by_cursor
from encours.clients.vendor_messages import refusal
from encours.errors import FatalError

__all__ = ["DolibarrClient", "open_client", "read_records"]

ROOT = "/api/index.php"
PAGE_RECORDS = 100
_LARGEST_PAGE = 1_000
LIMITS = Limits(requests=20, seconds=1.0)
# The server's clock is up to half a day behind UTC, by its time zone.
FARTHEST_WEST = timedelta(hours=12)

NAME, SIREN, CURRENCY = "MAIN_INFO_SOCIETE_NOM", "MAIN_INFO_SIREN", "MAIN_MONNAIE"
_UNPAID = "1"


def open_client(access: Access, *, patience: Patience | None = None) -> DolibarrClient:
    """Options: `entity` (where the installation has several companies), `page_size`."""
    return DolibarrClient(access, patience=patience)


class DolibarrClient:
    """One company of one installation."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        if not access.secret:
            raise FatalError(
                f"{access.connection_id}: the connection has no password (put the API key of a"
                " Dolibarr user there)"
            )
        headers = {"DOLAPIKEY": access.secret, "Accept": "application/json"}
        if entity := access.options.get("entity"):
            headers["DOLAPIENTITY"] = entity
        self._name = access.connection_id
        self._page_size = access.number("page_size", _LARGEST_PAGE, PAGE_RECORDS)
        self._session = ApiSession(
            access.connection_id,
            access.base_url.rstrip("/").removesuffix(ROOT) + ROOT,
            headers=lambda: headers,
            limits=LIMITS,
            is_error=_fault,
            patience=patience,
        )

    def company_id(self) -> str:
        """The company's own number (SIREN, or what stands in its place), else its name: two
        installations number their rows alike."""
        for constant in (SIREN, NAME):
            value = read_setting(self._setting(constant))
            if value:
                return value
        raise FatalError(
            f"{self._name}: the company has neither a name nor a professional id (fill them in at"
            " Home, Setup, Company/Organization)"
        )

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        if stream == SETTINGS:
            for constant in (NAME, SIREN, CURRENCY):
                yield self._setting(constant)
        elif stream == PAYMENTS:
            yield from self._read_payments(window)
        elif stream == INVOICES:
            yield from self._list(INVOICES, _changed_or_unpaid(window), fields_of_invoice())
        elif stream == THIRDPARTIES:
            # All of them: a customer may have become a supplier since.
            yield from self._list(THIRDPARTIES, _changed(window), ())
        else:
            raise FatalError(f"{self._name}: Dolibarr has no stream {stream}")

    def close(self) -> None:
        self._session.close()

    def _read_payments(self, window: Window) -> Iterator[Exchange]:
        for page in self._list(INVOICES, _changed_or_unpaid(window), ("id", *TOTALS)):
            for key in settled_keys(page):
                path = f"/{INVOICES}/{key}/{PAYMENTS}"
                yield self._get(path, {}, handled=(404,)).exchange()

    def _list(self, kind: str, criterion: str, properties: tuple[str, ...]) -> Iterator[Exchange]:
        """The pages of a listing in the order of its ids; the last one is empty."""
        asked = {"sortfield": "t.rowid", "sortorder": "ASC", "limit": str(self._page_size)}
        if properties:
            asked["properties"] = ",".join(properties)

        def fetch(last: str | None) -> Page:
            conditions = [f"(t.rowid:>:{last or 0})", *([criterion] if criterion else [])]
            params = {**asked, "page": "0", "sqlfilters": " and ".join(conditions)}
            exchange = self._get(f"/{kind}", params, handled=(404,)).exchange()
            keys = keys_of(kind, exchange)
            return Page(exchange, keys, next_cursor=keys[-1] if keys else None)

        return by_cursor(fetch, what=f"{self._name}: {kind}")

    def _setting(self, constant: str) -> Exchange:
        """400 says that the constant is not set."""
        return self._get(f"/setup/conf/{constant}", {}, handled=(400,)).exchange()

    def _get(self, path: str, params: Mapping[str, str], handled: tuple[int, ...]) -> Response:
        response = self._session.get(path, params, handled=handled)
        # A proxy's 404, or that of a wrong address, is no empty listing.
        if response.status == 404 and not is_not_found(response.body):
            raise FatalError(
                f"{self._name}: {path}: answered 404, but not as Dolibarr does where nothing is"
                " found (check the connection's host, and that the module API is on)"
            )
        return response


def _changed(window: Window) -> str:
    if window.since is None:
        return ""
    since = window.since.astimezone(UTC) - FARTHEST_WEST
    return f"(t.tms:>=:'{_moment(since)}')"


def _changed_or_unpaid(window: Window) -> str:
    changed = _changed(window)
    return f"({changed} or (t.fk_statut:=:{_UNPAID}))" if changed else ""


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _fault(response: Response) -> Fault | None:
    """What the user lacks is named; an unknown key, a disabled user and one whose rights ended are
    all 401. Old versions say 401 for a missing right as well."""
    said = refusal(response.body, response.request)
    words = f"answered {response.status}" + (f": {said}" if said else "")
    if response.status == 401:
        return Fault(words, FaultKind.CREDENTIALS)
    if response.status == 403 and response.request.startswith("/setup/"):
        return Fault(
            f"{words} (name the login of the user in the constant"
            " API_LOGINS_ALLOWED_FOR_CONST_READ, at Home, Setup, Other setup)"
        )
    if response.status == 403:
        return Fault(
            f"{words} (the user needs to read invoices, and all third parties with their data)"
        )
    return None
