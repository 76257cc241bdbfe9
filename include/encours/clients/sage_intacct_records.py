"""What is read of Sage Intacct, and what an answer of it holds.

Field names: for ARINVOICE, CUSTOMER and ARPYMTDETAIL those of recorded exchanges (August 2026);
for ARPYMT, ARADVANCE and ARADJUSTMENT those of the vendor's pages on each object and of public
clients. All values are text: dates MM/DD/YYYY, moments MM/DD/YYYY HH:MM:SS (GMT, as far as is
known), amounts with the digits that they need. An empty element is no value. Amounts in the
currency of the document begin with TRX_, those in the company's do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from encours.clients.api import Exchange, Record
from encours.clients.sage_intacct_xml import read_answer
from encours.errors import FatalError, RetryableError

MOMENT = "%m/%d/%Y %H:%M:%S"
RECORD_IDS = "record_ids"

_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,20})?", re.ASCII)
_DAY = re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])/\d{4}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class Shape:
    """What is read of an object: `texts`, and values that figures rest upon."""

    object: str
    texts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    moments: tuple[str, ...] = ("WHENMODIFIED",)

    @property
    def fields(self) -> tuple[str, ...]:
        """In the order in which they are asked for."""
        return (
            "RECORDNO",
            *self.texts,
            *self.keys,
            *self.amounts,
            *self.days,
            *self.moments,
        )


_DOCUMENT_TEXTS = (
    "RECORDID",
    "RECORDTYPE",
    "STATE",
    "RAWSTATE",
    "CUSTOMERID",
    "DOCNUMBER",
    "BASECURR",
    "CURRENCY",
    "MEGAENTITYID",
)
_DOCUMENT_AMOUNTS = (
    "EXCHANGE_RATE",
    "TOTALENTERED",
    "TOTALDUE",
    "TRX_TOTALENTERED",
    "TRX_TOTALDUE",
)
_PAYMENT_TEXTS = (
    "RECORDTYPE",
    "STATE",
    "RAWSTATE",
    "CUSTOMERID",
    "PAYMENTMETHOD",
    "DOCNUMBER",
    "BASECURR",
    "CURRENCY",
    "MEGAENTITYID",
)
_PAYMENT_AMOUNTS = ("TOTALENTERED", "TRX_TOTALENTERED")

SHAPES: Mapping[str, Shape] = {
    # What settles what. The target is an invoice (RECORDKEY) or a debit memo (POSADJKEY); what
    # settles it is money (PAYMENTKEY) or one of the credits, each with its key and its amount.
    "payment_details": Shape(
        "ARPYMTDETAIL",
        texts=("CURRENCY", "STATE"),
        keys=(
            "RECORDKEY",
            "POSADJKEY",
            "PAYMENTKEY",
            "ADJUSTMENTKEY",
            "NEGATIVEINVOICEKEY",
            "POSTEDADVANCEKEY",
            "POSTEDOVERPAYMENTKEY",
            "INLINEKEY",
        ),
        amounts=(
            "TRX_PAYMENTAMOUNT",
            "TRX_DISCOUNTAMOUNT",
            "TRX_ADJUSTMENTAMOUNT",
            "TRX_NEGATIVEINVOICEAMOUNT",
            "TRX_POSTEDADVANCEAMOUNT",
            "TRX_POSTEDOVERPAYMENTAMOUNT",
            "TRX_INLINEAMOUNT",
        ),
        days=("PAYMENTDATE",),
    ),
    "payments": Shape(
        "ARPYMT",
        texts=_PAYMENT_TEXTS,
        keys=("PARENTPAYMENTKEY",),
        amounts=_PAYMENT_AMOUNTS,
        days=("RECEIPTDATE", "WHENPAID"),
    ),
    "advances": Shape(
        "ARADVANCE",
        texts=_PAYMENT_TEXTS,
        amounts=_PAYMENT_AMOUNTS,
        days=("RECEIPTDATE", "PAYMENTDATE"),
    ),
    "adjustments": Shape(
        "ARADJUSTMENT",
        texts=_DOCUMENT_TEXTS,
        amounts=_DOCUMENT_AMOUNTS,
        days=("WHENCREATED", "WHENPOSTED"),
    ),
    "invoices": Shape(
        "ARINVOICE",
        texts=(*_DOCUMENT_TEXTS, "TERMNAME", "DUNNINGCOUNT", "DISPUTEREASON", "EINVOICESTATUS"),
        amounts=_DOCUMENT_AMOUNTS,
        days=("WHENCREATED", "WHENPOSTED", "WHENDUE"),
    ),
    "customers": Shape(
        "CUSTOMER",
        texts=(
            "CUSTOMERID",
            "NAME",
            "PARENTID",
            "TERMNAME",
            "TAXID",
            "STATUS",
            "DISPLAYCONTACT.SIRET",
            "DISPLAYCONTACT.TAXID",
            "DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE",
        ),
        amounts=("CREDITLIMIT",),
    ),
}
# Nothing is left of a deleted record, so the numbers that still exist are listed.
LISTED = ("payment_details", "payments", "advances", "adjustments", "invoices")


def read_records(stream: str, exchange: Exchange) -> Iterable[Record]:
    """The records of one page: a field's text by its name. Of a listing of numbers a record is the
    object's name with the number."""
    try:
        answer = read_answer(exchange.body)
    except ValueError:
        # A broken connection and a proxy's page look like this: another try may give the answer.
        raise RetryableError(f"sage_intacct {stream}: an answer breaks off") from None
    if answer.failed:
        raise FatalError(f"sage_intacct {stream}: an answer tells of a failure")
    if stream == RECORD_IDS:
        objects = {SHAPES[name].object for name in LISTED}
        for name, values in answer.records:
            if name not in objects:
                raise FatalError(f"sage_intacct {stream}: a listing holds other records")
            number = number_of(name, values)
            yield Record(f"{name}/{number}", {"OBJECT": name, "RECORDNO": number})
        return
    shape = SHAPES[stream]
    for name, values in answer.records:
        if name != shape.object:
            raise FatalError(f"sage_intacct {stream}: a listing holds other records")
        yield _record(shape, values)


def number_of(object_name: str, values: Mapping[str, str]) -> str:
    number = values.get("RECORDNO", "")
    if not _NUMBER.fullmatch(number):
        raise FatalError(f"sage_intacct: a record of {object_name} has no RECORDNO")
    return number


def _record(shape: Shape, values: Mapping[str, str]) -> Record:
    number = number_of(shape.object, values)
    where = f"sage_intacct: {shape.object} {number}"
    for name in shape.fields:
        if name not in values:
            raise FatalError(f"{where} has no field {name}")
    for names, form, meaning in (
        (shape.keys, _NUMBER, "no number"),
        (shape.amounts, _AMOUNT, "no amount"),
        (shape.days, _DAY, "no date"),
    ):
        for name in names:
            if values[name] and not form.fullmatch(values[name]):
                raise FatalError(f"{where}: {name} is {meaning}")
    return Record(number, values, _moment(where, values["WHENMODIFIED"]))


def _moment(where: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise FatalError(f"{where}: WHENMODIFIED is no moment") from None
