"""Odoo 13 to 19 and later: JSON-2 where it exists (from 19), XML-RPC before.

Sources: the external API pages of odoo/documentation (`external_api.rst` @0516a4dc,
`external_rpc_api.rst`) and the models of odoo/odoo (addons/account).

What follows from the API:

- Each call is a transaction of its own, so rows move while a listing is read. A listing is
  therefore ordered by id and each page asks for the ids after the last one: a row that is touched
  or deleted meanwhile moves no other row over a page border, as it would with offsets or in the
  order of `write_date`.
- `write_date` is the start of the transaction that wrote, told without its microseconds: windows
  compare with `>=`, and the registration's overlap covers what was committed late.
- Nothing is left of a deleted record. Unreconciling deletes partial reconciles, so the ids of
  these and of the receivable lines are listed in each run: streams of their own, whole each time.
- A record that is read must find what it refers to: who refers is read before whom it refers to
  (reconciles, lines, moves, partners).
- Fields differ between versions and rights: each model is asked which ones it has (`fields_get`).
- Archived records are left out unless the context says `active_test: false`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from itertools import pairwise
from typing import Any

from encours.clients.api import Access, Exchange, Window
from encours.clients.http import Patience
from encours.clients.odoo_calls import Calls, ask_version, open_calls
from encours.clients.odoo_records import (
    STREAMS,
    TIME,
    Books,
    Domain,
    StreamShape,
    id_of,
    read_records,
    read_value,
    rows_of,
)
from encours.errors import FatalError, RetryableError

__all__ = ["OdooClient", "open_client", "read_records"]

OLDEST_VERSION = 13

_PAGE_ROWS = 1_000
_PAGE_IDS = 50_000
_LARGEST_NUMBER = 9_999_999_999
# 100 million rows: only a server that repeats itself gets there.
_MOST_PAGES = 100_000


def open_client(access: Access, *, patience: Patience | None = None) -> OdooClient:
    """A client of the company that the connection names, by the protocol of its version.

    Options: `database` (needed before 19, and where one server has several), `version` (asked of
    the server where absent), `company_id` (needed where the user sees several), `page_size`.
    """
    text = access.options.get("version", "") or ask_version(access, patience)
    version = _series(access, text)
    return OdooClient(open_calls(access, version, patience), access, version)


def _series(access: Access, text: str) -> int:
    """The number in `16.0`, `16`, `saas~18.2+e`."""
    found = re.match(r"(?:saas[~-])?(\d{1,3})(?!\d)", text, re.ASCII)
    if not found:
        raise FatalError(
            f"{access.connection_id}: the version of Odoo is not known (name it as version in the"
            " connection's extra, such as 17)"
        )
    version = int(found[1])
    if version < OLDEST_VERSION:
        raise FatalError(
            f"{access.connection_id}: Odoo {version} is too old, {OLDEST_VERSION} is the oldest"
            " that is read"
        )
    return version


class OdooClient:
    """One company of one database."""

    def __init__(self, calls: Calls, access: Access, version: int) -> None:
        self._calls = calls
        self._access = access
        self._version = version
        self._page_rows = access.number("page_size", _LARGEST_NUMBER, _PAGE_ROWS)
        self._page_ids = access.number("page_size", _LARGEST_NUMBER, _PAGE_IDS)
        self._company: Mapping[str, Any] | None = None

    def company_id(self) -> str:
        """Companies of any two databases are number 1: the moment of its creation says which."""
        company = self._own_company()
        return f"{company['id']}@{company['create_date']}"

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        shape = STREAMS[stream]
        books = Books(self._own_company()["id"], self._version)
        domain = shape.domain(books)
        if window.since is not None:
            since = window.since.astimezone(UTC).strftime(TIME)
            domain = [*domain, ["write_date", ">=", since]]
        arguments: dict[str, Any] = {"limit": self._page_ids, "order": "id asc"}
        if not shape.lists_ids:
            arguments |= {"limit": self._page_rows, "fields": self._fields(shape)}
        yield from self._pages(shape, domain, arguments)

    def close(self) -> None:
        self._calls.close()

    def _pages(
        self, shape: StreamShape, domain: Domain, arguments: Mapping[str, Any]
    ) -> Iterator[Exchange]:
        method = "search" if shape.lists_ids else "search_read"
        last = 0
        for _ in range(_MOST_PAGES):
            exchange = self._calls.call(
                shape.model,
                method,
                [*domain, ["id", ">", last]],
                {**arguments, "context": self._context()},
            )
            ids = [
                id_of(shape, row.get("id") if isinstance(row, dict) else row)
                for row in rows_of(shape, exchange.body)
            ]
            if any(later <= earlier for earlier, later in pairwise([last, *ids])):
                raise RetryableError(
                    f"{self._access.connection_id}: Odoo served rows of {shape.model} again that"
                    " the page before had (run again)"
                )
            yield exchange
            if len(ids) < arguments["limit"]:
                return
            last = ids[-1]
        raise FatalError(
            f"{self._access.connection_id}: the listing of {shape.model} does not end after"
            f" {_MOST_PAGES} pages"
        )

    def _fields(self, shape: StreamShape) -> list[str]:
        """Those of the wanted fields that this version and these rights have."""
        wanted = [*shape.fields, *shape.optional, *shape.choices]
        known = read_value(self._calls.fields_of(shape.model, wanted).body)
        if not isinstance(known, dict):
            raise FatalError(f"odoo: the answer to the fields of {shape.model} is no object")
        choice = [name for name in shape.choices if name in known][:1]
        missing = [name for name in shape.fields if name not in known]
        missing += [] if choice or not shape.choices else [shape.choices[0]]
        if missing:
            raise FatalError(
                f"{self._access.connection_id}: {shape.model} has no field {', '.join(missing)}"
                " for this user (give it the right to read accounting)"
            )
        return [*shape.fields, *(name for name in shape.optional if name in known), *choice]

    def _context(self) -> dict[str, Any]:
        return {"active_test": False, "allowed_company_ids": [self._own_company()["id"]]}

    def _own_company(self) -> Mapping[str, Any]:
        if self._company is None:
            self._company = self._choose_company()
        return self._company

    def _choose_company(self) -> Mapping[str, Any]:
        answer = self._calls.call(
            "res.company",
            "search_read",
            [],
            {"fields": ["create_date"], "order": "id asc", "context": {"active_test": False}},
        )
        companies = _companies(read_value(answer.body))
        named = self._access.number("company_id", _LARGEST_NUMBER, None)
        found = [company for company in companies if named in (None, company["id"])]
        if len(found) == 1:
            return found[0]
        seen = ", ".join(str(company["id"]) for company in companies) or "none"
        asked = "several companies" if named is None and companies else f"no company {named or ''}"
        raise FatalError(
            f"{self._access.connection_id}: the user sees {asked.strip()} (it sees {seen}: name"
            " one of them as company_id in the connection's extra)"
        )


def _companies(value: Any) -> list[Mapping[str, Any]]:
    """FatalError unless each has what `company_id` is made of."""
    if isinstance(value, list) and all(
        isinstance(row, dict) and type(row.get("id")) is int and row.get("create_date")
        for row in value
    ):
        return value
    raise FatalError("odoo: the answer to a listing of res.company is no list of companies")
