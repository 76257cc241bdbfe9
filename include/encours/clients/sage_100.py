"""Sage 100 (France): its own tables, by SQL that only reads.

There is no public dictionary of these tables. What is relied on is what several public programs
agree on that read or write them: F_ECRITUREC, the lines of the ledger (EC_No is its key; JO_Num
journal; JM_Date month and EC_Jour day; EC_Piece entry and EC_RefPiece document number; CG_Num
account and CT_Num third party; EC_Echeance due date; EC_Sens 0 debit, 1 credit; EC_Montant in the
company's currency; EC_Lettrage matching code; EC_ANType other than 0 on brought-forward lines),
F_COMPTET (CT_Type 0 is a customer, CT_Intitule its name), F_CREGLEMENT (receipts of the commercial
side, RG_Type 0), P_DOSSIER (D_RaisonSoc and D_Siret of the company), and cbModification, when a row
was last written. An empty date is 1753-01-01.

What follows:

- Rows come in the order of the key, each page after the last one: a row that is written or deleted
  meanwhile moves no other over a page border.
- A changed line may change what the other lines of its entry are, so a window brings whole entries.
- Nothing is left of a deleted row: the keys of the ledger are listed in each run.
- cbModification is the clock of the server, in its own zone: windows go from the latest that was
  read, and the registration's overlap covers what was committed late and a change of the hour.
- Of other entries than those of customers nothing is read, and of no entry its wording: a ledger
  holds pay and private persons.

Not known, and not relied on: how F_CREGLEMENT and F_ECRITUREC refer to each other, which rows of a
journal are only drafts, whether every program that writes sets cbModification, in which currency
the company keeps its books.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from encours.clients.api import Access, Exchange, Window
from encours.clients.http import Patience
from encours.clients.json_numbers import write_json
from encours.clients.pagination import Page, by_cursor
from encours.clients.sage_100_tables import STREAMS, StreamShape, key_of, page_of, read_records
from encours.clients.sql_session import MissingTable, Row, SqlSession
from encours.errors import FatalError

__all__ = ["Sage100Client", "open_client", "read_records"]

# SQLite is what a stand-in is kept in.
DIALECTS = ("mssql", "sqlite")

_PAGE_ROWS = 5_000
_PAGE_KEYS = 50_000
_LARGEST_PAGE = 9_999_999
_DIGITS = re.compile(r"-?\d{1,18}(\.\d{1,6})?", re.ASCII)


def open_client(access: Access, *, patience: Patience | None = None) -> Sage100Client:
    """A client of the database that the connection names. Options: `page_size`."""
    return Sage100Client(
        SqlSession(access, dialects=DIALECTS, patience=patience),
        page_rows=access.number("page_size", _LARGEST_PAGE, _PAGE_ROWS),
        page_keys=access.number("page_size", _LARGEST_PAGE, _PAGE_KEYS),
    )


class Sage100Client:
    """One database, which is that of one company."""

    def __init__(self, session: SqlSession, *, page_rows: int, page_keys: int) -> None:
        self._session = session
        self._page_rows = page_rows
        self._page_keys = page_keys

    def company_id(self) -> str:
        """The SIRET of the company, or its name where it has none."""
        shape = STREAMS["companies"]
        statement = page_of(shape, self._columns(shape), after=None, since=None, limit=1)
        for row in self._session.rows(shape.table, statement):
            for name in ("D_Siret", "D_RaisonSoc"):
                if text := str(row.get(name) or "").strip():
                    return text
        raise FatalError(
            f"{self._session.name}: P_DOSSIER names no company (is it the database of a company?)"
        )

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        shape = STREAMS[stream]
        try:
            columns = self._columns(shape)
        except MissingTable:
            if not shape.may_be_absent:
                raise
            return
        limit = self._page_keys if shape.lists_keys else self._page_rows

        def fetch(cursor: str | None) -> Page:
            after = _after(shape, cursor)
            statement = page_of(shape, columns, after=after, since=window.since, limit=limit)
            rows = [_with_amounts(shape, row) for row in self._session.rows(shape.table, statement)]
            keys = [str(key_of(shape, row)) for row in rows]
            asked = {"after": cursor, "since": window.since and window.since.isoformat()}
            request = urlencode({name: value for name, value in asked.items() if value})
            exchange = Exchange(f"{shape.table}?{request}".rstrip("?"), write_json(rows))
            return Page(exchange, keys, next_cursor=keys[-1] if len(rows) == limit else None)

        yield from by_cursor(fetch, what=f"{self._session.name} {stream}")

    def close(self) -> None:
        self._session.close()

    def _columns(self, shape: StreamShape) -> tuple[str, ...]:
        """Those of the wanted columns that this version of the table has."""
        known = self._session.columns(shape.table)
        missing = [name for name in shape.columns if name not in known]
        if missing:
            raise FatalError(
                f"{self._session.name}: {shape.table} has no column {', '.join(missing)} (this"
                " version of Sage 100 keeps its books otherwise: read its FEC instead)"
            )
        return (*shape.columns, *(name for name in shape.optional if name in known))


def _after(shape: StreamShape, cursor: str | None) -> int | str | None:
    """The keys of third parties are text, all others numbers."""
    return cursor if cursor is None or shape.key in ("CT_Num", "D_RaisonSoc") else int(cursor)


def _with_amounts(shape: StreamShape, row: Row) -> dict[str, Any]:
    """A database without decimals keeps amounts as their digits."""
    told = dict(row)
    for name in shape.amounts:
        if isinstance(told.get(name), str) and _DIGITS.fullmatch(told[name]):
            told[name] = Decimal(told[name])
    return told
