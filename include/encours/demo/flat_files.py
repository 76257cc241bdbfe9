"""Flat files of the demo company, CSV or Parquet, written as the lives come."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

from encours.demo.control import ControlAccount
from encours.demo.credit import decision_rows
from encours.demo.customers import Customer
from encours.demo.events import Life
from encours.demo.rates import BASE_CURRENCY, FOREIGN_CURRENCY, rate_text
from encours.demo.tables import TABLES, Column, Rows, customer_row, life_rows, money
from encours.demo.world import World

if TYPE_CHECKING:
    import pyarrow as pa

RECEIVABLE_ACCOUNT = "411000"
_TIME_ZONE = "Europe/Paris"
# Free text that may need quoting; the other tables hold only codes, numbers and plain labels.
_QUOTED = frozenset({"entities", "customers"})
_BUFFER_BYTES = 1 << 18
_ROW_GROUP = 20_000


class Sink(Protocol):
    """Where the rows of the tables go."""

    def write(self, table: str, rows: Rows) -> None: ...

    def close(self) -> None: ...


class FlatBooks:
    """Writes each life to the flat files, then the tables that concern everybody."""

    def __init__(self, world: World, sink: Sink) -> None:
        self._world = world
        self._sink = sink
        self._counts = dict.fromkeys(TABLES, 0)

    def __enter__(self) -> Self:
        entities: Rows = [
            (e.entity_id, e.name, e.siren, BASE_CURRENCY, _TIME_ZONE) for e in self._world.entities
        ]
        self._write("entities", entities)
        return self

    def add(self, customer: Customer, life: Life) -> None:
        self._write("customers", [customer_row(customer)])
        for table, rows in life_rows(customer, life, self._world.days):
            self._write(table, rows)
        self._write("credit_decisions", decision_rows(self._world.seed, customer, self._world.days))

    def finish(self, control: ControlAccount) -> Mapping[str, int]:
        """Control totals and rates; the rows written per table."""
        iso, days = self._world.days.iso, self._world.days
        self._write(
            "ledger_balances",
            [
                (e, RECEIVABLE_ACCOUNT, iso[day], money(total))
                for e, day, total in control.balances()
            ],
        )
        self._write(
            "exchange_rates",
            [
                (FOREIGN_CURRENCY, BASE_CURRENCY, iso[day], rate_text(rate))
                for day, rate in enumerate(self._world.rates)
                if days.target_days[day]
            ],
        )
        return self._counts

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sink.close()

    def _write(self, table: str, rows: Rows) -> None:
        if rows:
            self._counts[table] += len(rows)
            self._sink.write(table, rows)


class CsvSink:
    """UTF-8, comma, LF, a header; every table gets its file, if only a header."""

    def __init__(self, out: Path) -> None:
        self._stack = ExitStack()
        self._files: dict[str, TextIO] = {}
        for table, columns in TABLES.items():
            path = out / f"{table}.csv"
            stream = self._stack.enter_context(
                path.open("w", encoding="utf-8", newline="", buffering=_BUFFER_BYTES)
            )
            stream.write(",".join(column.name for column in columns) + "\n")
            self._files[table] = stream

    def write(self, table: str, rows: Rows) -> None:
        self._files[table].write(csv_text(table, rows))

    def close(self) -> None:
        self._stack.close()


class ParquetSink:
    """Typed columns; about 20,000 rows in a row group.

    Rows wait as the text of the CSV form, which pyarrow reads back typed: the two forms cannot
    differ, and text is far smaller than Python rows.
    """

    def __init__(self, out: Path) -> None:
        import pyarrow.parquet as pq

        self._stack = ExitStack()
        self._schemas = {table: parquet_schema(columns) for table, columns in TABLES.items()}
        self._writers = {
            table: self._stack.enter_context(pq.ParquetWriter(out / f"{table}.parquet", schema))
            for table, schema in self._schemas.items()
        }
        self._texts: dict[str, list[str]] = {table: [] for table in TABLES}
        self._waiting = dict.fromkeys(TABLES, 0)

    def write(self, table: str, rows: Rows) -> None:
        self._texts[table].append(csv_text(table, rows))
        self._waiting[table] += len(rows)
        if self._waiting[table] >= _ROW_GROUP:
            self._flush(table)

    def close(self) -> None:
        for table, waiting in self._waiting.items():
            if waiting:
                self._flush(table)
        self._stack.close()

    def _flush(self, table: str) -> None:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        schema = self._schemas[table]
        body = "".join(self._texts[table]).encode()
        self._writers[table].write_table(
            arrow_csv.read_csv(
                pa.BufferReader(body),
                # One block: the row group must not depend on the number of threads.
                arrow_csv.ReadOptions(
                    use_threads=False, block_size=len(body) + 1, column_names=schema.names
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=schema, null_values=[""], strings_can_be_null=True
                ),
            )
        )
        self._texts[table].clear()
        self._waiting[table] = 0


def csv_text(table: str, rows: Rows) -> str:
    """Rows as CSV lines; only the tables with free text pay for quoting."""
    if table not in _QUOTED:
        return "\n".join([",".join(row) for row in rows]) + "\n"
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def parquet_schema(columns: tuple[Column, ...]) -> pa.Schema:
    import pyarrow as pa

    types: dict[str, Any] = {
        "text": pa.string(),
        "date": pa.date32(),
        "money": pa.decimal128(18, 2),
        "rate": pa.decimal128(18, 8),
        "whole": pa.int32(),
        "flag": pa.bool_(),
    }
    return pa.schema([(column.name, types[column.kind]) for column in columns])
