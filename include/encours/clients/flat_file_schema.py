"""The flat files as data: which streams there are, their columns, and what a value may look like.

contracts.md §2 is the promise to users; this module is that promise in a form that code can read.
Nothing here opens a file. `explain` turns a value that broke a rule into one sentence for a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text", "date", "timestamp", "amount", "rate", "integer", "boolean", "number", "currency"
]

DEFAULT_ENTITY = "main"
DEFAULT_BASE_CURRENCY = "EUR"

# A key longer than this is a note typed in the wrong column, and B-tree indexes refuse
# entries beyond 2,700 bytes.
MAX_IDENTIFIER_CHARS = 200
# Fits numeric(38, 6) with room to sum five million of them; no ledger has a quadrillion.
MAX_INTEGER_DIGITS = 15
MAX_AMOUNT_DECIMALS = 6
MAX_RATE_INTEGER_DIGITS = 9
MAX_RATE_DECIMALS = 12
MAX_WHOLE_NUMBER_DIGITS = 9

TRUE_WORDS = ("true", "1", "yes", "oui")
FALSE_WORDS = ("false", "0", "no", "non")

# The years that _DAY knows.
FIRST_YEAR, LAST_YEAR = 1900, 9999
_DAY = r"(?:19\d\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_UNSIGNED = (
    rf"(?:0*\d{{1,{MAX_INTEGER_DIGITS}}}(?:\.\d{{1,{MAX_AMOUNT_DECIMALS}}}0*)?"
    rf"|\.\d{{1,{MAX_AMOUNT_DECIMALS}}}0*)"
)

# Regular expressions for RE2 (pyarrow), where \d means 0–9 only. A value that matches is well
# formed; dates still have to exist in the calendar (2023-02-30 matches).
# Midnight after a date is tolerated: it is how pandas writes a date, and it names the same day.
PATTERNS: dict[Kind, str] = {
    "date": rf"^{_DAY}(?:[T ]00:00(?::00(?:\.0+)?)?)?$",
    "timestamp": (rf"^{_DAY}(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?(?:Z|[+-]\d\d:?\d\d)?)?$"),
    "amount": rf"^{_UNSIGNED}$",
    "rate": (
        rf"^0*\d{{1,{MAX_RATE_INTEGER_DIGITS}}}(?:\.\d{{1,{MAX_RATE_DECIMALS}}}0*)?$"
        rf"|^\.\d{{1,{MAX_RATE_DECIMALS}}}0*$"
    ),
    "number": rf"^-?{_UNSIGNED}$",
    # pandas writes a whole number as 1.0 as soon as one row of the column is empty.
    "integer": rf"^0*[1-9]\d{{0,{MAX_WHOLE_NUMBER_DIGITS - 1}}}(?:\.0+)?$",
    "currency": r"^[A-Z]{3}$",
}
# Line ends and tabs may stand inside a note, never inside an identifier. U+0080–U+009F are what
# a Windows-1252 file decoded as Latin-1 leaves behind.
CONTROL_CHARACTERS_IN_TEXT = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x{9F}]"
CONTROL_CHARACTERS_IN_IDENTIFIER = r"[\x00-\x1F\x7F-\x{9F}]"


@dataclass(frozen=True)
class Column:
    """One column of a stream. `default` is what an absent or empty value means.

    `signed` admits negative amounts (control totals only). `refuses_zero` marks the amounts where
    zero would say something else than an exporter means; everywhere else zero is harmless, since it
    adds nothing to any total, and refusing it would hold a publication for nothing.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    default: str = ""
    allowed: tuple[str, ...] = ()
    signed: bool = False
    refuses_zero: bool = False

    @property
    def is_identifier(self) -> bool:
        """Joins rows to other rows, so it must be short and on one line."""
        return self.name.endswith("_id") or self.name in ("account", "policy_ref")

    @property
    def pattern(self) -> str:
        """The form of a well-formed value; empty for free text and booleans."""
        return PATTERNS.get("number" if self.signed else self.kind, "")


@dataclass(frozen=True)
class Stream:
    """One file of the contract. `allows_custom`: unknown columns become custom attributes."""

    name: str
    key_columns: tuple[str, ...]
    columns: tuple[Column, ...]
    allows_custom: bool = False

    @property
    def required_columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _needed(name: str, kind: Kind = "text", *, allowed: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, required=True, allowed=allowed)


_ENTITY = Column("entity_id", default=DEFAULT_ENTITY)

STREAMS: tuple[Stream, ...] = (
    Stream(
        "entities",
        ("entity_id",),
        (
            _ENTITY,
            *_text("entity_name", "siren"),
            Column("base_currency", "currency", default=DEFAULT_BASE_CURRENCY),
            Column("time_zone"),
        ),
    ),
    Stream(
        "customers",
        ("entity_id", "customer_id"),
        (
            _ENTITY,
            _needed("customer_id"),
            *_text("customer_name", "siren", "vat_number", "country_code", "sector", "region"),
            *_text("size_band", "payment_terms", "portfolio", "parent_customer_id"),
            Column("credit_limit", "amount"),
        ),
        allows_custom=True,
    ),
    Stream(
        "documents",
        ("entity_id", "document_id"),
        (
            _ENTITY,
            _needed("document_id"),
            _needed("document_type", allowed=("invoice", "credit_note")),
            Column("document_number"),
            _needed("customer_id"),
            _needed("issue_date", "date"),
            Column("due_date", "date"),
            _needed("currency_code", "currency"),
            _needed("amount_incl_tax", "amount"),
            Column("amount_excl_tax", "amount"),
            Column("exchange_rate", "rate"),
            Column("credited_document_id"),
            Column("status", default="posted", allowed=("posted", "draft", "void")),
        ),
        allows_custom=True,
    ),
    Stream(
        "instalments",
        ("entity_id", "document_id", "instalment_no"),
        (
            _ENTITY,
            _needed("document_id"),
            _needed("instalment_no", "integer"),
            _needed("due_date", "date"),
            _needed("amount", "amount"),
        ),
    ),
    Stream(
        "payments",
        ("entity_id", "payment_id"),
        (
            _ENTITY,
            _needed("payment_id"),
            _needed("customer_id"),
            Column("payment_type", default="receipt", allowed=("receipt", "refund")),
            _needed("payment_date", "date"),
            _needed("currency_code", "currency"),
            _needed("amount", "amount"),
            Column("exchange_rate", "rate"),
            *_text("method", "reference"),
        ),
    ),
    Stream(
        "allocations",
        ("entity_id", "allocation_id"),
        (
            _ENTITY,
            _needed("allocation_id"),
            _needed("source_type", allowed=("payment", "credit_note")),
            _needed("source_id"),
            _needed("document_id"),
            Column("instalment_no", "integer"),
            _needed("amount", "amount"),
            Column("reversed_on", "date"),
        ),
    ),
    Stream(
        "write_offs",
        ("entity_id", "write_off_id"),
        (
            _ENTITY,
            _needed("write_off_id"),
            _needed("document_id"),
            Column("instalment_no", "integer"),
            _needed("write_off_date", "date"),
            _needed("amount", "amount"),
            Column("reason"),
        ),
    ),
    Stream(
        "disputes",
        ("entity_id", "dispute_id"),
        (
            _ENTITY,
            _needed("dispute_id"),
            _needed("document_id"),
            # Empty means the whole document; a 0 from an exporter means "not given" as often as
            # "nothing", and the two are as far apart as they can be.
            Column("amount", "amount", refuses_zero=True),
            _needed("opened_on", "date"),
            Column("closed_on", "date"),
            Column("reason"),
        ),
    ),
    Stream(
        "promises",
        ("entity_id", "promise_id"),
        (
            _ENTITY,
            _needed("promise_id"),
            _needed("customer_id"),
            Column("document_id"),
            # A promise of nothing is kept by paying nothing: it would raise every kept rate.
            Column("amount", "amount", required=True, refuses_zero=True),
            _needed("promised_date", "date"),
            _needed("recorded_on", "date"),
        ),
    ),
    Stream(
        "collection_cases",
        ("entity_id", "case_id"),
        (
            _ENTITY,
            _needed("case_id"),
            _needed("document_id"),
            _needed("stage", allowed=("collection", "litigation")),
            _needed("opened_on", "date"),
            Column("closed_on", "date"),
        ),
    ),
    Stream(
        "dunning_actions",
        ("entity_id", "action_id"),
        (
            _ENTITY,
            _needed("action_id"),
            _needed("customer_id"),
            _needed("document_id"),
            *_text("level", "channel"),
            Column("is_automatic", "boolean"),
            _needed("action_date", "date"),
            Column("collector"),
            Column("minutes_spent", "number"),
            Column("cost", "amount"),
        ),
    ),
    Stream(
        "credit_decisions",
        (
            "buyer_id_type",
            "buyer_id",
            "provider",
            "policy_ref",
            "event_type",
            "event_at",
            "valid_from",
        ),
        (
            _needed("buyer_id"),
            _needed("buyer_id_type"),
            _needed("provider"),
            *_text("policy_ref", "decision_status"),
            Column("amount", "amount"),
            Column("currency_code", "currency"),
            Column("valid_from", "date"),
            Column("valid_to", "date"),
            Column("grade"),
            Column("score", "number"),
            Column("event_type"),
            Column("event_at", "timestamp"),
        ),
    ),
    Stream(
        "ledger_balances",
        ("entity_id", "account", "balance_date"),
        (
            _ENTITY,
            _needed("account"),
            _needed("balance_date", "date"),
            Column("balance", "amount", required=True, signed=True),
        ),
    ),
    Stream(
        "exchange_rates",
        ("currency_code", "base_currency", "rate_date"),
        (
            _needed("currency_code", "currency"),
            _needed("base_currency", "currency"),
            _needed("rate_date", "date"),
            _needed("rate", "rate"),
        ),
    ),
)

STREAMS_BY_NAME: dict[str, Stream] = {stream.name: stream for stream in STREAMS}


# ---------------------------------------------------------------- why a value was refused


def explain(column: Column, value: str) -> str:
    """One sentence: what is wrong with `value` in `column`, and how to mend it."""
    if not value:
        return f"{column.name} is empty: it is mandatory, fill it in"
    if re.search(CONTROL_CHARACTERS_IN_TEXT.replace(r"\x{9F}", r"\x9f"), value):
        return f"{column.name} contains a control character: export the value as plain text"
    if column.allowed:
        return _explain_allowed(column, value)
    if column.kind in ("amount", "rate", "number"):
        return _explain_decimal(column, value)
    if column.kind == "text":
        return _explain_identifier(column, value)
    return f"{column.name} {_EXPECTED[column.kind]}"


_EXPECTED: dict[Kind, str] = {
    "date": "is not a date of the calendar in ISO form: write YYYY-MM-DD, such as 2024-12-31",
    "timestamp": "is not an ISO timestamp: write it as 2024-12-31T18:05:00Z",
    "integer": "is not a whole number from 1: write it with digits only, such as 1",
    "boolean": "is not a yes or no: write true, false, 1, 0, yes, no, oui or non",
    "currency": "is not a currency code: write three capital letters, such as EUR",
}


def _explain_allowed(column: Column, value: str) -> str:
    choices = ", ".join(column.allowed)
    if value.lower() in column.allowed:
        return f"{column.name} must be in lower case: write {value.lower()}"
    return f"{column.name} is not one of the known values: write one of {choices}"


def _explain_identifier(column: Column, value: str) -> str:
    if len(value) > MAX_IDENTIFIER_CHARS:
        return (
            f"{column.name} is longer than {MAX_IDENTIFIER_CHARS} characters:"
            " check that the columns are not shifted"
        )
    return f"{column.name} contains a tab or a line break: an identifier stands on one line"


def _explain_decimal(column: Column, value: str) -> str:
    name = column.name
    digits = value.removeprefix("-")
    if not re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", digits, re.ASCII):
        return f"{name} {_explain_notation(digits)}"
    if value.startswith("-") and column.kind != "number" and not column.signed:
        return f"{name} is negative: amounts are positive, the type of the row gives the sign"
    if not digits.strip("0."):
        return f"{name} is zero: {_mend_zero(column)}"
    return f"{name} {_too_wide(column, digits)}"


def _explain_notation(digits: str) -> str:
    for pattern, explanation in _NOTATIONS:
        if re.fullmatch(pattern, digits, re.ASCII):
            return explanation
    return "is not a number: write digits and a dot only, such as 1234.56"


_NOTATIONS = (
    (r"[\d.]+[eE][+-]?\d+", "is in scientific notation: write all digits, such as 1250000.00"),
    (
        r"\d{1,3}(?:[ \u00a0\u202f',.’]\d{3})+(?:[.,]\d+)?",
        "has a thousands separator: write 1234.56 (digits and a dot)",
    ),
    (r"\d*,\d+", "has a decimal comma: write 1234.56 with a dot"),
)


def _mend_zero(column: Column) -> str:
    if column.kind == "rate":
        return "a rate is greater than zero; write units of base currency per unit of document"
    if column.required:
        return "write the amount concerned"
    return "write the amount concerned, or leave it empty where the whole document is meant"


def _too_wide(column: Column, digits: str) -> str:
    decimals = MAX_RATE_DECIMALS if column.kind == "rate" else MAX_AMOUNT_DECIMALS
    integers = MAX_RATE_INTEGER_DIGITS if column.kind == "rate" else MAX_INTEGER_DIGITS
    if len(digits.partition(".")[0].lstrip("0")) > integers:
        return f"is too large: at most {integers} digits before the dot"
    return f"has too many decimals: round it to {decimals} in the source"
