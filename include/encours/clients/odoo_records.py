"""What is read of Odoo, and what an answer of it holds: both protocols give the same records.

Names that changed: `account.move.type` (13) is `move_type` from 14, a receivable line is
`account_internal_type = receivable` before 16. Empty values are `false`, whatever their type;
amounts are JSON floats or XML-RPC doubles; moments are UTC, without their fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from encours.clients.api import Exchange, Record
from encours.clients.json_numbers import read_json
from encours.clients.xml_rpc import read_answer
from encours.errors import FatalError, RetryableError

TIME = "%Y-%m-%d %H:%M:%S"

Domain = list[Any]


@dataclass(frozen=True)
class Books:
    """What domains depend on: which company, and which names this version has."""

    company: int
    version: int

    @property
    def receivable(self) -> list[str]:
        """The condition on a move line."""
        if self.version < 16:
            return ["account_internal_type", "=", "receivable"]
        return ["account_id.account_type", "=", "asset_receivable"]


@dataclass(frozen=True)
class StreamShape:
    """What is read of a model. Without `fields` only ids are. `choices`: one of these names, the
    first that this version has. `optional` fields are read where they exist and may be read."""

    model: str
    domain: Callable[[Books], Domain]
    fields: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()

    @property
    def lists_ids(self) -> bool:
        return not self.fields


_SALES = ("out_invoice", "out_refund", "out_receipt")
_STATES = ("draft", "posted", "cancel")
_KNOWN_VALUES = {"state": _STATES, "parent_state": _STATES, "move_type": _SALES, "type": _SALES}


def _company_only(books: Books) -> Domain:
    return [["id", "=", books.company]]


def _everything(_: Books) -> Domain:
    return []


def _shared_or_own(books: Books) -> Domain:
    return ["|", ["company_id", "=", False], ["company_id", "=", books.company]]


def _receivable_lines(books: Books) -> Domain:
    return [["company_id", "=", books.company], books.receivable]


def _receivable_reconciles(books: Books) -> Domain:
    field, operator, value = books.receivable
    return [["company_id", "=", books.company], [f"debit_move_id.{field}", operator, value]]


def _sales(books: Books) -> Domain:
    name = "type" if books.version < 14 else "move_type"
    return [["company_id", "=", books.company], [name, "in", list(_SALES)]]


STREAMS: Mapping[str, StreamShape] = {
    "companies": StreamShape(
        "res.company",
        _company_only,
        fields=("name", "currency_id", "write_date"),
        optional=("vat", "company_registry", "currency_exchange_journal_id"),
    ),
    "currencies": StreamShape("res.currency", _everything, fields=("name", "write_date")),
    "partial_reconciles": StreamShape(
        "account.partial.reconcile",
        _receivable_reconciles,
        fields=("debit_move_id", "credit_move_id", "amount", "write_date"),
        # Before 14 `amount_currency` and `currency_id` speak for both sides; the exchange
        # difference is named here from 16 on.
        optional=(
            "debit_amount_currency",
            "credit_amount_currency",
            "amount_currency",
            "currency_id",
            "exchange_move_id",
            "full_reconcile_id",
            "max_date",
        ),
        amounts=("amount", "debit_amount_currency", "credit_amount_currency", "amount_currency"),
    ),
    "partial_reconcile_ids": StreamShape("account.partial.reconcile", _receivable_reconciles),
    "move_lines": StreamShape(
        "account.move.line",
        _receivable_lines,
        fields=(
            "move_id",
            "account_id",
            "partner_id",
            "parent_state",
            "date",
            "date_maturity",
            "balance",
            "amount_currency",
            "currency_id",
            "amount_residual",
            "amount_residual_currency",
            "payment_id",
            "write_date",
        ),
        optional=("statement_line_id", "journal_id", "move_name", "name", "ref"),
        amounts=(
            "balance",
            "amount_currency",
            "amount_residual",
            "amount_residual_currency",
        ),
    ),
    "move_line_ids": StreamShape("account.move.line", _receivable_lines),
    "moves": StreamShape(
        "account.move",
        _sales,
        fields=(
            "name",
            "state",
            "partner_id",
            "commercial_partner_id",
            "invoice_date",
            "invoice_date_due",
            "currency_id",
            "amount_total",
            "amount_residual",
            "reversed_entry_id",
            "write_date",
        ),
        optional=("ref", "payment_state", "amount_untaxed", "invoice_payment_term_id"),
        choices=("move_type", "type"),
        amounts=("amount_total", "amount_residual", "amount_untaxed"),
    ),
    "partners": StreamShape(
        "res.partner",
        _shared_or_own,
        fields=("name", "commercial_partner_id", "parent_id", "active", "write_date"),
        optional=(
            "ref",
            "vat",
            "company_registry",
            "country_code",
            "customer_rank",
            "credit_limit",
            "property_payment_term_id",
        ),
        amounts=("credit_limit",),
    ),
}


# ---------------------------------------------------------------------- records of an exchange


def read_records(stream: str, exchange: Exchange) -> list[Record]:
    """The records of one page. A payload is the row as Odoo gave it (`false` for empty, an id with
    a name for a reference); of a listing of ids it is the id alone."""
    shape = STREAMS[stream]
    return [_record(shape, row) for row in rows_of(shape, exchange.body)]


def rows_of(shape: StreamShape, body: bytes) -> list[Any]:
    value = read_value(body)
    if not isinstance(value, list):
        raise FatalError(f"odoo: the answer to a listing of {shape.model} is no list")
    return value


def read_value(body: bytes) -> Any:
    """XML-RPC answers begin with `<`, and no JSON text does."""
    if body.lstrip()[:1] != b"<":
        return read_json(body)
    try:
        return read_answer(body)
    except ValueError:
        # A broken connection and a proxy's page look like this: another try may give the answer.
        broken = RetryableError("odoo: the answer is no XML-RPC answer")
    raise broken


def _record(shape: StreamShape, row: Any) -> Record:
    if shape.lists_ids:
        key = id_of(shape, row)
        return Record(str(key), {"id": key})
    if not isinstance(row, dict):
        raise FatalError(f"odoo: a row of {shape.model} is no record")
    key = id_of(shape, row.get("id"))
    _check_row(shape, key, row)
    return Record(str(key), row, _moment(shape, key, row["write_date"]))


def id_of(shape: StreamShape, value: Any) -> int:
    if type(value) is not int:
        raise FatalError(f"odoo: a row of {shape.model} has no id")
    return value


def _check_row(shape: StreamShape, key: int, row: Mapping[str, Any]) -> None:
    """FatalError where a value is not what amounts and states rest upon."""
    where = f"odoo: {shape.model} {key}"
    for name in shape.fields:
        if name not in row:
            raise FatalError(f"{where} has no field {name}")
    if shape.choices and not any(name in row for name in shape.choices):
        raise FatalError(f"{where} has no field {shape.choices[0]}")
    for name in shape.amounts:
        if name in row and type(row[name]) not in (int, Decimal):
            raise FatalError(f"{where}: {name} is no number")
    for name, known in _KNOWN_VALUES.items():
        if name in row and row[name] not in known:
            raise FatalError(f"{where}: {name} is none of {', '.join(known)}")


def _moment(shape: StreamShape, key: int, value: Any) -> datetime:
    try:
        return datetime.strptime(value, TIME).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise FatalError(f"odoo: {shape.model} {key}: write_date is no moment") from None
