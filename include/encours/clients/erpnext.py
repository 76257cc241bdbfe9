"""ERPNext 14 to 16, by the REST API of its framework Frappe, read only.

Sources: the REST page of docs.frappe.io (2026-05-10) and the source of the product: frappe/frappe
(`frappe/api/v1.py`, `frappe/client.py`, `frappe/model/delete_doc.py`) and the doctypes of
frappe/erpnext. Version 14 is the first with the Payment Ledger, on which everything rests here.

Access is a pair of API key and API secret of a user, sent as `token <key>:<secret>`. The user needs
to read Accounts (role Accounts User) and the doctype Deleted Document, which System Managers alone
may read unless a role is given the right.

What follows from the API:

- A listing has 20 rows unless told, and no total. It is ordered by name, and each page asks for the
  names after the last one: a row that is touched or deleted meanwhile moves no other over a page
  border. The database compares names by its own rules of language, so their order is not judged
  here.
- `modified` is in the time zone of the site, which is asked of the site
  (`frappe.client.get_time_zone`, open to all) unless the connection names it. The hour that comes
  twice in autumn is covered by the overlap of the registration.
- A cancelled voucher stays, with docstatus 2, and its ledger rows are delinked. What is deleted is
  told by Deleted Document, except for rows of the Payment Ledger: reconciling a payment deletes its
  rows in the database and writes others. So the names of these rows are listed in each run, a
  stream of its own (`erpnext/accounts/utils.py`, `_delete_pl_entries`).
- Child tables are not in listings. Payment schedules are asked for by the names of the invoices
  that were read, with the parent's doctype, whose right then counts.
- Only the fields that are used are asked for: names and amounts, no addresses and no mail.

A record must find what it refers to, so who refers is read first (ledger rows, journal entries,
payments, invoices, customers).

Not known, and so not relied on: whether renaming a customer counts as a change of it (the vouchers
that name it are not touched; a full reading finds them), and the request limits of a site: 429 is
obeyed where a site sets them.

Not read: Dunning, addresses (and so the country of a customer), credit limits (a child table by
company), POS Invoices before they are consolidated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from encours.clients.api import Access, Exchange, Window
from encours.clients.erpnext_records import (
    COMPANIES,
    DELETED_DOCUMENT,
    DELETION_FIELDS,
    INVOICES,
    RESOURCES,
    SCHEDULE_OF,
    SCHEDULES,
    STREAMS,
    Filter,
    StreamShape,
    name_of,
    read_records,
    rows_of,
)
from encours.clients.http import ApiSession, Limits, Patience
from encours.clients.json_numbers import write_json
from encours.clients.pagination import Page, by_cursor
from encours.errors import FatalError

__all__ = ["ErpnextClient", "open_client", "read_records"]

# Requests are made one after the other anyway.
_LIMITS = Limits(requests=20, seconds=1.0)
_PAGE_ROWS = 500
_PAGE_NAMES = 20_000
_LARGEST_PAGE = 999_999
# Names go into the address of a request; gunicorn, which serves Frappe, takes lines of 4,094 signs.
_LONGEST_NAMES = 2_000
# More rows than the payment schedules of so few invoices have.
_MOST_SCHEDULE_ROWS = 10_000
_TIME_ZONE = "/api/method/frappe.client.get_time_zone"
_MOST_NAMED = 5


def open_client(access: Access, *, patience: Patience | None = None) -> ErpnextClient:
    """A client of the company that the connection names.

    Options: `company` (needed where the site has several), `time_zone` (asked of the site where
    absent), `page_size`.
    """
    return ErpnextClient(access, patience=patience)


class ErpnextClient:
    """One company of one site."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        if not access.login or not access.secret:
            raise FatalError(
                f"{access.connection_id}: the connection needs the API key as login and the API"
                " secret as password (encours connect erpnext)"
            )
        headers = {
            "Authorization": f"token {access.login}:{access.secret}",
            "Accept": "application/json",
        }
        self._access = access
        self._name = access.connection_id
        self._page_rows = access.number("page_size", _LARGEST_PAGE, _PAGE_ROWS)
        self._page_names = access.number("page_size", _LARGEST_PAGE, _PAGE_NAMES)
        self._session = ApiSession(
            self._name,
            access.base_url,
            headers=lambda: headers,
            limits=_LIMITS,
            patience=patience,
        )
        self._company: Mapping[str, Any] | None = None
        self._zone: ZoneInfo | None = None
        # What a reading of invoices named, for the reading of their schedules after it.
        self._named: tuple[Window, tuple[str, ...]] | None = None

    def company_id(self) -> str:
        """Two sites may have companies of one name: the moment of its creation says which."""
        company = self._own_company()
        return f"{company['name']}@{company['creation']}"

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        if stream == COMPANIES:
            named: Filter = ["name", "=", self._own_company()["name"]]
            yield from self._listed(stream, STREAMS[stream], [named])
        elif stream == SCHEDULES:
            yield from self._schedules(window)
        elif stream == INVOICES:
            names: list[str] = []
            yield from self._changed(stream, window, names)
            self._named = (window, tuple(names))
        else:
            yield from self._changed(stream, window, [])

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------------ streams

    def _changed(self, stream: str, window: Window, names: list[str]) -> Iterator[Exchange]:
        """What was deleted since, then what is there: a record that came back counts as there.
        `names` gets the names of the rows."""
        shape = STREAMS[stream]
        filters = list(shape.filters)
        if shape.by_company:
            filters.append(["company", "=", self._own_company()["name"]])
        if window.since is not None:
            since: Filter = ["modified", ">=", self._in_zone(window.since)]
            if shape.has_tombstones:
                yield from self._deleted(stream, shape, since)
            filters.append(since)
        yield from self._listed(stream, shape, filters, names)

    def _deleted(self, stream: str, shape: StreamShape, since: Filter) -> Iterator[Exchange]:
        deletions = StreamShape(DELETED_DOCUMENT, DELETION_FIELDS)
        kind: Filter = ["deleted_doctype", "=", shape.doctype]
        return self._listed(stream, deletions, [kind, since])

    def _schedules(self, window: Window) -> Iterator[Exchange]:
        shape = STREAMS[SCHEDULES]
        for chosen in _in_parts(self._invoices_of(window)):
            filters: list[Filter] = [["parenttype", "=", SCHEDULE_OF], ["parent", "in", chosen]]
            exchange = self._ask(shape, filters, _MOST_SCHEDULE_ROWS, {"parent": SCHEDULE_OF})
            if len(rows_of(SCHEDULES, exchange.body)) >= _MOST_SCHEDULE_ROWS:
                raise FatalError(
                    f"{self._name}: the payment schedules of {len(chosen)} invoices have more than"
                    f" {_MOST_SCHEDULE_ROWS} rows"
                )
            yield exchange

    def _invoices_of(self, window: Window) -> Sequence[str]:
        """Those that the reading of invoices named, if it was this one; else asked for."""
        if self._named is not None and self._named[0] == window:
            return self._named[1]
        names: list[str] = []
        for _ in self._changed(INVOICES, window, names):
            pass
        return names

    # ------------------------------------------------------------------ requests

    def _listed(
        self,
        stream: str,
        shape: StreamShape,
        filters: list[Filter],
        names: list[str] | None = None,
    ) -> Iterator[Exchange]:
        fetch = partial(self._page, stream, shape, filters, names)
        return by_cursor(fetch, what=f"{self._name}: {shape.doctype}")

    def _page(
        self,
        stream: str,
        shape: StreamShape,
        filters: list[Filter],
        names: list[str] | None,
        last: str | None,
    ) -> Page:
        size = self._page_names if shape.lists_names else self._page_rows
        after: list[Filter] = [["name", ">", last]] if last is not None else []
        exchange = self._ask(shape, [*filters, *after], size)
        found = [name_of(stream, row) for row in rows_of(stream, exchange.body)]
        if names is not None:
            names.extend(found)
        return Page(exchange, found, next_cursor=found[-1] if len(found) >= size else None)

    def _ask(
        self,
        shape: StreamShape,
        filters: list[Filter],
        size: int,
        others: Mapping[str, str] | None = None,
    ) -> Exchange:
        fields = dict.fromkeys(("name", *shape.fields))
        params = {
            "fields": write_json(list(fields)).decode(),
            "filters": write_json(filters).decode(),
            "order_by": "name asc",
            "limit_page_length": str(size),
        }
        path = f"{RESOURCES}/{shape.doctype}"
        return self._session.get(path, {**params, **(others or {})}).exchange()

    # ------------------------------------------------------------------ site and company

    def _own_company(self) -> Mapping[str, Any]:
        if self._company is None:
            self._company = self._choose_company()
        return self._company

    def _choose_company(self) -> Mapping[str, Any]:
        exchanges = self._listed(COMPANIES, STREAMS[COMPANIES], [])
        companies = [
            record.payload for exchange in exchanges for record in read_records(COMPANIES, exchange)
        ]
        wanted = self._access.options.get("company", "")
        found = [company for company in companies if wanted in ("", company["name"])]
        if len(found) == 1:
            return found[0]
        seen = ", ".join(str(company["name"]) for company in companies[:_MOST_NAMED]) or "none"
        asked = f"no company {wanted}" if wanted else "several companies"
        raise FatalError(
            f"{self._name}: the user sees {asked if companies else 'no company'} (it sees {seen}:"
            " name one of them as company in the connection's extra)"
        )

    def _in_zone(self, moment: datetime) -> str:
        """As the site writes its own moments."""
        if self._zone is None:
            self._zone = self._site_zone()
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S.%f")

    def _site_zone(self) -> ZoneInfo:
        name = self._access.options.get("time_zone", "") or self._told_zone()
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            pass
        raise FatalError(
            f"{self._name}: the time zone of the site is not known (name it as time_zone in the"
            " connection's extra, such as Europe/Paris)"
        )

    def _told_zone(self) -> str:
        """Empty where the site says nothing, or something else."""
        value = self._session.get(_TIME_ZONE).json()
        told = value.get("message") if isinstance(value, dict) else None
        zone = told.get("time_zone") if isinstance(told, dict) else None
        return zone if isinstance(zone, str) else ""


def _in_parts(names: Sequence[str]) -> Iterator[list[str]]:
    """As many names at a time as an address has room for."""
    part: list[str] = []
    length = 0
    for name in names:
        # Between quotes and before a comma, all of them encoded.
        room = len(quote(name, safe="")) + 9
        if part and length + room > _LONGEST_NAMES:
            yield part
            part, length = [], 0
        part.append(name)
        length += room
    if part:
        yield part
