"""The XML form of a FEC gives the same lines as the text form."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import fec_samples as samples
import pytest

from encours.clients.fec import FecRefused, FecTally, inspect_fec, read_fec, summarise
from encours.clients.fec_columns import OUTPUT_COLUMNS
from encours.errors import BadInput

BOMB = (
    '<!DOCTYPE c [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "123456789FEC20231231.xml"
    path.write_bytes(content)
    return path


def rows_of(path: Path) -> list[dict[str, object]]:
    return [row for table in read_fec(inspect_fec(path)) for row in table.to_pylist()]


@pytest.mark.parametrize("auxiliary", ["CompAux", "CompteAux"])
@pytest.mark.parametrize("sens", [False, True])
def test_the_lines_are_those_of_the_text_form(tmp_path: Path, auxiliary: str, sens: bool) -> None:
    lines = [{**row, "EcritureLet": "", "DateLet": ""} for row in samples.ledger()]
    text = rows_of(samples.write_fec(tmp_path, lines))
    path = written(tmp_path, samples.fec_xml(lines, auxiliary=auxiliary, sens=sens))

    rows = rows_of(path)

    assert inspect_fec(path).amount_form == ("montant_sens" if sens else "debit_credit")
    assert [row["line_no"] for row in rows] == list(range(1, 12))
    assert [{**row, "line_no": 0} for row in rows] == [{**row, "line_no": 0} for row in text]
    assert list(rows[0]) == list(OUTPUT_COLUMNS)


def test_the_file_describes_itself(tmp_path: Path) -> None:
    content = samples.fec_xml(samples.ledger(), encoding="iso-8859-15")
    path = tmp_path / "export.xml"
    path.write_bytes(content)

    fec = inspect_fec(path)

    assert (fec.kind, fec.encoding, fec.separator) == ("xml", "iso-8859-15", "")
    assert fec.closing_date == date(2023, 12, 31)
    assert fec.columns[:18] == tuple(samples.LEGAL)
    assert rows_of(path)[2]["account_label"] == "TVA collectée"


def test_the_totals_are_exact(tmp_path: Path) -> None:
    summary = summarise(inspect_fec(written(tmp_path, samples.fec_xml(samples.ledger()))))

    assert summary.total_debit == summary.total_credit == Decimal("660.00")


def test_lines_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encours.clients.fec_xml._BATCH_LINES", 4)
    path = written(tmp_path, samples.fec_xml(samples.ledger()))

    tables = list(read_fec(inspect_fec(path)))

    assert [table.num_rows for table in tables] == [4, 4, 3]
    assert [number for table in tables for number in table["line_no"].to_pylist()] == list(
        range(1, 12)
    )


def test_the_lettering_of_an_entry_holds_for_its_lines(tmp_path: Path) -> None:
    content = samples.fec_xml(samples.ledger()).replace(
        b"<PieceRef>FA-1<", b"<EcritureLet>AB</EcritureLet><PieceRef>FA-1<"
    )

    rows = rows_of(written(tmp_path, content))

    assert [row["lettering"] for row in rows[:4]] == ["AB", "AB", "AB", ""]


def test_an_unknown_element_of_a_line_is_kept(tmp_path: Path) -> None:
    content = samples.fec_xml(samples.ledger()).replace(
        b"</ligne>", b"<Analytique>SITE &amp; 1</Analytique></ligne>", 1
    )

    rows = rows_of(written(tmp_path, content))

    assert rows[0]["extra"] == '{"Analytique":"SITE & 1"}'
    assert rows[1]["extra"] == ""


@pytest.mark.parametrize(
    ("before", "after", "column", "reason"),
    [
        (b"<Debit>240.00<", b"<Debit>240,00<", "Debit", "the XML form uses the dot"),
        (b"<Debit>240.00<", b"<Debit>INF<", "Debit", "not an amount"),
        (b"2023-02-10", b"2023-02-30", "EcritureDate", "no such day"),
    ],
)
def test_a_wrong_value_is_refused_with_the_line_of_the_text(
    tmp_path: Path, before: bytes, after: bytes, column: str, reason: str
) -> None:
    path = written(tmp_path, samples.fec_xml(samples.ledger()).replace(before, after))

    with pytest.raises(FecRefused) as caught:
        rows_of(path)

    first = caught.value.refused[0]
    text = path.read_text(encoding="utf-8").split("\n")
    assert first.column == column
    assert reason in first.reason
    assert text[first.line_no - 1].startswith("<ligne>")


def test_a_wrong_side_is_refused(tmp_path: Path) -> None:
    content = samples.fec_xml(samples.ledger(), sens=True).replace(b"<Sens>C<", b"<Sens>Z<", 1)

    with pytest.raises(FecRefused, match="not D, C"):
        rows_of(written(tmp_path, content))


@pytest.mark.parametrize("prologue", [BOMB, '<!DOCTYPE c SYSTEM "file:///etc/passwd">\n'])
def test_a_document_type_is_refused(tmp_path: Path, prologue: str) -> None:
    path = written(tmp_path, samples.fec_xml(samples.ledger(), prologue=prologue))

    with pytest.raises(BadInput, match="a document type or entity declaration"):
        inspect_fec(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<comptabilite><exercice></exercice></comptabilite>", "no entry line"),
        (b"<facture/>", "this XML is not a FEC"),
        (b"<comptabilite><ligne/></comptabilite>", "out of place"),
        (b'<?xml version="1.0" encoding="koi8-r"?><comptabilite/>', "encoding"),
        (b"<comptabilite><exercice>" + b"x" * 2_000_000, "a value is longer"),
        (b"<comptabilite " + b"x" * 3_000_000, "a tag is longer"),
    ],
)
def test_a_document_that_is_no_fec_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        inspect_fec(written(tmp_path, content))


def test_a_document_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, samples.fec_xml(samples.ledger())[:-60])

    with pytest.raises(BadInput, match="not well-formed XML"):
        summarise(inspect_fec(path))


def test_a_value_after_the_lines_of_its_entry_is_refused(tmp_path: Path) -> None:
    content = samples.fec_xml(samples.ledger()).replace(
        b"</ecriture>", b"<EcritureLet>A</EcritureLet></ecriture>", 1
    )

    with pytest.raises(BadInput, match="after the lines of its entry"):
        list(read_fec(inspect_fec(written(tmp_path, content)), FecTally()))
