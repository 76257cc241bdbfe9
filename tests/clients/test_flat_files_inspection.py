"""What makes a directory of flat files, or one of its files, unusable as a whole."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

from encours.clients.flat_file_schema import STREAMS, STREAMS_BY_NAME, Stream
from encours.clients.flat_files import FlatFile, inspect_directory, unknown_files
from encours.errors import EXIT_BAD_INPUT, BadInput

HEADER = "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax"
ROW = "D1,invoice,C1,2024-01-31,EUR,120.00"
DOCUMENTS = f"{HEADER}\n{ROW}\n"


def write(directory: Path, content: str | bytes = DOCUMENTS, name: str = "documents.csv") -> Path:
    data = content.encode() if isinstance(content, str) else content
    (directory / name).write_bytes(data)
    return directory


def refusal(directory: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        inspect_directory(directory)
    assert caught.value.exit_status == EXIT_BAD_INPUT
    assert "\n" not in str(caught.value)
    assert caught.value.where
    assert caught.value.mend
    return caught.value


def documents_in(directory: Path) -> FlatFile:
    return next(file for file in inspect_directory(directory) if file.stream.name == "documents")


# ---------------------------------------------------------------- the contract as data


def test_all_fourteen_streams_of_the_contract_are_known() -> None:
    names = [stream.name for stream in STREAMS]

    assert len(names) == len(set(names)) == 14


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_key_of_a_stream_is_made_of_its_columns(stream: Stream) -> None:
    names = [column.name for column in stream.columns]

    assert len(names) == len(set(names))
    assert set(stream.key_columns) <= set(names)
    assert "entity_id" not in names or stream.key_columns[0] == "entity_id"


def test_only_customers_and_documents_take_custom_columns() -> None:
    assert [stream.name for stream in STREAMS if stream.allows_custom] == ["customers", "documents"]


# ---------------------------------------------------------------- the directory


def test_files_come_in_the_order_of_the_contract(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "customer_id\nC1\n", "customers.csv")

    names = [file.stream.name for file in inspect_directory(tmp_path)]

    assert names == ["customers", "documents"]


@pytest.mark.parametrize("name", ["documents.CSV", "Documents.csv"])
def test_the_case_of_a_file_name_does_not_matter(tmp_path: Path, name: str) -> None:
    write(tmp_path, name=name)

    assert documents_in(tmp_path).path.name == name


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    assert "no such directory" in str(refusal(tmp_path / "absent"))


def test_a_file_given_as_directory_is_refused(tmp_path: Path) -> None:
    write(tmp_path)

    assert "not a directory" in str(refusal(tmp_path / "documents.csv"))


def test_a_directory_without_documents_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "customer_id\nC1\n", "customers.csv")

    assert "documents.csv" in str(refusal(tmp_path))


def test_a_directory_that_may_not_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_self: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)

    assert "Permission denied" in str(refusal(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
@pytest.mark.parametrize("name", ["documents.csv", "documents.parquet"])
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, name=name)
    (tmp_path / name).chmod(0)

    assert "Permission denied" in str(refusal(tmp_path))


def test_a_file_that_fails_to_open_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)

    def denied(_self: Path, *_arguments: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)

    assert "documents.csv: cannot be read: Permission denied" in str(refusal(tmp_path))


def test_csv_and_parquet_of_one_stream_are_refused_together(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, name="documents.parquet")

    assert "documents.csv and documents.parquet" in str(refusal(tmp_path))


def test_a_directory_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "documents.csv").mkdir()

    assert "not a regular file" in str(refusal(tmp_path))


def test_files_of_other_names_are_told_as_warnings_with_the_likely_name(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "x", "write-offs.CSV")
    write(tmp_path, "x", "readme.txt")
    write(tmp_path, "x", ".hidden")

    warnings = unknown_files(tmp_path)

    assert len(inspect_directory(tmp_path)) == 1
    assert len(warnings) == 2
    assert "readme.txt" in warnings[0]
    assert warnings[1].endswith("did you mean write_offs.csv?")


# ---------------------------------------------------------------- the bytes of a file


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty" in str(refusal(write(tmp_path, "")))


@pytest.mark.parametrize("content", [codecs.BOM_UTF8, b"\n\r\n  \n", codecs.BOM_UTF8 + b"\n"])
def test_a_file_of_blank_lines_has_no_header(tmp_path: Path, content: bytes) -> None:
    assert "no header" in str(refusal(write(tmp_path, content)))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (DOCUMENTS.encode("utf-16"), "UTF-16"),
        (DOCUMENTS.encode("utf-16-be"), "UTF-16"),
        (DOCUMENTS.encode("utf-16-le"), "UTF-16"),
        (b"PK\x03\x04rest of a workbook", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b"PAR1rest", "Parquet"),
    ],
)
def test_a_file_of_another_format_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    assert what in str(refusal(write(tmp_path, content)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_that_is_not_utf8_is_told_with_its_line(tmp_path: Path, end: str) -> None:
    lines = [HEADER, *[ROW] * 5, ROW.replace("C1", "Société")]
    content = end.join(lines).encode("latin-1")

    error = refusal(write(tmp_path, content))

    assert error.where.endswith("documents.csv line 7")
    assert "0xE9" in str(error)
    assert "Windows-1252" in str(error)


def test_a_character_cut_at_the_end_of_the_file_is_not_utf8(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, DOCUMENTS.encode() + "D2,é".encode()[:-1]))

    assert error.where.endswith("line 3")


def test_a_character_across_two_read_blocks_is_utf8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encours.clients.flat_files.BLOCK_BYTES", 1)

    assert documents_in(write(tmp_path, DOCUMENTS.replace("D1", "é€𝄞")))


# ---------------------------------------------------------------- the header


def test_missing_mandatory_columns_are_all_named(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, "document_id,customer_id,issue_date,document_type\nD1,C1,,\n"))

    assert "currency_code, amount_incl_tax" in str(error)


@pytest.mark.parametrize("written", ["Document_ID", "document id", "dócument_id", "documnt_id"])
def test_a_mandatory_column_with_another_spelling_is_suggested(
    tmp_path: Path, written: str
) -> None:
    error = refusal(write(tmp_path, DOCUMENTS.replace("document_id", written)))

    assert f"rename {written} to document_id" in str(error)


@pytest.mark.parametrize("written", ["Due_Date", "due date", "DUE-DATE", "dué_date"])
def test_an_optional_column_with_another_spelling_never_becomes_a_custom_attribute(
    tmp_path: Path, written: str
) -> None:
    error = refusal(write(tmp_path, f"{HEADER},{written}\n{ROW},2024-03-01\n"))

    assert "write it exactly due_date" in str(error)


def test_a_custom_column_that_resembles_an_absent_one_is_told_as_a_warning(
    tmp_path: Path,
) -> None:
    file = documents_in(write(tmp_path, f"{HEADER},due_dat\n{ROW},2024-03-01\n"))

    assert file.custom_columns == ("due_dat",)
    assert "due_date" in file.warnings[0]


def test_custom_columns_of_documents_are_kept_without_a_warning(tmp_path: Path) -> None:
    file = documents_in(write(tmp_path, f"{HEADER},Affaire n°\n{ROW},12\n"))

    assert file.custom_columns == ("Affaire n°",)
    assert file.warnings == ()


def test_an_unknown_column_elsewhere_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "document_id,instalment_no,due_date,amount,reference\n", "instalments.csv")
    write(
        tmp_path,
        "payment_id,customer_id,payment_date,currency_code,amount,referense\n",
        "payments.csv",
    )

    error = refusal(tmp_path)
    (tmp_path / "instalments.csv").unlink()

    assert "column reference is not known" in str(error)
    assert "did you mean reference?" in str(refusal(tmp_path))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, f"{HEADER}, customer_id \n{ROW},C2\n"))

    assert "stand twice: customer_id" in str(error)


def test_a_column_without_name_is_refused(tmp_path: Path) -> None:
    assert "column 7 has no name" in str(refusal(write(tmp_path, f"{HEADER},\n{ROW},\n")))


def test_a_column_name_over_two_lines_is_refused(tmp_path: Path) -> None:
    assert "column 7" in str(refusal(write(tmp_path, f'{HEADER},"a\nb"\n{ROW},\n')))


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_tabs_and_bars_are_refused_as_separators(tmp_path: Path, separator: str) -> None:
    assert "commas or semicolons" in str(refusal(write(tmp_path, HEADER.replace(",", separator))))


def test_a_quote_left_open_in_the_header_is_refused(tmp_path: Path) -> None:
    content = f'"{HEADER}\n' + f"{ROW}\n" * 5_000

    assert "header" in str(refusal(write(tmp_path, content)))


def test_documents_without_a_row_are_refused(tmp_path: Path) -> None:
    assert "no document" in str(refusal(write(tmp_path, f"{HEADER}\n\n,,,,,\n")))


def test_another_file_without_a_row_is_accepted(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "customer_id", "customers.csv")

    assert len(inspect_directory(tmp_path)) == 2


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str, quote: str) -> None:
    header = delimiter.join(f"{quote}{name}{quote}" for name in HEADER.split(","))

    file = documents_in(write(tmp_path, f"{header}\n{ROW.replace(',', delimiter)}\n"))

    assert file.delimiter == delimiter
    assert file.header == tuple(HEADER.split(","))


def test_the_other_delimiter_inside_quoted_names_does_not_mislead(tmp_path: Path) -> None:
    names = [*HEADER.split(","), '"a,b,c,d,e,f,g,h"']

    file = documents_in(write(tmp_path, ";".join(names) + "\n" + ROW.replace(",", ";") + ";1\n"))

    assert file.delimiter == ";"
    assert file.custom_columns == ("a,b,c,d,e,f,g,h",)


def test_a_file_of_one_column_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "customer_id\nC1\n", "customers.csv")

    assert inspect_directory(tmp_path)[0].header == ("customer_id",)


def test_every_stream_can_be_read_with_its_own_column_names(tmp_path: Path) -> None:
    for name, stream in STREAMS_BY_NAME.items():
        header = ",".join(column.name for column in stream.columns)
        write(tmp_path, f"{header}\n{'x,' * (len(stream.columns) - 1)}x\n", f"{name}.csv")

    assert len(inspect_directory(tmp_path)) == 14
