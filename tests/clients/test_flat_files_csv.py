"""Reading CSV: shapes of rows, quotes, line ends, and the physical line of every record."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from encours.clients import flat_files
from encours.clients.flat_files import (
    ControlTotals,
    FlatFile,
    RefusedRow,
    inspect_directory,
    read_stream,
)
from encours.errors import BadInput

HEADER = "customer_id,customer_name,sector"
DOCUMENTS = (
    "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax\n"
    "D1,invoice,C1,2024-01-31,EUR,120.00\n"
)


def customers_file(directory: Path, content: str | bytes) -> FlatFile:
    data = content.encode() if isinstance(content, str) else content
    (directory / "documents.csv").write_text(DOCUMENTS)
    (directory / "customers.csv").write_bytes(data)
    return inspect_directory(directory)[0]


def read(directory: Path, content: str | bytes) -> tuple[list[dict[str, Any]], list[RefusedRow]]:
    """Usable rows and refusals of a customers file."""
    rows: list[dict[str, Any]] = []
    refused: list[RefusedRow] = []
    for batch in read_stream(customers_file(directory, content)):
        rows += batch.table.to_pylist()
        refused += batch.refused
    return rows, refused


def picked(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture(params=[7, 64, 4 * 1024 * 1024], ids=lambda size: f"blocks of {size}")
def any_block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The same answer must come out wherever the reader happens to cut the file."""
    monkeypatch.setattr(flat_files, "BLOCK_BYTES", request.param)
    return int(request.param)


# ---------------------------------------------------------------- the table


def test_the_table_holds_the_line_the_key_the_columns_of_the_contract_and_custom(
    tmp_path: Path,
) -> None:
    file = customers_file(tmp_path, f"{HEADER}\nC1,Ada,\n")

    (batch,) = read_stream(file)

    expected = ["line_no", "record_key", *(column.name for column in file.stream.columns), "custom"]
    assert batch.table.column_names == expected
    assert {str(kind) for kind in batch.table.schema.types[1:]} == {"string"}
    assert str(batch.table.schema.field("line_no").type) == "int64"


def test_absent_columns_are_empty_and_the_entity_is_main(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "customer_id\nC1\n")

    assert picked(rows, "entity_id", "customer_name", "custom") == [("main", "", "")]


def test_an_empty_entity_is_main(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "customer_id,entity_id\nC1,\nC2,lyon\n")

    assert picked(rows, "record_key") == [("main|C1",), ("lyon|C2",)]


def test_keys_with_bars_and_backslashes_do_not_collide(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "entity_id,customer_id\na|b,c\na,b|c\na\\,b\n")

    assert picked(rows, "record_key") == [("a\\|b|c",), ("a|b\\|c",), ("a\\\\|b",)]


def test_custom_columns_become_a_json_object_of_the_values_that_are_not_empty(
    tmp_path: Path,
) -> None:
    content = 'customer_id, Né le ,"say ""hi"""\nC1,"a ""b"" \\ c\r\nd\te",\nC2,,\nC3,é,1\n'

    rows, _ = read(tmp_path, content)

    assert [row["custom"] and json.loads(row["custom"]) for row in rows] == [
        {"Né le": 'a "b" \\ c\r\nd\te'},
        "",
        {"Né le": "é", 'say "hi"': "1"},
    ]


def test_values_are_trimmed_of_surrounding_blanks(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, f'{HEADER}\n C1\t,"  Ada L. ",\u00a0x\u202f\n')

    assert picked(rows, "customer_id", "customer_name", "sector") == [("C1", "Ada L.", "x")]


def test_words_that_look_like_nulls_are_text(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, f'{HEADER}\nNULL,NA,"N/A"\n#N/A,nan,""\n')

    assert picked(rows, "customer_id", "customer_name", "sector") == [
        ("NULL", "NA", "N/A"),
        ("#N/A", "nan", ""),
    ]


def test_a_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, codecs.BOM_UTF8 + f"{HEADER}\nC1,Ada,\n".encode())

    assert picked(rows, "line_no", "customer_id") == [(2, "C1")]


def test_a_file_with_a_header_only_gives_one_empty_batch(tmp_path: Path) -> None:
    (batch,) = read_stream(customers_file(tmp_path, HEADER))

    assert batch.table.num_rows == 0
    assert batch.bytes_read == len(HEADER)


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.usefixtures("any_block_size")
def test_line_numbers_count_header_blank_lines_and_lines_within_quotes(
    tmp_path: Path, end: str
) -> None:
    lines = ["", HEADER, "C1,a,", "", 'C2,"two', 'lines",x', "", "", "C3,b,", 'C4,"a', "", 'b",']

    rows, refused = read(tmp_path, end.join(lines) + end)

    assert picked(rows, "line_no", "customer_id") == [(3, "C1"), (5, "C2"), (9, "C3"), (10, "C4")]
    assert rows[3]["customer_name"] == f"a{end}{end}b"
    assert refused == []


@pytest.mark.usefixtures("any_block_size")
def test_mixed_line_ends_count_one_line_each(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, f"{HEADER}\r\nC1,,\nC2,,\rC3,,\r\n\r\n\r\rC4,,\n")

    assert picked(rows, "line_no", "customer_id") == [(2, "C1"), (3, "C2"), (4, "C3"), (8, "C4")]


@pytest.mark.usefixtures("any_block_size")
def test_a_header_over_two_lines_of_quotes_moves_the_rows_down(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, '\n"customer_id\n",customer_name\nC1,a\n')

    assert picked(rows, "line_no", "customer_id") == [(4, "C1")]


@pytest.mark.usefixtures("any_block_size")
def test_a_last_line_without_line_end_is_read(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, f"{HEADER}\nC1,,\nC2,a,b")

    assert picked(rows, "line_no", "sector") == [(2, ""), (3, "b")]
    assert refused == []


@pytest.mark.usefixtures("any_block_size")
def test_rows_of_blanks_only_are_counted_and_not_refused(tmp_path: Path) -> None:
    file = customers_file(tmp_path, f"{HEADER}\nC1,,\n  \n,,\n , ,\t\n,\n,,,,\nC2,,\n")

    totals = ControlTotals()
    for batch in read_stream(file):
        totals = totals.plus(batch)

    assert totals == ControlTotals(2, 0, 5, file.size_bytes)


# ---------------------------------------------------------------- rows that are refused


@pytest.mark.usefixtures("any_block_size")
@pytest.mark.parametrize(
    ("row", "fields", "mend"),
    [("C2,a", "2 fields", "one separator"), ("C2,a,b,c", "4 fields", "double quotes")],
)
def test_a_row_with_another_number_of_fields_is_refused_alone(
    tmp_path: Path, row: str, fields: str, mend: str
) -> None:
    rows, refused = read(tmp_path, f'{HEADER}\nC1,"x\ny",\n{row}\nC3,,\n')

    assert picked(rows, "line_no", "customer_id") == [(2, "C1"), (5, "C3")]
    (only,) = refused
    assert (only.file_name, only.line_no, only.column, only.record_key, only.value_excerpt) == (
        "customers.csv",
        4,
        "",
        "",
        row,
    )
    assert fields in only.reason
    assert mend in only.reason


@pytest.mark.usefixtures("any_block_size")
def test_a_truncated_last_line_is_refused_as_such(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, f"{HEADER}\nC1,,\nC2,a")

    assert picked(rows, "customer_id") == [("C1",)]
    assert refused[0].line_no == 3
    assert "truncated" in refused[0].reason


@pytest.mark.usefixtures("any_block_size")
def test_a_quote_never_closed_makes_the_file_unusable_and_tells_the_line(tmp_path: Path) -> None:
    file = customers_file(tmp_path, f'{HEADER}\nC1,"a\nb",\n\nC2,"c ""d,\nC3,,\n')

    with pytest.raises(BadInput) as caught:
        list(read_stream(file))

    assert caught.value.where.endswith("customers.csv line 5")
    assert "never closed" in str(caught.value)


def test_a_quote_never_closed_is_found_without_reading_the_rest_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat_files, "BLOCK_BYTES", 64)
    monkeypatch.setattr(flat_files, "MAX_RECORD_BYTES", 256)
    file = customers_file(tmp_path, f'{HEADER}\nC1,,\nC2,"a,\n' + "C3,,\n" * 10_000)

    with pytest.raises(BadInput, match=r"line 3: .*never closed"):
        list(read_stream(file))


def test_a_line_without_end_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat_files, "BLOCK_BYTES", 64)
    monkeypatch.setattr(flat_files, "MAX_RECORD_BYTES", 256)
    file = customers_file(tmp_path, f"{HEADER}\nC1,,\nC2,{'a' * 1000}")

    with pytest.raises(BadInput, match=r"line 3: the line is longer"):
        list(read_stream(file))


@pytest.mark.usefixtures("any_block_size")
def test_a_quote_within_an_unquoted_value_is_read_as_it_stands(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, f'{HEADER}\nC1,Tube 5" steel,12"\nC2,"a\nb",\nC3,c"d"e,\n')

    assert picked(rows, "line_no", "customer_name", "sector") == [
        (2, 'Tube 5" steel', '12"'),
        (3, "a\nb", ""),
        (5, 'c"d"e', ""),
    ]
    assert refused == []


@pytest.mark.usefixtures("any_block_size")
def test_text_after_a_closing_quote_is_refused_alone(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, f'{HEADER}\nC1,,\nC2,"a"b,\nC3,"say "hi"",\nC4,"d",\n')

    assert picked(rows, "line_no", "customer_id") == [(2, "C1"), (5, "C4")]
    assert [(row.line_no, row.value_excerpt) for row in refused] == [
        (3, 'C2,"a"b,'),
        (4, 'C3,"say "hi"",'),
    ]
    assert "closing quote" in refused[0].reason


@pytest.mark.usefixtures("any_block_size")
def test_a_blank_before_an_opening_quote_is_refused_alone(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, f'{HEADER}\nC1,  "a",\nC2,"b",\n')

    assert picked(rows, "customer_id") == [("C2",)]
    assert "blank" in refused[0].reason


@pytest.mark.usefixtures("any_block_size")
def test_a_missing_closing_quote_refuses_only_what_it_swallows(tmp_path: Path) -> None:
    rows, refused = read(tmp_path, f'{HEADER}\n"C1","a",""\n"C2","b,""\n"C3","c",""\n"C4","d",""\n')

    assert picked(rows, "line_no", "customer_id") == [(2, "C1"), (5, "C4")]
    assert [row.line_no for row in refused] == [3]


def test_several_faults_of_a_row_are_one_refusal_that_names_them_all(tmp_path: Path) -> None:
    content = "customer_id,customer_name,credit_limit\n,a\x01,-5\nC2,,5\n"

    rows, refused = read(tmp_path, content)

    assert picked(rows, "customer_id") == [("C2",)]
    (only,) = refused
    assert only.column == "customer_id"
    assert "also refused: customer_name, credit_limit" in only.reason


def test_refusals_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    content = f'{HEADER}\n,no key,\nC2\nC3,"a"b,\n,no key,\nC5,,,,x\n'

    _, refused = read(tmp_path, content)

    assert [row.line_no for row in refused] == [2, 3, 4, 5, 6]


def test_the_excerpt_of_a_long_value_is_cut(tmp_path: Path) -> None:
    _, refused = read(tmp_path, f"{HEADER}\n{'x' * 300},,\n")

    assert refused[0].value_excerpt == "x" * 40


def test_control_totals_add_up_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_files, "BLOCK_BYTES", 100)
    rows = "C1,a,b\n" * 50 + "bad\n" + "C2,,\n" * 9 + "C3,,"
    file = customers_file(tmp_path, codecs.BOM_UTF8 + f"{HEADER}\n{rows}".encode())
    totals = ControlTotals()

    for batch in read_stream(file):
        totals = totals.plus(batch)

    assert totals == ControlTotals(61, 1, 0, file.size_bytes)
