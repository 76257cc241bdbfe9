"""What a FEC says of itself, and what is no FEC."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import fec_samples as samples
import pytest

from encours.clients.fec import check_file_set, inspect_fec, summarise
from encours.errors import EXIT_BAD_INPUT, BadInput


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        inspect_fec(path)
    assert caught.value.exit_status == EXIT_BAD_INPUT
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def written(folder: Path, content: bytes, name: str = samples.NAME) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_usual_file_is_described(tmp_path: Path) -> None:
    path = samples.write_fec(tmp_path)

    fec = inspect_fec(path)

    assert (fec.siren, fec.closing_date, fec.part) == ("123456789", date(2023, 12, 31), None)
    assert (fec.kind, fec.encoding, fec.separator) == ("text", "utf-8", "\t")
    assert fec.columns == tuple(samples.LEGAL)
    assert fec.amount_form == "debit_credit"
    assert fec.size_bytes == path.stat().st_size
    assert (fec.line_end, fec.has_bom, fec.warnings) == ("lf", False, ())


@pytest.mark.parametrize(
    ("name", "siren", "closing", "part"),
    [
        ("123456789FEC20231231.txt", "123456789", date(2023, 12, 31), None),
        ("123456789fec20231231.TXT", "123456789", date(2023, 12, 31), None),
        ("0000000001FEC20220831.txt", "0000000001", date(2022, 8, 31), None),
        ("2023_123456789FEC20231231.txt", "123456789", date(2023, 12, 31), None),
        ("Acme 123 456 789 FEC20231231.txt", "123456789", date(2023, 12, 31), None),
        ("FEC20231231.txt", None, date(2023, 12, 31), None),
        ("123456789FEC20231331.txt", "123456789", None, None),
        ("123456789FEC.txt", "123456789", None, None),
        ("export.txt", None, None, None),
        ("123456789FEC20231231_1.txt", "123456789", date(2023, 12, 31), 1),
        ("123456789FEC20231231-02.txt", "123456789", date(2023, 12, 31), 2),
        ("123456789FEC20231231_part3.txt", "123456789", date(2023, 12, 31), 3),
        ("123456789FEC20231231_2sur4.txt", "123456789", date(2023, 12, 31), 2),
        ("123456789FEC20231231 (1).txt", "123456789", date(2023, 12, 31), None),
        ("123456789FEC20231231_copie.txt", "123456789", date(2023, 12, 31), None),
    ],
)
def test_the_name_gives_company_year_and_part(
    tmp_path: Path, name: str, siren: str | None, closing: date | None, part: int | None
) -> None:
    fec = inspect_fec(samples.write_fec(tmp_path, name=name))

    assert (fec.siren, fec.closing_date, fec.part) == (siren, closing, part)


def test_a_name_that_says_nothing_is_a_warning_only(tmp_path: Path) -> None:
    summary = summarise(inspect_fec(samples.write_fec(tmp_path, name="export.txt")))

    assert [warning.code for warning in summary.warnings] == ["file_name"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nothing.txt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = samples.write_fec(tmp_path)

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)

    assert "permission denied" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\r\n  \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "the file is empty" in refusal(written(tmp_path, content))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"])
def test_a_header_alone_is_refused(tmp_path: Path, end: bytes) -> None:
    content = "\t".join(samples.LEGAL).encode() + end

    assert "only the header is there" in refusal(written(tmp_path, content))


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), (",", "commas")])
def test_other_separators_are_named(tmp_path: Path, sign: str, name: str) -> None:
    path = samples.write_fec(tmp_path, separator=sign)

    assert f"fields are separated by {name}" in refusal(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"Bonjour,\nvoici le fichier.\n", "this is not a FEC"),
        (b"id\tname\tamount\n1\tx\t2\n", "this is not a FEC"),
        (b"PK\x03\x04" + b"x" * 200, "a zip archive or a spreadsheet"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\x1f\x8b\x08" + b"x" * 100, "a gzip archive"),
        (b"<html><body>Session expir\xc3\xa9e</body></html>", "this XML is not a FEC"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    assert what in refusal(written(tmp_path, content))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_by_name(tmp_path: Path, encoding: str) -> None:
    assert "UTF-16" in refusal(samples.write_fec(tmp_path, encoding=encoding))


def test_data_without_header_is_refused(tmp_path: Path) -> None:
    content = samples.fec_bytes(samples.ledger())

    message = refusal(written(tmp_path, content[content.index(b"\n") + 1 :]))

    assert "its first line is not the header" in message


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    columns = [name for name in samples.LEGAL if name not in ("CompteLib", "EcritureLet")]
    path = samples.write_fec(tmp_path, columns=columns)

    assert "line 1: columns CompteLib, EcritureLet missing" in refusal(path)


def test_columns_in_another_order_are_refused_with_the_position(tmp_path: Path) -> None:
    columns = list(samples.LEGAL)
    columns[4], columns[5] = columns[5], columns[4]
    path = samples.write_fec(tmp_path, columns=columns)

    assert "line 1: column 5 must be CompteNum and is CompteLib" in refusal(path)


def test_a_column_between_the_legal_ones_is_refused(tmp_path: Path) -> None:
    columns = [*samples.LEGAL[:8], "Analytique", *samples.LEGAL[8:]]
    path = samples.write_fec(tmp_path, columns=columns)

    assert "column 9 must be PieceRef and is Analytique" in refusal(path)


@pytest.mark.parametrize(
    ("line_end", "name"), [("\n", "lf"), ("\r\n", "crlf"), ("\r", "cr"), ("\r\r\n", "crcrlf")]
)
def test_the_line_end_is_named(tmp_path: Path, line_end: str, name: str) -> None:
    assert inspect_fec(samples.write_fec(tmp_path, line_end=line_end)).line_end == name


def test_a_utf_8_file_with_a_cut_letter_is_reported(tmp_path: Path) -> None:
    path = samples.write_fec(
        tmp_path, [samples.line(EcritureLib="café réglé été"), *samples.ledger()]
    )
    content = path.read_bytes()
    path.write_bytes(content.replace("été".encode(), "été".encode()[:-1], 1))

    fec = inspect_fec(path)

    assert fec.encoding in ("iso-8859-15", "windows-1252")
    assert "encoding_mixed" in [warning.code for warning in fec.warnings]


def files(folder: Path, *names: str) -> list[object]:
    return [inspect_fec(samples.write_fec(folder, name=name)) for name in names]


@pytest.mark.parametrize(
    "names",
    [
        ["123456789FEC20231231.txt", "123456789FEC20221231.txt"],
        ["123456789FEC20231231.txt", "987654321FEC20231231.txt"],
        ["123456789FEC20231231_1.txt", "123456789FEC20231231_2.txt"],
        ["export-2022.txt", "export-2023.txt"],
    ],
)
def test_files_of_several_years_companies_or_parts_go_together(
    tmp_path: Path, names: list[str]
) -> None:
    check_file_set(files(tmp_path, *names))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "names",
    [
        ["123456789FEC20231231.txt", "123456789FEC20231231 (1).txt"],
        ["123456789FEC20231231.txt", "123456789fec20231231.TXT"],
        ["123456789FEC20231231.txt", "123456789FEC20231231_1.txt"],
        ["123456789FEC20231231_1.txt", "123456789FEC20231231.txt"],
        ["123456789FEC20231231_1.txt", "123456789FEC20231231_part1.txt"],
        ["export.txt", "export.txt"],
    ],
)
def test_two_files_of_one_year_are_refused(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(BadInput, match="a second file for the year"):
        check_file_set(files(tmp_path, *names))  # type: ignore[arg-type]
