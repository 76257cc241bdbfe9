"""Reading the published marts as BI does: role `bi_reader`, read only, three output formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors

from encours.errors import BadInput
from encours.settings import Settings
from encours.warehouse.connections import connect, open_reader


@dataclass(frozen=True)
class Answer:
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def read_query(settings: Settings, query: str) -> Answer:
    """Run one query. BadInput when it is not one, or asks for more than the marts."""
    with connect(open_reader(settings), application_name="encours sql") as connection:
        connection.read_only = True
        try:
            # A prepared statement is a single one: `select 1; drop …` is refused by the server.
            cursor = connection.execute(query.strip().rstrip(";"), prepare=True)
            if cursor.description is None:
                raise BadInput("the query returns no rows", mend="use a select")
            columns = tuple(column.name for column in cursor.description)
            return Answer(columns, tuple(cursor.fetchall()))
        except errors.UndefinedTable as error:
            raise BadInput(
                f"{_line(error)}", mend="nothing published yet? encours run, or make demo"
            ) from error
        except psycopg.Error as error:
            raise BadInput(_line(error), mend="only reads of schema marts are allowed") from error


def as_table(answer: Answer) -> Iterator[str]:
    cells = [["" if value is None else str(value) for value in row] for row in answer.rows]
    widths = [
        max([len(name), *(len(row[index]) for row in cells)])
        for index, name in enumerate(answer.columns)
    ]
    is_number = [
        all(isinstance(row[index], int | float) or _is_decimal(row[index]) for row in answer.rows)
        and bool(answer.rows)
        for index in range(len(answer.columns))
    ]
    yield "  ".join(name.ljust(width) for name, width in zip(answer.columns, widths, strict=True))
    yield "  ".join("-" * width for width in widths)
    for row in cells:
        yield "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, is_number, strict=True)
        ).rstrip()
    yield f"({len(cells)} row{'s' if len(cells) != 1 else ''})"


def as_csv(answer: Answer) -> Iterator[str]:
    for row in (answer.columns, *answer.rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(row)
        yield line.getvalue()


def as_json(answer: Answer) -> Iterator[str]:
    # Money stays exact: a decimal is written as text, never as a float.
    yield json.dumps(
        [dict(zip(answer.columns, row, strict=True)) for row in answer.rows], default=str
    )


FORMATS: dict[str, Callable[[Answer], Iterator[str]]] = {
    "table": as_table,
    "csv": as_csv,
    "json": as_json,
}


def _is_decimal(value: Any) -> bool:
    from decimal import Decimal

    return value is None or isinstance(value, Decimal)


def _line(error: psycopg.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())
