"""What cannot be a right figure is refused, with the line, the column and the reason."""

from __future__ import annotations

import resource
from pathlib import Path

import fec_samples as samples
import pytest

from encours.clients.fec import FecRefused, inspect_fec, read_fec
from encours.errors import EXIT_BAD_INPUT, BadInput


def refusal(path: Path) -> FecRefused:
    fec = inspect_fec(path)
    with pytest.raises(FecRefused) as caught:
        list(read_fec(fec))
    return caught.value


def refused_with(folder: Path, **values: str) -> FecRefused:
    """The ledger with one line changed: the fifth, line 6 of the file."""
    lines = samples.ledger()
    lines[4].update(values)
    return refusal(samples.write_fec(folder, lines))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Debit", "12.50", "dot used as decimal mark"),
        ("Debit", "1 234,50", "thousands separator"),
        ("Debit", "1\u00a0234,50", "thousands separator"),
        ("Debit", "1\u202f234,50", "thousands separator"),
        ("Debit", "1.234,50", "thousands separator"),
        ("Debit", "1,234,50", "thousands separator"),
        ("Credit", "1.234.567", "thousands separator"),
        ("Credit", "abc", "not an amount"),
        ("Credit", "-", "not an amount"),
        ("Credit", "(12,50)", "not an amount"),
        ("Credit", "12,50 €", "space inside"),
        ("Credit", "-12,50-", "two signs"),
        ("Credit", "1e999", "too large"),
        ("Credit", "1234567890123456,00", "too many digits"),
        ("Credit", "١٢", "not an amount"),
        ("Montantdevise", "12.50", "dot used as decimal mark"),
        ("EcritureDate", "20231301", "no month 13"),
        ("EcritureDate", "20230231", "no such day"),
        ("EcritureDate", "20230229", "no such day"),
        ("PieceDate", "15/01/23", "not a date"),
        ("DateLet", "hier", "not a date"),
        ("ValidDate", "2023-02-30", "no such day"),
        ("EcritureDate", "", "empty"),
        ("EcritureDate", "00000000", "empty"),
        ("CompteNum", "  ", "empty"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    error = refused_with(tmp_path, **{column: value})

    assert [(line.line_no, line.column) for line in error.refused] == [(6, column)]
    assert reason in error.refused[0].reason


@pytest.mark.parametrize("sens", ["X", "", "1", "+ 1", "DC"])
def test_a_side_that_is_neither_debit_nor_credit_is_refused(tmp_path: Path, sens: str) -> None:
    lines = samples.with_sens(samples.ledger())
    lines[4]["Sens"] = sens
    error = refusal(samples.write_fec(tmp_path, lines, columns=samples.SENS_COLUMNS))

    assert [(line.line_no, line.column) for line in error.refused] == [(6, "Sens")]


def test_the_message_is_one_line_with_file_line_reason_and_remedy(tmp_path: Path) -> None:
    error = refused_with(tmp_path, Debit="12.50")

    assert error.exit_status == EXIT_BAD_INPUT
    assert str(error) == (
        f"{tmp_path / samples.NAME}, line 6: Debit: dot used as decimal mark, a FEC uses the comma "
        "'12.50' (correct these entries in the accounting software, then export again)"
    )


def test_a_long_or_strange_value_is_cut_in_the_message(tmp_path: Path) -> None:
    error = refused_with(tmp_path, Debit="\x07" + "9" * 5000)

    assert "\n" not in str(error)
    assert error.refused[0].value_excerpt == "?" + "9" * 38 + "…"


@pytest.mark.parametrize(("cut", "count"), [("\tEUR\tX\tY", 20), (None, 17)])
def test_a_line_with_another_number_of_fields_is_refused(
    tmp_path: Path, cut: str | None, count: int
) -> None:
    content = samples.fec_bytes(samples.ledger()).decode().split("\n")
    content[5] = content[5][:-1] if cut is None else content[5][:-1] + cut
    path = tmp_path / samples.NAME
    path.write_text("\n".join(content), encoding="utf-8")

    error = refusal(path)

    assert [line.line_no for line in error.refused] == [6]
    assert error.refused[0].reason == f"{count} fields where 18 are expected"


def test_a_file_that_stops_inside_its_last_line_is_refused(tmp_path: Path) -> None:
    path = samples.write_fec(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])

    error = refusal(path)

    assert error.refused[0].line_no == 12
    assert "the file stops in the middle of this line" in error.refused[0].reason


def test_a_torn_line_does_not_shift_the_numbers_of_the_others(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[8]["Debit"] = "1.5"
    content = samples.fec_bytes(lines).split(b"\n")
    content[3] = b"torn"
    path = tmp_path / samples.NAME
    path.write_bytes(b"\n".join(content))

    assert [line.line_no for line in refusal(path).refused] == [4, 10]


def test_lines_refused_in_later_blocks_are_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = samples.ledger() * 20
    for position in (5, 105, 205):
        lines[position] = {**lines[position], "Credit": "1.5"}
    monkeypatch.setattr("encours.clients.fec_rows.BLOCK_BYTES", 2000)

    error = refusal(samples.write_fec(tmp_path, lines))

    assert [line.line_no for line in error.refused] == [7, 107, 207]


def test_at_most_a_hundred_lines_are_named(tmp_path: Path) -> None:
    error = refusal(samples.write_fec(tmp_path, [samples.line(Debit="1.5")] * 250))

    assert len(error.refused) == 100
    assert [line.line_no for line in error.refused] == list(range(2, 102))


def test_no_batch_is_given_after_a_refused_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = samples.ledger() * 20
    lines[3] = {**lines[3], "Debit": "1.5"}
    monkeypatch.setattr("encours.clients.fec_rows.BLOCK_BYTES", 2000)
    given = []

    with pytest.raises(FecRefused):
        given.extend(read_fec(inspect_fec(samples.write_fec(tmp_path, lines))))

    assert given == []


def test_an_endless_line_is_refused_without_being_held(tmp_path: Path) -> None:
    path = samples.write_fec(tmp_path)
    with path.open("ab") as stream:
        for _ in range(30):
            stream.write(b"x" * 10_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(BadInput, match=r"line 13: the line is longer than 1,048,576 bytes"):
        inspect_fec(path)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_line_of_a_megabyte_inside_the_file_is_refused(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[4]["EcritureLib"] = "x" * 2_000_000

    with pytest.raises(BadInput, match=r"line 6: the line is longer"):
        inspect_fec(samples.write_fec(tmp_path, lines))


def test_a_byte_of_no_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[4]["EcritureLib"] = "caf\xe9 \x81"
    path = samples.write_fec(tmp_path, lines, encoding="latin-1")

    with pytest.raises(BadInput, match=r"line 6: byte 0x81 is no character"):
        inspect_fec(path)


def test_a_file_marked_as_utf_8_must_be_utf_8(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[4]["EcritureLib"] = "caf\xe9"
    for row in lines:
        row["CompteLib"] = "Compte"
    path = tmp_path / samples.NAME
    path.write_bytes(b"\xef\xbb\xbf" + samples.fec_bytes(lines, encoding="latin-1"))

    with pytest.raises(BadInput, match=r"line 6: the file is marked as UTF-8"):
        inspect_fec(path)
