"""The Parquet form of the demo books: the same content as CSV, typed."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from encours.demo.books import DemoOptions, write_books
from encours.demo.tables import TABLES


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("demo")
    for layout in ("csv", "parquet"):
        write_books(DemoOptions(invoices=600, months=18, seed=5, format=layout), base / layout)
    return base / "csv", base / "parquet"


def as_csv_text(value: object, csv_text: str) -> str:
    """A typed value as the CSV form writes it; numbers compare as numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return csv_text if csv_text and Decimal(csv_text) == value else str(value)
    return str(value)


@pytest.mark.parametrize("table", TABLES)
def test_parquet_holds_what_csv_holds(folders: tuple[Path, Path], table: str) -> None:
    import pyarrow.parquet as pq

    with (folders[0] / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        expected = list(csv.DictReader(stream))

    found = [
        {name: as_csv_text(value, row[name]) for name, value in typed.items()}
        for typed, row in zip(
            pq.ParquetFile(folders[1] / f"{table}.parquet").read().to_pylist(),
            expected,
            strict=True,
        )
    ]

    assert found == expected


def test_parquet_amounts_and_dates_are_typed(folders: tuple[Path, Path]) -> None:
    import pyarrow.parquet as pq

    schema = pq.read_schema(folders[1] / "documents.parquet")

    assert str(schema.field("amount_incl_tax").type) == "decimal128(18, 2)"
    assert str(schema.field("exchange_rate").type) == "decimal128(18, 8)"
    assert str(schema.field("issue_date").type) == "date32[day]"


def test_parquet_bytes_are_repeatable(folders: tuple[Path, Path], tmp_path: Path) -> None:
    options = DemoOptions(invoices=600, months=18, seed=5, format="parquet")
    write_books(options, tmp_path)

    for path in folders[1].iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
