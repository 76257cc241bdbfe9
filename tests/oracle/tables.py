"""Marts that are compared row by row: how they are read, and how rows of both sides differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from oracle.balances import ZERO

# Error of a long division.
DIVISION_ERROR = Decimal("1e-9")

# Scope type and value; of a table of entities `entity` and its id.
Owner = tuple[str, str]
Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """A mart with its key, less whose rows they are, and its figures."""

    name: str
    key: tuple[str, ...]
    figures: tuple[str, ...]
    owner: tuple[str, ...] = ("entity_id",)

    def read(self, connection: psycopg.Connection, schema: str) -> dict[Owner, Rows]:
        columns = [sql.Identifier(name) for name in (*self.owner, *self.key, *self.figures)]
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(columns), sql.Identifier(schema, self.name)
        )
        owned: dict[Owner, Rows] = {}
        with connection.cursor(row_factory=tuple_row) as cursor:
            for row in cursor.execute(query):
                owner = row[: len(self.owner)]
                key = row[len(owner) : len(owner) + len(self.key)]
                of_owner: Owner = owner if len(owner) == 2 else ("entity", owner[0])
                figures = row[len(owner) + len(key) :]
                owned.setdefault(of_owner, {})[key] = dict(zip(self.figures, figures, strict=True))
        return owned


@dataclass(frozen=True)
class Quotient:
    """`of` ÷ `by`, nothing where `by` is zero."""

    of: Decimal
    by: Decimal

    @property
    def value(self) -> Decimal | None:
        return self.of / self.by if self.by else None


def counted(some: Sized, of: Sized) -> Quotient:
    return Quotient(Decimal(len(some)), Decimal(len(of)))


@dataclass(frozen=True)
class Difference:
    """Of figures that are rounded first: a unit of their last digit, half of it from each."""

    value: Decimal


def row_differences(what: str, ours: Rows, theirs: Rows) -> Iterator[str]:
    """Rows of both sides, amounts to the cent. A row that says nothing may be left out by the
    warehouse."""
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        name = f"{what}, {' '.join('-' if part is None else str(part) for part in key)}"
        if key not in ours:
            yield f"{name}: oracle no row, warehouse {_told(theirs[key])}"
        elif key in theirs:
            for column, value in ours[key].items():
                if not _agree(column, value, theirs[key][column]):
                    shown = shown_value(theirs[key][column])
                    yield f"{name}, {column}: oracle {shown_value(value)}, warehouse {shown}"
        elif any(_says_something(value) for value in ours[key].values()):
            yield f"{name}: oracle {_told(ours[key])}, warehouse no row"


def _agree(column: str, ours: Any, theirs: Any) -> bool:
    value = plain(ours)
    if not isinstance(value, Decimal) or not isinstance(theirs, Decimal):
        return bool(value == theirs)
    if "company_amount" in column:
        return value == theirs
    last_digit = Decimal(1).scaleb(int(theirs.as_tuple().exponent))
    allowed = last_digit if isinstance(ours, Difference) else last_digit / 2
    return abs(value - theirs) <= allowed + DIVISION_ERROR


def plain(value: Any) -> Any:
    return value.value if isinstance(value, Quotient | Difference) else value


def _says_something(value: Any) -> bool:
    return not isinstance(value, date | str) and bool(plain(value))


def _told(row: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={shown_value(value)}" for name, value in row.items())


def shown_value(value: Any) -> str:
    value = plain(value)
    if isinstance(value, Decimal):
        return f"{value.normalize() if value else ZERO:f}"
    return "nothing" if value is None else str(value)
