"""Records of Xero's answers: which ones an answer holds, and whether they are of the known form.

Every field may be absent or null, as in the published OpenAPI document of the Accounting API
(16.1.0); one that is there must be of its type, or a single line says which one is not. Words that
are not known yet pass: the models judge them.

What no figure rests on stays in the landing zone: the lines of documents, what tells of persons
(phones, addresses of mail, bank accounts), a contact's balances, which change without it, and the
organisation's key for transactions with others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from encours.clients.api import Exchange, Record
from encours.clients.json_numbers import read_json
from encours.errors import FatalError

# Milliseconds since 1970. A day is midnight UTC; the only offset that the vendor shows is none.
_DATE = re.compile(r"/Date\((-?[0-9]{1,14})(?:\+0000)?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LEFT_OUT = frozenset(
    {
        "APIKey",
        "Attachments",
        "Balances",
        "BankAccountDetails",
        "BankAccountNumber",
        "BatchPayments",
        "ContactPersons",
        "EmailAddress",
        "FirstName",
        "LastName",
        "LineItems",
        "Phones",
    }
)


@dataclass(frozen=True)
class _Type:
    """What a field may hold, and how that is called."""

    name: str
    holds: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


TEXT = _Type("text", lambda value: isinstance(value, str))
NUMBER = _Type("a number", _is_number)
# The specification's own examples write some flags as text.
FLAG = _Type("true or false", lambda value: value in (True, False, "true", "false"))
DATE = _Type("a date", lambda value: isinstance(value, str) and bool(_DATE.fullmatch(value)))

# The fields of an object; a list in it has one shape for all its members.
Shape = Mapping[str, Any]

_CONTACT: Shape = {"ContactID": TEXT}
_DOCUMENT: Shape = {"Type": TEXT, "InvoiceID": TEXT, "CurrencyCode": TEXT, "Contact": _CONTACT}
_ALLOCATION: Shape = {
    "AllocationID": TEXT,
    "Amount": NUMBER,
    "Date": DATE,
    "IsDeleted": FLAG,
    "Invoice": {"InvoiceID": TEXT},
}
_MONEY: Shape = {
    "Type": TEXT,
    "Status": TEXT,
    "Contact": _CONTACT,
    "Date": DATE,
    "SubTotal": NUMBER,
    "Total": NUMBER,
    "CurrencyCode": TEXT,
    "CurrencyRate": NUMBER,
    "Reference": TEXT,
}
_CREDIT: Shape = {**_MONEY, "RemainingCredit": NUMBER, "Allocations": [_ALLOCATION]}


@dataclass(frozen=True)
class Kind:
    """One kind of record: the name of its endpoint, of the list in its answers, and of its id."""

    path: str
    listed_as: str
    key: str
    shape: Shape
    params: Mapping[str, str]


def _kind(name: str, key: str, shape: Shape, **params: str) -> Kind:
    return Kind(name, name, key, shape, params)


KINDS: Mapping[str, Kind] = {
    "payments": _kind(
        "Payments",
        "PaymentID",
        {
            "PaymentType": TEXT,
            "Status": TEXT,
            "Date": DATE,
            "Amount": NUMBER,
            "CurrencyRate": NUMBER,
            "Reference": TEXT,
            "BatchPaymentID": TEXT,
            "Invoice": _DOCUMENT,
            "CreditNote": {**_DOCUMENT, "CreditNoteID": TEXT},
            "Overpayment": {**_DOCUMENT, "OverpaymentID": TEXT},
            "Prepayment": {**_DOCUMENT, "PrepaymentID": TEXT},
        },
    ),
    "overpayments": _kind("Overpayments", "OverpaymentID", _CREDIT),
    "prepayments": _kind("Prepayments", "PrepaymentID", _CREDIT),
    "credit_notes": _kind(
        "CreditNotes",
        "CreditNoteID",
        {**_CREDIT, "CreditNoteNumber": TEXT},
        where='Type=="ACCRECCREDIT"',
    ),
    "invoices": _kind(
        "Invoices",
        "InvoiceID",
        {
            **_MONEY,
            "InvoiceNumber": TEXT,
            "DueDate": DATE,
            "ExpectedPaymentDate": DATE,
            "AmountDue": NUMBER,
        },
        where='Type=="ACCREC"',
    ),
    "contacts": _kind(
        "Contacts",
        "ContactID",
        {
            "Name": TEXT,
            "CompanyNumber": TEXT,
            "TaxNumber": TEXT,
            "MergedToContactID": TEXT,
            "PaymentTerms": {"Sales": {"Day": NUMBER, "Type": TEXT}},
            "Addresses": [{"AddressType": TEXT, "Country": TEXT, "Region": TEXT}],
        },
        includeArchived="true",
    ),
    "organisations": Kind(
        "Organisation",
        "Organisations",
        "OrganisationID",
        {"Name": TEXT, "BaseCurrency": TEXT, "Timezone": TEXT, "TaxNumber": TEXT},
        {},
    ),
}


def read_records(stream: str, exchange: Exchange) -> Iterator[Record]:
    """The records of one answer. None is deleted: what is void or deleted stays in Xero's listings
    and says so in its status."""
    kind = KINDS[stream]
    for item in items_of(stream, read_json(exchange.body)):
        key = key_of(stream, item)
        misfit = _misfit(kind.shape, item)
        if misfit:
            raise FatalError(f"xero {stream}: {key}: {misfit} (has Xero's API changed?)")
        yield Record(key=key, payload=_kept(item), updated_at=_updated_at(stream, key, item))


def items_of(stream: str, value: Any) -> Sequence[Mapping[str, Any]]:
    """The list in the envelope; FatalError where there is none."""
    items = value.get(KINDS[stream].listed_as) if isinstance(value, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise FatalError(f"xero {stream}: an answer has an unknown shape")
    return items


def key_of(stream: str, item: Mapping[str, Any]) -> str:
    key = item.get(KINDS[stream].key)
    if not isinstance(key, str) or not key:
        raise FatalError(f"xero {stream}: a record has no {KINDS[stream].key}")
    return key


def _misfit(shape: Shape, value: Any, where: str = "") -> str:
    """The first field that is not of its type, empty where all are."""
    if not isinstance(value, dict):
        return f"{where or 'a record'} is no object"
    for name, wanted in shape.items():
        found = value.get(name)
        path = f"{where}.{name}" if where else name
        misfit = "" if found is None else _misfit_of(wanted, found, path)
        if misfit:
            return misfit
    return ""


def _misfit_of(wanted: Any, found: Any, path: str) -> str:
    if isinstance(wanted, _Type):
        return "" if wanted.holds(found) else f"{path} is not {wanted.name}"
    if isinstance(wanted, list):
        if not isinstance(found, list):
            return f"{path} is no list"
        return next(filter(None, (_misfit(wanted[0], each, path) for each in found)), "")
    return _misfit(wanted, found, path)


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _kept(part) for name, part in value.items() if name not in _LEFT_OUT}
    if isinstance(value, list):
        return [_kept(part) for part in value]
    return value


def _updated_at(stream: str, key: str, item: Mapping[str, Any]) -> datetime | None:
    text = item.get("UpdatedDateUTC")
    if text is None:
        return None
    found = _DATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise FatalError(f"xero {stream}: {key}: UpdatedDateUTC is no moment")
    return _EPOCH + timedelta(milliseconds=int(found[1]))
