"""Reading a FEC: every form that is met in practice gives the same lines."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path

import fec_samples as samples
import pytest

from encours.clients.fec import FecSummary, FecTally, inspect_fec, read_fec, summarise
from encours.clients.fec_columns import OUTPUT_COLUMNS

Row = dict[str, object]


def rows_of(path: Path) -> list[Row]:
    return [row for table in read_fec(inspect_fec(path)) for row in table.to_pylist()]


def first_row(folder: Path, **values: str) -> Row:
    return rows_of(samples.write_fec(folder, [samples.line(**values)]))[0]


def warning_counts(summary: FecSummary) -> dict[str, int]:
    return {warning.code: warning.count for warning in summary.warnings}


@pytest.fixture
def plain_rows(tmp_path: Path) -> list[Row]:
    folder = tmp_path / "plain"
    folder.mkdir()
    return rows_of(samples.write_fec(folder))


def test_the_columns_are_the_ones_announced(tmp_path: Path) -> None:
    table = next(read_fec(inspect_fec(samples.write_fec(tmp_path))))

    assert table.column_names == list(OUTPUT_COLUMNS)
    assert str(table.schema.field("line_no").type) == "int64"
    assert {str(table.schema.field(name).type) for name in OUTPUT_COLUMNS[1:]} == {"string"}


def test_a_line_is_given_in_plain_form(plain_rows: list[Row]) -> None:
    row = plain_rows[0]

    assert row["line_no"] == 2
    assert row["entry_date"] == "2023-01-15"
    assert row["account"] == "411000"
    assert row["debit"] == "120.00"
    assert row["credit"] == "0"
    assert row["lettering"] == "A"
    assert row["lettering_date"] == "2023-01-15"
    assert row["valid_date"] == "2024-01-31"
    assert row["currency_amount"] == ""
    assert row["extra"] == ""


def test_the_summary_gives_exact_totals(tmp_path: Path) -> None:
    summary = summarise(inspect_fec(samples.write_fec(tmp_path)))

    assert summary.line_count == 11
    assert summary.total_debit == summary.total_credit == Decimal("660.00")
    assert summary.first_entry_date == date(2023, 1, 15)
    assert summary.last_entry_date == date(2023, 3, 20)
    assert summary.receivable_line_count == 4
    assert summary.warnings == ()


@pytest.mark.parametrize("separator", ["\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("trailing", [False, True])
def test_separators_and_line_ends_do_not_change_the_lines(
    tmp_path: Path, plain_rows: list[Row], separator: str, line_end: str, trailing: bool
) -> None:
    path = samples.write_fec(
        tmp_path, separator=separator, line_end=line_end, trailing_separator=trailing
    )

    assert rows_of(path) == plain_rows


@pytest.mark.parametrize("block", [64, 257, 1000])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_lines_cut_by_the_border_of_a_block_are_whole(
    tmp_path: Path,
    plain_rows: list[Row],
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    line_end: str,
) -> None:
    path = samples.write_fec(tmp_path, line_end=line_end)
    fec = inspect_fec(path)
    # The header must fit into the first block: the file is cut after it.
    monkeypatch.setattr("encours.clients.fec_rows.BLOCK_BYTES", 200 + block)

    assert [row for table in read_fec(fec) for row in table.to_pylist()] == plain_rows


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-15", "windows-1252"])
def test_the_encoding_is_found_from_the_bytes(tmp_path: Path, encoding: str) -> None:
    label = {"iso-8859-15": "Œuvre à 10 €", "windows-1252": "Œuvre à 10 €"}.get(encoding, "Œ € 北")
    path = samples.write_fec(tmp_path, [samples.line(EcritureLib=label)], encoding=encoding)

    fec = inspect_fec(path)

    assert fec.encoding == encoding
    assert rows_of(path)[0]["label"] == label


def test_windows_1252_is_reported_because_the_law_does_not_know_it(tmp_path: Path) -> None:
    lines = [samples.line(EcritureLib="dix €"), *samples.receipt(2, "20230116", "C1", 12000)]
    path = samples.write_fec(tmp_path, lines, encoding="windows-1252")

    assert "encoding_not_legal" in warning_counts(summarise(inspect_fec(path)))


def test_a_byte_order_mark_is_not_part_of_the_header(tmp_path: Path, plain_rows: list[Row]) -> None:
    path = samples.write_fec(tmp_path, bom=True)

    assert inspect_fec(path).has_bom
    assert rows_of(path) == plain_rows


def test_padding_is_removed(tmp_path: Path) -> None:
    row = first_row(
        tmp_path,
        JournalCode="VE  ",
        EcritureLib="  Facture    ",
        Debit="0000000069,60",
        Credit="0000000000,00",
        DateLet="        ",
    )

    assert (row["journal_code"], row["label"]) == ("VE", "Facture")
    assert (row["debit"], row["credit"], row["lettering_date"]) == ("69.60", "0", "")


def test_the_header_is_known_in_other_spellings(tmp_path: Path, plain_rows: list[Row]) -> None:
    names = [name.upper() for name in samples.LEGAL]
    names[0] = " Journal Code "
    names[6] = "CompteAuxNum"
    names[11] = "Débit"
    names[12] = "Crédit "
    names[13] = "EcrtureLet"
    names[16] = "MontantDevise"
    names[17] = "IdDevise"
    path = samples.write_fec(tmp_path, names=names)

    assert inspect_fec(path).columns == tuple(samples.LEGAL)
    assert rows_of(path) == plain_rows


@pytest.mark.parametrize("codes", [("D", "C"), ("+1", "-1"), ("d", "c")])
def test_montant_and_sens_become_debit_and_credit(
    tmp_path: Path, plain_rows: list[Row], codes: tuple[str, str]
) -> None:
    lines = samples.with_sens(samples.ledger(), codes)
    path = samples.write_fec(tmp_path, lines, columns=samples.SENS_COLUMNS)

    assert inspect_fec(path).amount_form == "montant_sens"
    assert rows_of(path) == plain_rows
    assert summarise(inspect_fec(path)).total_credit == Decimal("660.00")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("123,45", "123.45"),
        ("-123,45", "-123.45"),
        ("123,45-", "-123.45"),
        ("123,45+", "123.45"),
        ("+7", "7.00"),
        ("1,2345E3", "1234.50"),
        ("1e-1", "0.10"),
        ("1,13686837721616E-13", "0.000000000000113686837721616"),
        ("12,3400", "12.34"),
        ("12,3456", "12.3456"),
        (",5", "0.50"),
        ("12,", "12.00"),
        ("-0,00", "0"),
        ("", "0"),
    ],
)
def test_an_amount_is_read_in_any_legal_form(tmp_path: Path, written: str, plain: str) -> None:
    path = samples.write_fec(tmp_path, [samples.line(Debit=written), samples.line()])
    fec, tally = inspect_fec(path), FecTally()

    rows = [row for table in read_fec(fec, tally) for row in table.to_pylist()]

    assert rows[0]["debit"] == plain
    with localcontext(prec=60):
        assert tally.total_debit == Decimal(plain) + 120


def test_an_empty_currency_amount_stays_empty_and_a_zero_stays_zero(tmp_path: Path) -> None:
    lines = [samples.line(), samples.line(Montantdevise="0,00", Idevise="USD")]
    rows = rows_of(samples.write_fec(tmp_path, lines))

    assert [row["currency_amount"] for row in rows] == ["", "0"]


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("20230115", "2023-01-15"),
        ("2023-01-15", "2023-01-15"),
        ("2023/1/5", "2023-01-05"),
        ("15/01/2023", "2023-01-15"),
        ("15-01-2023", "2023-01-15"),
        ("15.01.2023", "2023-01-15"),
        ("2023-01-15 10:20:30", "2023-01-15"),
        ("2023-01-15T10:20:30Z", "2023-01-15"),
        ("15/01/2023 00:00", "2023-01-15"),
        ("20240229", "2024-02-29"),
    ],
)
def test_a_date_is_read_in_any_usual_form(tmp_path: Path, written: str, iso: str) -> None:
    assert first_row(tmp_path, EcritureDate=written)["entry_date"] == iso


@pytest.mark.parametrize("nothing", ["00000000", "        ", "0000-00-00", "00/00/0000"])
def test_zeros_are_no_date(tmp_path: Path, nothing: str) -> None:
    assert first_row(tmp_path, DateLet=nothing)["lettering_date"] == ""


def test_quotes_are_ordinary_characters(tmp_path: Path) -> None:
    label = '"L\'atelier" dit "le vieux'

    assert first_row(tmp_path, EcritureLib=label)["label"] == label


def test_the_cash_form_has_four_more_columns(tmp_path: Path) -> None:
    columns = [*samples.LEGAL, *samples.CASH]
    extra = {"DateRglt": "20230116", "ModeRglt": "CB", "NatOp": "vente", "IdClient": "C9"}
    row = rows_of(samples.write_fec(tmp_path, [samples.line(**extra)], columns=columns))[0]

    assert row["payment_date"] == "2023-01-16"
    assert (row["payment_method"], row["operation_nature"]) == ("CB", "vente")
    assert row["customer_ref"] == "C9"


@pytest.mark.parametrize("name", ["EcheanceDate", "DateEcheance", "Date_Échéance", "DateEch"])
def test_a_due_date_column_is_found(tmp_path: Path, name: str) -> None:
    line = samples.line(Due="31/03/2023")
    path = samples.write_fec(
        tmp_path, [line], columns=[*samples.LEGAL, "Due"], names=[*samples.LEGAL, name]
    )

    assert rows_of(path)[0]["due_date"] == "2023-03-31"


def test_other_columns_are_kept_as_json(tmp_path: Path) -> None:
    columns = [*samples.LEGAL, "CodeEtbt", 'Ana"lyse']
    lines = [samples.line(**{"CodeEtbt": "PARIS", 'Ana"lyse': "a\\b"}), samples.line()]
    rows = rows_of(samples.write_fec(tmp_path, lines, columns=columns))

    assert json.loads(str(rows[0]["extra"])) == {"CodeEtbt": "PARIS", 'Ana"lyse': "a\\b"}
    assert rows[1]["extra"] == ""


def test_two_extra_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    line = samples.line(one="a", two="b")
    path = samples.write_fec(
        tmp_path,
        [line],
        columns=[*samples.LEGAL, "one", "two"],
        names=[*samples.LEGAL, "Axe", "Axe"],
    )

    assert json.loads(str(rows_of(path)[0]["extra"])) == {"Axe": "a", "Axe_2": "b"}


def test_nul_bytes_are_dropped_and_reported(tmp_path: Path) -> None:
    path = samples.write_fec(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"Facture FA-2", b"Fac\0ture FA-2"))

    summary = summarise(inspect_fec(path))

    assert rows_of(path)[3]["label"] == "Facture FA-2"
    assert [(found.code, found.count, found.first_line) for found in summary.warnings] == [
        ("nul_bytes", 3, 5)
    ]


def test_rows_may_all_stop_before_the_optional_columns(tmp_path: Path) -> None:
    short = samples.fec_bytes(samples.ledger(), columns=samples.LEGAL[:13])
    header = "\t".join(samples.LEGAL).encode()
    path = tmp_path / samples.NAME
    path.write_bytes(header + short[short.index(b"\n") :])

    summary = summarise(inspect_fec(path))

    assert summary.total_debit == Decimal("660.00")
    assert "short_rows" in warning_counts(summary)
    assert rows_of(path)[0]["lettering"] == ""


def test_a_separator_may_end_some_of_the_lines_only(tmp_path: Path, plain_rows: list[Row]) -> None:
    content = samples.fec_bytes(samples.ledger()).split(b"\n")
    content[3] += b"\t"
    content[7] += b"\t"
    path = tmp_path / samples.NAME
    path.write_bytes(b"\n".join(content))

    assert rows_of(path) == plain_rows


def test_blank_lines_at_the_end_are_ignored(tmp_path: Path, plain_rows: list[Row]) -> None:
    path = samples.write_fec(tmp_path)
    path.write_bytes(path.read_bytes() + b"\n\r\n  \n\x1a")

    assert rows_of(path) == plain_rows
    assert summarise(inspect_fec(path)).warnings == ()


def test_a_blank_line_in_the_middle_is_reported_and_keeps_the_numbering(tmp_path: Path) -> None:
    content = samples.fec_bytes(samples.ledger()).split(b"\n")
    content.insert(4, b"")
    path = tmp_path / samples.NAME
    path.write_bytes(b"\n".join(content))

    numbers = [row["line_no"] for row in rows_of(path)]

    assert numbers == [2, 3, 4, *range(6, 14)]
    assert warning_counts(summarise(inspect_fec(path))) == {"blank_lines": 1}


def test_the_last_line_needs_no_end(tmp_path: Path, plain_rows: list[Row]) -> None:
    path = samples.write_fec(tmp_path, last_line_end=False)

    assert rows_of(path) == plain_rows


def test_a_constant_entry_number_is_reported(tmp_path: Path) -> None:
    lines = [{**row, "EcritureNum": "0"} for row in samples.ledger()]
    path = samples.write_fec(tmp_path, lines)

    assert warning_counts(summarise(inspect_fec(path))) == {"entry_number_constant": 11}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("valid_date_missing", {"ValidDate": ""}),
        ("mandatory_empty", {"PieceRef": ""}),
        ("date_outside_period", {"EcritureDate": "20240102"}),
        ("date_outside_period", {"EcritureDate": "20221231"}),
        ("year_unlikely", {"PieceDate": "18991231"}),
        ("account_not_numeric", {"CompteNum": "CLIENT"}),
    ],
)
def test_what_a_person_should_look_at_is_counted(
    tmp_path: Path, code: str, changes: dict[str, str]
) -> None:
    lines = samples.ledger()
    lines[4].update(changes)
    summary = summarise(inspect_fec(samples.write_fec(tmp_path, lines)))

    assert [(found.code, found.count, found.first_line) for found in summary.warnings] == [
        (code, 1, 6)
    ]


def test_a_line_with_both_sides_is_allowed_and_reported(tmp_path: Path) -> None:
    lines = [samples.line(Debit="10,00", Credit="10,00")]

    assert warning_counts(summarise(inspect_fec(samples.write_fec(tmp_path, lines)))) == {
        "both_sides": 1
    }


def test_a_line_without_amount_is_allowed_and_reported(tmp_path: Path) -> None:
    lines = [*samples.ledger(), samples.line(Debit="0,00", Credit="")]

    assert warning_counts(summarise(inspect_fec(samples.write_fec(tmp_path, lines)))) == {
        "zero_lines": 1
    }


def test_an_unbalanced_ledger_is_reported(tmp_path: Path) -> None:
    summary = summarise(inspect_fec(samples.write_fec(tmp_path, samples.ledger()[:-1])))

    assert warning_counts(summary) == {"unbalanced_ledger": 1}
    assert summary.balance == Decimal("120.00")


def test_totals_do_not_lose_digits(tmp_path: Path) -> None:
    lines = [samples.line(Debit="999999999999999,99"), samples.line(Debit="1e-20", Credit="0")]
    summary = summarise(inspect_fec(samples.write_fec(tmp_path, lines)))

    assert summary.total_debit == Decimal("999999999999999.99000000000000000001")


REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "fec"


@pytest.mark.parametrize(
    ("name", "lines", "receivable", "balance"),
    [
        ("000000001FEC20220831.txt", 5422, 538, "52517.24"),
        ("111111111FEC20221231.TXT", 934, 151, "14416.52"),
    ],
)
def test_a_real_file_gives_its_known_figures(
    name: str, lines: int, receivable: int, balance: str
) -> None:
    path = REAL / name
    if not path.exists():
        pytest.skip("the two real files are not in this checkout")

    summary = summarise(inspect_fec(path))
    open_amount = sum(
        Decimal(str(row["debit"])) - Decimal(str(row["credit"]))
        for row in rows_of(path)
        if str(row["account"]).startswith("411")
    )

    assert (summary.line_count, summary.receivable_line_count) == (lines, receivable)
    assert summary.balance == 0
    assert open_amount == Decimal(balance)
