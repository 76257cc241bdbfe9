"""Cegid Loop, public API, read only; its entries by a mapping that the connection holds.

Sources: the vendor's reference pages (developers.cegid.com, "Loop Api Management": Compte, Journal,
tiersClient, etablissement, EcritureComptable; read in November 2026).

Each request bears the subscription key of the partner portal (`Ocp-Apim-Subscription-Key`), the API
key with its secret (`x-apikey: <key>:<secret>`) and the accounting file (`codeDossier`). An answer
is a list of objects; `skip` and `take` choose a part of it. Entries are lines, at most 100 to an
answer, and can only be asked for by their lettering: those without are read first, so that a line
that is lettered meanwhile comes twice rather than never.

Not known, and so not relied on:

- the fields of a line of an entry: named by the connection (cegid_loop_entries.py), and every
  answer is held against that;
- whether `skip` leads beyond the first 100 lines. The page speaks of 100 answers and, for more, of
  a delivery to a storage of one's own ("sink"). What was given in all must balance: books that were
  cut off do not, and nothing of them is loaded;
- the order of a listing and how `sort` is written: not sent. Each page is asked for from the last
  line of the one before, which must come again;
- a filter for what changed: everything is read each time, and what no longer comes is gone;
- the request limits and the shape of errors: 60 a minute are kept unless the connection says
  otherwise (`requests_per_minute`), and a 429 is obeyed;
- whether lines that are not validated yet are listed: taken as they come;
- whether a lettering may join lines of two fiscal years: read either way.

No page knows of an export of the FEC. Exported by hand into the inbox it needs no mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.cegid_loop_entries import (
    Line,
    mapping_in,
    mapping_of,
    named,
)
from encours.clients.http import ApiSession, Limits, Patience
from encours.clients.json_numbers import read_json
from encours.clients.pagination import Page, by_offset
from encours.errors import FatalError, RetryableError

BASE_URL = "https://api.cegid.com/loop-api-publiques"
# The most that a listing of entries gives; no page tells more of the other listings.
PAGE_RECORDS = 100
REQUESTS_PER_MINUTE = 60
_MOST_REQUESTS_PER_MINUTE = 10_000
ENTRIES = "ecritures"
PATHS: Mapping[str, str] = {
    ENTRIES: "/EcritureComptable",
    "tiers_clients": "/tiersClient",
    "comptes": "/compte",
    "journaux": "/journal",
    "etablissements": "/etablissementComplet",
}
# The reference gives each type a name and a number, and does not show which of them is answered.
JOURNAL_TYPES = frozenset("12345678") | {
    "achat",
    "od",
    "anouveau",
    "banque",
    "caisse",
    "ecartchange",
    "regul",
    "vente",
}
# Principal and siège social, or siège social: 2 and 3 are other places.
_HEAD_OFFICES = ("1", "4")
_ANY, _UNLETTERED, _LETTERED = "", "codeLettrage==null", "codeLettrage!=null"
_SAFE_PATH = "export the FEC from Cegid Loop into the inbox instead"


def open_client(access: Access, *, patience: Patience | None = None) -> CegidLoopClient:
    return CegidLoopClient(access, patience=patience)


class CegidLoopClient:
    """One accounting file (dossier)."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        self._name = access.connection_id
        self._file = access.options.get("code_dossier", "").strip()
        subscription = access.options.get("subscription_key", "").strip()
        wanted = {
            "the API key (login)": access.login,
            "its secret (password)": access.secret,
            "the subscription key (subscription_key)": subscription,
            "the code of the accounting file (code_dossier)": self._file,
        }
        if missing := [meaning for meaning, value in wanted.items() if not value]:
            raise FatalError(
                f"{self._name} lacks {' and '.join(missing)}: encours connect cegid_loop"
            )
        self._first_day = access.options.get("first_day", "").strip()
        if self._first_day and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self._first_day):
            raise FatalError(f"{self._name}: first_day must be a day, AAAA-MM-JJ")
        self._mapping = mapping_of(access)
        self._company = ""
        headers = {
            "Ocp-Apim-Subscription-Key": subscription,
            "x-apikey": f"{access.login}:{access.secret}",
            "Accept": "application/json",
        }
        requests = access.number(
            "requests_per_minute", _MOST_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE
        )
        self._session = ApiSession(
            self._name,
            access.base_url or BASE_URL,
            headers=lambda: headers,
            limits=Limits(requests, 60.0),
            patience=patience,
        )

    def company_id(self) -> str:
        """The accounting file and its head office: a code is only unique within a firm. Looks at
        one line of an entry too, so that a mapping that does not fit is told before any reading."""
        if not self._company:
            offices = [office for page in self._all("etablissements") for office in _items(page)]
            self._company = f"{self._file}/{_head_office(self._name, offices)}"
            self._check_mapping()
        return self._company

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        if stream == ENTRIES:
            yield from self._entries()
        else:
            yield from self._all(stream)

    def close(self) -> None:
        self._session.close()

    def _check_mapping(self) -> None:
        """FatalError where the mapping is not complete or does not fit a line. It names the fields
        of a line, which no document does."""
        lines = _items(self._get(ENTRIES, _UNLETTERED, 0, 1))
        if missing := self._mapping.missing():
            fields = f"a line has {named(lines[0])}" if lines else "there is no line to see"
            raise FatalError(
                f"{self._name}: the connection does not say which field of a line of an entry is"
                f" {', '.join(missing)}: {fields} (encours connect cegid_loop, or {_SAFE_PATH})"
            )
        for line in lines:
            self._mapping.line(line)

    def _all(self, stream: str, condition: str = _ANY) -> Iterator[Exchange]:
        """To the page that brings nothing new: no page tells that a shorter one is the last."""
        return by_offset(
            partial(self._page, stream, condition), what=f"{self._name} {stream}", overlap=1
        )

    def _entries(self) -> Iterator[Exchange]:
        """All lines, or an error where they do not balance or do not fit the mapping."""
        self._check_mapping()
        told = _Told()
        for condition in (_UNLETTERED, _LETTERED):
            for exchange in self._all(ENTRIES, condition):
                lines = list(_lines(exchange))
                if any(("lettering" in x.payload) is not (condition == _LETTERED) for x in lines):
                    path = self._mapping.options["field_lettering"]
                    raise FatalError(
                        f"{self._name} {ENTRIES}: what field_lettering names, {path}, is not the"
                        f" lettering: lines of {condition} say otherwise"
                        " (encours connect cegid_loop)"
                    )
                told.add(lines)
                yield exchange
        self._check(told)

    def _check(self, told: _Told) -> None:
        """What came in all. A listing that was cut off, or that moved, balances by chance only."""
        if told.balance:
            raise RetryableError(
                f"{self._name} {ENTRIES}: the debits and credits of the {len(told.keys)} lines that"
                " came differ: the listing moved while it was read, or gives a part of the books"
                f" only (run again; if it stays so, {_SAFE_PATH})"
            )
        if told.keys and (lost := self._mapping.unseen(told.fields)):
            raise FatalError(
                f"{self._name} {ENTRIES}: no line has the field that is named by"
                f" {', '.join(lost)}: correct or leave it out (encours connect cegid_loop)"
            )

    def _page(self, stream: str, condition: str, skip: int) -> Page:
        exchange = self._get(stream, condition, skip, PAGE_RECORDS)
        if stream == ENTRIES:
            return Page(exchange, [line.key for line in _lines(exchange)])
        return Page(exchange, [_key(stream, item) for item in _items(exchange)])

    def _get(self, stream: str, condition: str, skip: int, take: int) -> Exchange:
        params = {"codeDossier": self._file, "skip": str(skip), "take": str(take)}
        if condition:
            days = f' && datePiece>="{self._first_day}"' if self._first_day else ""
            params["filter"] = condition + days
        exchange = self._session.get(PATHS[stream], params).exchange()
        if stream != ENTRIES:
            return exchange
        return replace(exchange, request=f"{exchange.request}#{self._mapping.fragment()}")


@dataclass
class _Told:
    """What the lines that came so far say together; a line that comes twice counts once."""

    balance: Decimal = Decimal(0)
    # Hashes: there may be a million.
    keys: set[int] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.fields |= line.fields
            if hash(line.key) not in self.keys:
                self.keys.add(hash(line.key))
                self.balance += line.debit - line.credit


def _head_office(name: str, offices: list[Mapping[str, Any]]) -> str:
    heads = [office for office in offices if str(office.get("type")) in _HEAD_OFFICES] or offices
    if not heads:
        raise FatalError(f"{name}: the accounting file has no establishment (check code_dossier)")
    return min(_key("etablissements", office) for office in heads)


# ---------------------------------------------------------------------- records of an answer


def read_records(stream: str, exchange: Exchange) -> Iterable[Record]:
    """The records of one answer. Of a line of an entry, what the mapping names; FatalError for a
    journal of a type that is not known: it may be one that opens a year."""
    if stream == ENTRIES:
        for line in _lines(exchange):
            yield Record(line.key, line.payload)
        return
    for item in _items(exchange):
        if stream == "journaux" and str(item.get("type")).lower() not in JOURNAL_TYPES:
            raise FatalError("cegid_loop journaux: a journal has a type that is not known")
        yield Record(_key(stream, item), item)


def _lines(exchange: Exchange) -> Iterator[Line]:
    mapping = mapping_in(exchange.request)
    return map(mapping.line, _items(exchange))


def _items(exchange: Exchange) -> list[Mapping[str, Any]]:
    value = read_json(exchange.body)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        path = exchange.request.partition("?")[0]
        raise FatalError(f"cegid_loop {path}: an answer is no list of records")
    return value


def _key(stream: str, item: Mapping[str, Any]) -> str:
    key = item.get("objectId")
    if not isinstance(key, str) or not key:
        raise FatalError(f"cegid_loop {stream}: a record has no objectId")
    return key
