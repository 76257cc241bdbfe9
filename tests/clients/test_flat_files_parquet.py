"""Reading Parquet: typed columns become the text that a CSV of the same books holds."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from encours.clients import flat_files
from encours.clients.flat_files import ControlTotals, FlatBatch, inspect_directory, read_stream
from encours.errors import BadInput

DAY = dt.date(2024, 1, 31)


def typed_documents(rows: int = 3) -> Any:
    """Documents as a careful tool writes them: every column with its own type."""
    import pyarrow as pa

    numbers = range(1, rows + 1)
    return pa.table(
        {
            "document_id": pa.array(numbers, pa.int64()),
            "document_type": pa.array(["invoice"] * rows).dictionary_encode(),
            "customer_id": pa.array([f"C {n}" for n in numbers], pa.large_string()),
            "issue_date": pa.array([DAY] * rows, pa.date32()),
            "due_date": pa.array(
                [dt.datetime(2024, 2, 29) if n % 2 else None for n in numbers], pa.timestamp("ns")
            ),
            "currency_code": pa.array(["EUR"] * rows),
            "amount_incl_tax": pa.array(
                [Decimal("120.50") * n for n in numbers], pa.decimal128(18, 2)
            ),
            "amount_excl_tax": pa.array([100 * n for n in numbers], pa.int32()),
            "exchange_rate": pa.array([Decimal("1.08450000")] * rows, pa.decimal128(20, 8)),
            "status": pa.nulls(rows),
            "is urgent": pa.array([bool(n % 2) for n in numbers]),
            "Affaire": pa.array(['a "b"\nc', None, ""][:rows] + ["x"] * (rows - 3)),
        }
    )


def write_parquet(directory: Path, table: Any, name: str = "documents", **options: Any) -> None:
    from pyarrow import parquet

    parquet.write_table(table, directory / f"{name}.parquet", **options)


def with_column(name: str, values: Any) -> Any:
    """The typed documents with one column replaced or added."""
    table = typed_documents(len(values))
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def batches(directory: Path, stream: str = "documents") -> list[FlatBatch]:
    files = inspect_directory(directory)
    return list(read_stream(next(file for file in files if file.stream.name == stream)))


def values_of(directory: Path, column: str) -> list[str]:
    (batch,) = batches(directory)
    return batch.table.column(column).to_pylist()  # type: ignore[no-any-return]


def test_csv_and_parquet_of_the_same_books_give_the_same_table(tmp_path: Path) -> None:
    table = typed_documents()
    as_parquet, as_csv = tmp_path / "parquet", tmp_path / "csv"
    as_parquet.mkdir()
    as_csv.mkdir()
    write_parquet(as_parquet, table)
    with (as_csv / "documents.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter=";")
        writer.writerow(table.column_names)
        for row in table.to_pylist():
            row["due_date"] = row["due_date"] and row["due_date"].date()
            row["is urgent"] = str(row["is urgent"]).lower()
            writer.writerow(row.values())

    (from_parquet,) = batches(as_parquet)
    (from_csv,) = batches(as_csv)

    assert from_parquet.refused == from_csv.refused == ()
    assert from_parquet.table.drop(["line_no"]).equals(from_csv.table.drop(["line_no"]))
    assert from_parquet.table.num_rows == 3


def test_rows_are_numbered_from_one_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat_files, "PARQUET_BATCH_ROWS", 4)
    write_parquet(tmp_path, typed_documents(10), row_group_size=7)

    lines = [line for batch in batches(tmp_path) for line in batch.table["line_no"].to_pylist()]

    assert lines == list(range(1, 11))


def test_refused_rows_carry_the_row_number_and_blank_rows_are_counted(tmp_path: Path) -> None:
    import pyarrow as pa

    table = typed_documents(3)
    blank = pa.table(
        {name: pa.nulls(1, table.schema.field(name).type) for name in table.column_names}
    )
    wrong = table.slice(0, 1).set_column(
        1, "document_type", pa.array(["order"]).dictionary_encode()
    )
    write_parquet(
        tmp_path, pa.concat_tables([table.slice(0, 1), blank, wrong]).unify_dictionaries()
    )

    (batch,) = batches(tmp_path)

    assert [(row.line_no, row.column, row.record_key) for row in batch.refused] == [
        (3, "document_type", "main|1")
    ]
    size = (tmp_path / "documents.parquet").stat().st_size
    assert ControlTotals().plus(batch) == ControlTotals(2, 1, 1, size)


@pytest.mark.parametrize("places", [0, 2, 6, 8, 12])
def test_decimals_of_any_scale_are_written_without_exponent(tmp_path: Path, places: int) -> None:
    import pyarrow as pa

    zeros = pa.array([Decimal(0), Decimal(12), None], pa.decimal128(30, places))
    write_parquet(tmp_path, with_column("amount_excl_tax", zeros))

    assert values_of(tmp_path, "amount_excl_tax") == ["0", "12", ""]


def test_a_tiny_decimal_rate_is_written_in_full(tmp_path: Path) -> None:
    import pyarrow as pa

    rates = pa.array([Decimal("0.00000001")], pa.decimal128(20, 8))
    write_parquet(tmp_path, with_column("exchange_rate", rates))

    assert values_of(tmp_path, "exchange_rate") == ["0.00000001"]


@pytest.mark.parametrize("column", ["amount_incl_tax", "amount_excl_tax", "exchange_rate"])
@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_money_as_floating_point_is_refused_for_the_whole_file(
    tmp_path: Path, column: str, kind: str
) -> None:
    import pyarrow as pa

    write_parquet(tmp_path, with_column(column, pa.array([1.5], kind)))

    with pytest.raises(BadInput, match=rf"column {column}: .*not exact.*decimal"):
        inspect_directory(tmp_path)


def test_a_floating_point_column_without_any_value_is_an_empty_column(tmp_path: Path) -> None:
    import pyarrow as pa

    write_parquet(tmp_path, with_column("amount_excl_tax", pa.array([None, None], pa.float64())))

    assert values_of(tmp_path, "amount_excl_tax") == ["", ""]


def test_identifiers_as_floating_point_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    write_parquet(tmp_path, with_column("document_number", pa.array([1001.0])))

    with pytest.raises(BadInput, match=r"document_number: .*cast the column to text"):
        inspect_directory(tmp_path)


def test_whole_numbers_stored_as_floating_point_because_of_gaps_are_read(tmp_path: Path) -> None:
    import pyarrow as pa

    write_parquet(tmp_path, typed_documents())
    write_parquet(
        tmp_path,
        pa.table(
            {
                "allocation_id": ["A1", "A2", "A3"],
                "source_type": ["payment"] * 3,
                "source_id": ["P1"] * 3,
                "document_id": ["1"] * 3,
                "instalment_no": [2.0, float("nan"), None],
                "amount": pa.array([1, 2, 3]),
            }
        ),
        "allocations",
    )

    (batch,) = batches(tmp_path, "allocations")

    assert batch.refused == ()
    assert batch.table["instalment_no"].to_pylist() == ["2", "", ""]


def test_a_timestamp_that_is_not_midnight_is_no_date(tmp_path: Path) -> None:
    import pyarrow as pa

    noon = pa.array([dt.datetime(2024, 1, 31, 12)], pa.timestamp("us"))
    write_parquet(tmp_path, with_column("issue_date", noon))

    (batch,) = batches(tmp_path)

    assert batch.refused[0].column == "issue_date"


def test_a_date_with_a_time_zone_is_refused_for_the_whole_file(tmp_path: Path) -> None:
    import pyarrow as pa

    moments = pa.array([dt.datetime(2024, 1, 31)], pa.timestamp("us", "Europe/Paris"))
    write_parquet(tmp_path, with_column("issue_date", moments))

    with pytest.raises(BadInput, match=r"issue_date: .*time zone"):
        inspect_directory(tmp_path)


def test_a_timestamp_with_a_time_zone_becomes_utc(tmp_path: Path) -> None:
    import pyarrow as pa

    moment = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
    write_parquet(tmp_path, typed_documents())
    write_parquet(
        tmp_path,
        pa.table(
            {
                "buyer_id": ["B1"],
                "buyer_id_type": ["siren"],
                "provider": ["insurer"],
                "score": [7.25],
                "event_at": pa.array([moment], pa.timestamp("ns", "Europe/Paris")),
            }
        ),
        "credit_decisions",
    )

    (batch,) = batches(tmp_path, "credit_decisions")

    assert batch.table["event_at"].to_pylist() == ["2024-01-31T12:00:00.000000Z"]
    assert batch.table["score"].to_pylist() == ["7.25"]


def test_nested_columns_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    write_parquet(tmp_path, with_column("tags", pa.array([["a", "b"]])))

    with pytest.raises(BadInput, match=r"column tags: .*cast it to text"):
        inspect_directory(tmp_path)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    write_parquet(tmp_path, typed_documents())
    path = tmp_path / "documents.parquet"
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(BadInput, match=r"documents.parquet: is not readable as Parquet"):
        inspect_directory(tmp_path)


def test_a_damaged_page_is_refused_while_reading(tmp_path: Path) -> None:
    write_parquet(tmp_path, typed_documents(1000), compression="zstd", use_dictionary=False)
    path = tmp_path / "documents.parquet"
    data = bytearray(path.read_bytes())
    data[4:600] = bytes(596)
    path.write_bytes(data)
    (file,) = inspect_directory(tmp_path)

    with pytest.raises(BadInput, match="is not readable as Parquet"):
        list(read_stream(file))


def test_documents_without_a_row_are_refused(tmp_path: Path) -> None:
    write_parquet(tmp_path, typed_documents().slice(0, 0))

    with pytest.raises(BadInput, match="no document"):
        inspect_directory(tmp_path)


def test_another_file_without_a_row_gives_one_empty_batch(tmp_path: Path) -> None:
    import pyarrow as pa

    write_parquet(tmp_path, typed_documents())
    write_parquet(tmp_path, pa.table({"customer_id": pa.array([], pa.string())}), "customers")

    (batch,) = batches(tmp_path, "customers")

    assert batch.table.num_rows == 0
    assert batch.bytes_read > 0


def test_missing_mandatory_columns_are_named_for_parquet_too(tmp_path: Path) -> None:
    write_parquet(tmp_path, typed_documents().drop(["issue_date"]))

    with pytest.raises(BadInput, match="issue_date"):
        inspect_directory(tmp_path)
