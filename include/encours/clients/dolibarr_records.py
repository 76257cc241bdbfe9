"""What an answer of Dolibarr holds.

Ids and amounts are text (`"99"`, `"1220.00000000"`), sums may be numbers or null, and so are ids of
some versions; dates of invoices are unix seconds of midnight where the server is, dates of payments
text as the database has it (`2026-01-20 12:00:00`); what is not set is null or empty.

A payload holds what the models rest on and no more: the answers also have notes, lines, contacts
and a link to pay online, which is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from encours.clients.api import Exchange, Record
from encours.clients.json_numbers import read_json
from encours.errors import EncoursError, FatalError

INVOICES, PAYMENTS, THIRDPARTIES, SETTINGS = "invoices", "payments", "thirdparties", "settings"

TOTALS = ("totalpaid", "totalcreditnotes", "totaldeposits")
_INVOICE_IDS = ("socid",)
_INVOICE_AMOUNTS = ("total_ht", "total_ttc")
# `statut` is the older name of `status`. Without the module for currencies the last four are empty.
_INVOICE_CHOICES = ("status", "statut")
_INVOICE_REST = (
    "id",
    "ref",
    "type",
    "date",
    "date_lim_reglement",
    "date_modification",
    "close_code",
    "fk_facture_source",
    "remaintopay",
    "multicurrency_code",
    "multicurrency_tx",
    "multicurrency_total_ht",
    "multicurrency_total_ttc",
)
_THIRDPARTY_FIELDS = (
    "id",
    "name",
    "client",
    "code_client",
    "idprof1",
    "idprof2",
    "tva_intra",
    "country_code",
    "outstanding_limit",
    "parent",
    "cond_reglement_id",
    "date_modification",
)
_PAYMENT_FIELDS = ("amount", "type", "date", "num", "ref")

_PATH = re.compile(
    r"/(?:setup/conf/(?P<constant>\w+)"
    r"|invoices/(?P<invoice>\d+)/payments"
    r"|(?P<listing>invoices|thirdparties))$",
    re.ASCII,
)
_ID = re.compile(r"[1-9][0-9]{0,18}")
_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_SECONDS = re.compile(r"-?[0-9]{1,12}")


def fields_of_invoice() -> tuple[str, ...]:
    return (*_INVOICE_REST, *_INVOICE_IDS, *_INVOICE_AMOUNTS, *_INVOICE_CHOICES, *TOTALS)


# ---------------------------------------------------------------------- answers


def is_not_found(body: bytes) -> bool:
    """Whether Dolibarr itself says that there is nothing: its message names what was looked for
    (`Not Found: Invoice not found`), that of an address that is not served does not."""
    error = _error_of(body)
    return error.get("code") == 404 and ":" in str(error.get("message"))


def _error_of(body: bytes) -> Mapping[str, Any]:
    try:
        value = read_json(body)
    except EncoursError:
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def keys_of(kind: str, exchange: Exchange) -> Sequence[str]:
    """The ids of a page in ascending order, as asked for."""
    keys = sorted(int(_Fields(kind, row).identifier("id")) for row in _rows(kind, exchange))
    return [str(key) for key in keys]


def settled_keys(exchange: Exchange) -> Sequence[str]:
    """The ids of the invoices of a page of which something was paid, credited or deposited."""
    rows = [_Fields(INVOICES, row) for row in _rows(INVOICES, exchange)]
    return [
        fields.identifier("id")
        for fields in rows
        if any([fields.amount(name, nullable=True) for name in TOTALS])
    ]


def read_setting(exchange: Exchange) -> str:
    """The value of a constant; empty where it is not set."""
    value = read_json(exchange.body)
    if isinstance(value, str):
        return value.strip()
    if _error_of(exchange.body).get("code") == 400:
        return ""
    raise FatalError("dolibarr: the value of a setting is not text (has Dolibarr's API changed?)")


def _rows(kind: str, exchange: Exchange) -> list[Any]:
    """The rows of a listing; none where Dolibarr says that nothing is found."""
    value = read_json(exchange.body)
    if isinstance(value, list):
        return value
    if is_not_found(exchange.body):
        return []
    raise FatalError(f"dolibarr: the answer to a listing of {kind} is no list")


# ---------------------------------------------------------------------- records of an exchange


def read_records(stream: str, exchange: Exchange) -> Iterator[Record]:
    """The records of one answer. The payments of an invoice are one record, whole each time: one
    that is undone is gone from the next; they are deleted with their invoice."""
    found = _PATH.search(exchange.request.partition("?")[0])
    if found is not None and stream == SETTINGS and found["constant"]:
        if value := read_setting(exchange):
            yield Record(found["constant"], {"value": value})
    elif found is not None and stream == PAYMENTS and found["invoice"]:
        yield _payments(found["invoice"], exchange)
    elif found is not None and stream in (INVOICES, THIRDPARTIES) and found["listing"] == stream:
        read = _invoice if stream == INVOICES else _thirdparty
        for row in _rows(stream, exchange):
            yield read(_Fields(stream, row))
    else:
        raise FatalError(f"dolibarr: the landed request is none of {stream}")


def _invoice(fields: _Fields) -> Record:
    key = fields.identifier("id")
    fields = _Fields(f"invoice {key}", fields.value)
    for name in _INVOICE_IDS:
        fields.identifier(name)
    for name in ("type", next((n for n in _INVOICE_CHOICES if n in fields.value), "status")):
        fields.code(name)
    for name in _INVOICE_AMOUNTS:
        fields.amount(name)
    for name in (*TOTALS, "remaintopay"):
        fields.amount(name, nullable=True)
    for name in ("multicurrency_tx", "multicurrency_total_ht", "multicurrency_total_ttc"):
        fields.amount(name, nullable=True, is_optional=True)
    fields.seconds("date")
    fields.seconds("date_lim_reglement")
    payload = fields.only((*_INVOICE_REST, *_INVOICE_IDS, *_INVOICE_AMOUNTS, *_INVOICE_CHOICES))
    payload |= fields.only(TOTALS)
    return Record(key, payload, fields.moment("date_modification"))


def _thirdparty(fields: _Fields) -> Record:
    key = fields.identifier("id")
    fields = _Fields(f"third party {key}", fields.value)
    fields.text("name")
    fields.amount("outstanding_limit", nullable=True, is_optional=True)
    payload = fields.only(_THIRDPARTY_FIELDS)
    return Record(key, payload, fields.moment("date_modification"))


def _payments(invoice: str, exchange: Exchange) -> Record:
    """The database gives the rows in any order: they are sorted, or they would seem to change."""
    value = read_json(exchange.body)
    if is_not_found(exchange.body):
        return Record(invoice, {}, is_deleted=True)
    where = f"payments of invoice {invoice}"
    if not isinstance(value, list):
        raise FatalError(f"dolibarr: {where}: the answer is no list")
    rows = []
    for row in value:
        fields = _Fields(where, row)
        fields.amount("amount")
        fields.text("type")
        fields.day("date")
        rows.append(fields.only(_PAYMENT_FIELDS))
    rows.sort(key=lambda row: [str(row.get(name)) for name in ("date", "ref", "type", "amount")])
    return Record(invoice, {"invoice_id": invoice, "payments": rows})


class _Fields:
    """The fields of one object: what the models rest on has its type, or there is one line that
    says what has not. An unknown word or number is let through, the models judge it."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise FatalError(f"dolibarr: {where}: a row is no object")
        self._where = where
        self.value: dict[str, Any] = value

    def only(self, names: Sequence[str]) -> dict[str, Any]:
        return {name: self.value[name] for name in names if name in self.value}

    def identifier(self, name: str) -> str:
        text = str(self._get(name))
        if isinstance(self.value[name], bool) or not _ID.fullmatch(text):
            raise self._wrong(name, "an id")
        return text

    def text(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def code(self, name: str) -> None:
        """A word or a number of a fixed list."""
        value = self._get(name)
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            raise self._wrong(name, "a code")

    def amount(self, name: str, *, nullable: bool = False, is_optional: bool = False) -> Decimal:
        """Zero where it is not set, if that is allowed: a sum over nothing is null."""
        value: Any = self.value.get(name) if is_optional else self._get(name)
        if nullable and (value is None or value == ""):
            return Decimal(0)
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _AMOUNT.fullmatch(value)):
            raise self._wrong(name, "a decimal amount")
        return Decimal(value)

    def seconds(self, name: str) -> int | None:
        value = self._get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not _SECONDS.fullmatch(str(value)):
            raise self._wrong(name, "a date in unix seconds")
        return int(value)

    def moment(self, name: str) -> datetime | None:
        """Some versions do not tell it of all kinds of records."""
        seconds = self.seconds(name) if name in self.value else None
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def day(self, name: str) -> None:
        try:
            date.fromisoformat(str(self._get(name))[:10])
        except ValueError:
            raise self._wrong(name, "a date") from None

    def _get(self, name: str) -> Any:
        if name not in self.value:
            raise FatalError(
                f"dolibarr: {self._where}: has no field {name} (is this version of Dolibarr very"
                " old, or very new?)"
            )
        return self.value[name]

    def _wrong(self, name: str, wanted: str) -> FatalError:
        return FatalError(
            f"dolibarr: {self._where}: {name} is not {wanted} (has Dolibarr's API changed?)"
        )
