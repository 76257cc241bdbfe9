"""Whatever a CSV writer may write is read back: the same values, at the right lines."""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encours.clients import flat_files
from encours.clients.flat_files import inspect_directory, read_stream
from encours.errors import BadInput

DOCUMENTS = (
    "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax\n"
    "D1,invoice,C1,2024-01-31,EUR,120.00\n"
)
HEADER = ("customer_id", "customer_name", "Remark")
IDENTIFIERS = st.text(st.sampled_from("aé€𝄞\"|\\,;'0 ."), min_size=1, max_size=8)
NOTES = st.text(st.sampled_from("aé€𝄞\"|\\,;'0 .\n\r\t{}:"), max_size=12)


def written_value(value: str, delimiter: str, quote_all: bool) -> str:
    """RFC 4180, with quotes only where they are needed unless `quote_all`."""
    if quote_all or any(character in value for character in f'"{delimiter}\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def physical_lines(text: str) -> int:
    return len(list(io.StringIO(text, newline="")))


@settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    rows=st.lists(st.tuples(IDENTIFIERS, NOTES, NOTES), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block_bytes=st.sampled_from([20, 4_000_000]),
    has_last_line_end=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_written_rows_are_read_back_with_their_lines(
    rows: list[tuple[str, str, str]],
    delimiter: str,
    line_end: str,
    block_bytes: int,
    has_last_line_end: bool,
    seed: int,
) -> None:
    rows = [row for row in rows if row[0].strip()]
    chance = random.Random(seed)
    text = delimiter.join(written_value(name, delimiter, chance.random() < 0.5) for name in HEADER)
    expected = []
    for row in rows:
        text += line_end * chance.choice((1, 1, 1, 2))
        expected.append((physical_lines(text) + 1, *(value.strip() for value in row)))
        text += delimiter.join(
            written_value(value, delimiter, chance.random() < 0.5) for value in row
        )
    text += line_end * has_last_line_end

    got = []
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(flat_files, "BLOCK_BYTES", block_bytes),
    ):
        directory = Path(name)
        (directory / "documents.csv").write_text(DOCUMENTS)
        (directory / "customers.csv").write_bytes(text.encode())
        for batch in read_stream(inspect_directory(directory)[0]):
            assert batch.refused == ()
            got += [
                (
                    row["line_no"],
                    row["customer_id"],
                    row["customer_name"],
                    json.loads(row["custom"])["Remark"] if row["custom"] else "",
                )
                for row in batch.table.to_pylist()
            ]

    assert got == expected


@settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    body=st.text(st.sampled_from('a",\n\r '), max_size=60),
    block_bytes=st.sampled_from([1, 5, 4_000_000]),
)
def test_no_text_however_malformed_loses_a_row_or_depends_on_the_blocks(
    body: str, block_bytes: int
) -> None:
    """Each line that holds anything is a usable row, a refused row, or part of one that began
    above; and the answer is the one of a single block."""
    answers = []
    for size in (block_bytes, 4_000_000):
        with (
            tempfile.TemporaryDirectory() as name,
            mock.patch.object(flat_files, "BLOCK_BYTES", size),
        ):
            directory = Path(name)
            (directory / "documents.csv").write_text(DOCUMENTS)
            (directory / "customers.csv").write_bytes(f"customer_id,region\n{body}".encode())
            answers.append(outcome(directory))

    assert answers[0] == answers[1]
    if isinstance(answers[0], str):
        return
    lines = [line.strip(" ,\r\n") for line in io.StringIO(body, newline="")]
    if '"' not in body:
        told = {line for line, _what in answers[0]}
        assert told == {number for number, line in enumerate(lines, start=2) if line}


def outcome(directory: Path) -> list[tuple[int, object]] | str:
    """Lines with what was read or why not; the message when the file is unusable."""
    told: list[tuple[int, object]] = []
    try:
        for batch in read_stream(inspect_directory(directory)[0]):
            told += [(row["line_no"], tuple(row.values())) for row in batch.table.to_pylist()]
            told += [(row.line_no, row.reason) for row in batch.refused]
    except BadInput as error:
        return error.what
    return sorted(told, key=lambda item: item[0])


@settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    rows=st.lists(st.lists(NOTES, min_size=2, max_size=2), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
)
def test_files_of_the_csv_module_are_read_as_it_reads_them(
    rows: list[list[str]], quoting: int
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(("customer_id", "customer_name", "Remark"))
    writer.writerows([f"C{number}", *row] for number, row in enumerate(rows))

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "documents.csv").write_text(DOCUMENTS)
        (directory / "customers.csv").write_bytes(written.getvalue().encode())
        batches = list(read_stream(inspect_directory(directory)[0]))

    names = itertools.chain.from_iterable(b.table["customer_name"].to_pylist() for b in batches)
    reread = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert list(names) == [row[1].strip() for row in reread][1:]
