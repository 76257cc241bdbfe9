"""Synthetic FEC files: made-up books whose totals are known, in any of the forms met in practice.

`ledger()` is four balanced entries: total debit 660.00, 11 lines, 4 of them on customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

LEGAL = [
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
]
CASH = ["DateRglt", "ModeRglt", "NatOp", "IdClient"]
NAME = "123456789FEC20231231.txt"

Line = dict[str, str]


def line(**values: str) -> Line:
    """One line of the text file, by legal column name; a sale on a customer unless told."""
    return {
        "JournalCode": "VE",
        "JournalLib": "Ventes",
        "EcritureNum": "1",
        "EcritureDate": "20230115",
        "CompteNum": "411000",
        "CompteLib": "Clients",
        "CompAuxNum": "C001",
        "CompAuxLib": "Atelier Nord",
        "PieceRef": "FA-1",
        "PieceDate": "20230115",
        "EcritureLib": "Facture FA-1",
        "Debit": "120,00",
        "Credit": "0,00",
        "ValidDate": "20240131",
        **values,
    }


def sale(number: int, day: str, customer: str, cents: int, letter: str = "") -> list[Line]:
    """An invoice of `cents` including 20 % VAT: customer, revenue, VAT."""
    net = cents * 5 // 6
    common = {
        "EcritureNum": str(number),
        "EcritureDate": day,
        "PieceRef": f"FA-{number}",
        "PieceDate": day,
        "EcritureLib": f"Facture FA-{number}",
    }
    other = {**common, "CompAuxNum": "", "CompAuxLib": "", "Debit": "0,00"}
    return [
        line(
            **common,
            CompAuxNum=customer,
            CompAuxLib=f"Client {customer}",
            Debit=comma(cents),
            EcritureLet=letter,
            DateLet=day if letter else "",
        ),
        line(**other, CompteNum="701000", CompteLib="Ventes", Credit=comma(net)),
        line(**other, CompteNum="445710", CompteLib="TVA collectée", Credit=comma(cents - net)),
    ]


def receipt(number: int, day: str, customer: str, cents: int, letter: str = "") -> list[Line]:
    """A bank receipt from a customer."""
    common = {
        "JournalCode": "BQ",
        "JournalLib": "Banque",
        "EcritureNum": str(number),
        "EcritureDate": day,
        "PieceRef": f"VIR-{number}",
        "PieceDate": day,
        "EcritureLib": "Virement reçu",
    }
    bank = {"CompteNum": "512000", "CompteLib": "Banque", "CompAuxNum": "", "CompAuxLib": ""}
    return [
        line(**common, **bank, Debit=comma(cents)),
        line(
            **common,
            CompAuxNum=customer,
            CompAuxLib=f"Client {customer}",
            Debit="0,00",
            Credit=comma(cents),
            EcritureLet=letter,
            DateLet=day if letter else "",
        ),
    ]


def ledger() -> list[Line]:
    """C001 pays its first invoice (letter A), owes the second; C002 paid half of what it owes."""
    return [
        *sale(1, "20230115", "C001", 12000, "A"),
        *sale(2, "20230210", "C001", 24000),
        *sale(3, "20230301", "C002", 18000, "B"),
        *receipt(4, "20230320", "C001", 12000, "A"),
    ]


def comma(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


@dataclass(frozen=True)
class Form:
    """How a file is written down."""

    columns: Sequence[str] = tuple(LEGAL)
    names: Sequence[str] | None = None
    separator: str = "\t"
    line_end: str = "\n"
    encoding: str = "utf-8"
    bom: bool = False
    trailing_separator: bool = False
    last_line_end: bool = True


def fec_bytes(lines: Iterable[Line], form: Form | None = None, **changes: object) -> bytes:
    """The file; `changes` are fields of Form."""
    form = form or Form(**changes)  # type: ignore[arg-type]
    tail = form.separator if form.trailing_separator else ""
    rows = [form.separator.join(form.names or form.columns) + tail]
    rows += (
        form.separator.join(row.get(column, "") for column in form.columns) + tail for row in lines
    )
    text = form.line_end.join(rows) + (form.line_end if form.last_line_end else "")
    return (b"\xef\xbb\xbf" if form.bom else b"") + text.encode(form.encoding)


def write_fec(
    folder: Path, lines: Iterable[Line] | None = None, *, name: str = NAME, **changes: object
) -> Path:
    """A FEC file in the folder; `ledger()` in the usual form unless told."""
    path = folder / name
    path.write_bytes(fec_bytes(ledger() if lines is None else lines, **changes))
    return path


def with_sens(lines: Iterable[Line], codes: tuple[str, str] = ("D", "C")) -> list[Line]:
    """The same lines with Montant and Sens instead of Debit and Credit."""
    result = []
    for row in lines:
        is_debit = row["Debit"] != "0,00"
        amount = row["Debit"] if is_debit else row["Credit"]
        result.append({**row, "Montant": amount, "Sens": codes[0] if is_debit else codes[1]})
    return result


SENS_COLUMNS = (*LEGAL[:11], "Montant", "Sens", *LEGAL[13:])


def fec_xml(
    lines: Sequence[Line],
    *,
    closing: str = "2023-12-31",
    encoding: str = "utf-8",
    auxiliary: str = "CompAux",
    sens: bool = False,
    prologue: str = "",
) -> bytes:
    """The XML form; `auxiliary` is the spelling, CompAux or CompteAux."""
    entries = []
    for row in _runs(lines):
        entry = "".join(
            _element(
                name, _dashed(row[0].get(name, "")) if "Date" in name else row[0].get(name, "")
            )
            for name in ("EcritureNum", "EcritureDate", "EcritureLib", "PieceRef", "PieceDate")
        )
        entry += _element("ValidDate", _dashed(row[0].get("ValidDate", "")))
        entry += "".join(_xml_line(item, auxiliary, sens=sens) for item in row)
        entries.append(
            f"<journal>{_element('JournalCode', row[0]['JournalCode'])}"
            f"{_element('JournalLib', row[0]['JournalLib'])}<ecriture>{entry}</ecriture></journal>"
        )
    body = "\n".join(entries)
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n{prologue}<comptabilite><exercice>'
        f"<DateCloture>{closing}</DateCloture>\n{body}\n</exercice></comptabilite>\n"
    )
    return text.encode(encoding)


def _runs(lines: Sequence[Line]) -> list[list[Line]]:
    runs: list[list[Line]] = []
    for row in lines:
        if runs and runs[-1][0]["EcritureNum"] == row["EcritureNum"]:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _xml_line(row: Line, auxiliary: str, *, sens: bool) -> str:
    parts = [_element("CompteNum", row["CompteNum"]), _element("CompteLib", row["CompteLib"])]
    if row.get("CompAuxNum"):
        parts.append(_element(f"{auxiliary}Num", row["CompAuxNum"]))
        parts.append(_element(f"{auxiliary}Lib", row["CompAuxLib"]))
    side = "Debit" if row["Debit"] != "0,00" else "Credit"
    amount = row[side].replace(",", ".")
    if sens:
        parts.append(_element("Montant", amount) + _element("Sens", side[0]))
    else:
        parts.append(_element(side, amount))
    return f"\n<ligne>{''.join(parts)}</ligne>"


def _element(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else ""


def _dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else ""


def write_large(path: Path, line_count: int) -> Path:
    """About `line_count` lines (a whole number of entries), written without holding them."""
    first = date(2023, 1, 1)
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("\t".join(LEGAL) + "\n")
        written = number = 0
        while written < line_count:
            number += 1
            day = (first + timedelta(days=number % 365)).strftime("%Y%m%d")
            customer = f"C{number * 7919 % 3000:05d}"
            cents = number * 104_729 % 4_999_900 + 100
            make = sale if number % 2 else receipt
            for row in make(number, day, customer, cents):
                stream.write("\t".join(row.get(column, "") for column in LEGAL) + "\n")
                written += 1
    return path
