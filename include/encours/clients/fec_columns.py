"""The columns of a FEC: legal names and order (LPF article A.47 A-1), spellings seen, our names."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from encours.errors import BadInput

AmountForm = Literal["debit_credit", "montant_sens"]

# Legal name -> name of the text column that the reader gives.
FIELDS = {
    "JournalCode": "journal_code",
    "JournalLib": "journal_label",
    "EcritureNum": "entry_number",
    "EcritureDate": "entry_date",
    "CompteNum": "account",
    "CompteLib": "account_label",
    "CompAuxNum": "auxiliary",
    "CompAuxLib": "auxiliary_label",
    "PieceRef": "piece_ref",
    "PieceDate": "piece_date",
    "EcritureLib": "label",
    "Debit": "debit",
    "Credit": "credit",
    "EcritureLet": "lettering",
    "DateLet": "lettering_date",
    "ValidDate": "valid_date",
    "Montantdevise": "currency_amount",
    "Idevise": "currency_code",
    "EcheanceDate": "due_date",
    "DateRglt": "payment_date",
    "ModeRglt": "payment_method",
    "NatOp": "operation_nature",
    "IdClient": "customer_ref",
}
LEGAL_COLUMNS = tuple(FIELDS)[:18]
MONTANT_COLUMNS = (*LEGAL_COLUMNS[:11], "Montant", "Sens", *LEGAL_COLUMNS[13:])
DATE_COLUMNS = ("EcritureDate", "PieceDate", "DateLet", "ValidDate", "EcheanceDate", "DateRglt")
# Law leaves these empty for some lines only; elsewhere an empty value is a finding.
OPTIONAL_COLUMNS = (
    "CompAuxNum",
    "CompAuxLib",
    "EcritureLet",
    "DateLet",
    "Montantdevise",
    "Idevise",
)
# A line without these cannot be placed in any balance.
INDISPENSABLE_COLUMNS = ("EcritureDate", "CompteNum")
# Rows may stop after the amounts: the lettering, validation and currency columns can be absent.
SHORTEST_ROW = 13
OUTPUT_COLUMNS = ("line_no", *FIELDS.values(), "extra")

_SPELLINGS = {
    "JournalLibelle": "JournalLib",
    "CompteAuxNum": "CompAuxNum",
    "CompteAuxLib": "CompAuxLib",
    "EcrtureLet": "EcritureLet",
    "EcritureLettrage": "EcritureLet",
    "DateLettrage": "DateLet",
    "DateValid": "ValidDate",
    "MontantDev": "Montantdevise",
    "IdDevise": "Idevise",
    "DateEcheance": "EcheanceDate",
    "DateEch": "EcheanceDate",
    "EchDate": "EcheanceDate",
    "Echeance": "EcheanceDate",
    "DateReglement": "DateRglt",
    "ModeReglement": "ModeRglt",
}


def folded(name: str) -> str:
    """Accents, case, spaces and punctuation do not tell two column names apart."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum()).upper()


_CANONICAL = {
    **{folded(name): name for name in (*FIELDS, "Montant", "Sens")},
    **{folded(name): canonical for name, canonical in _SPELLINGS.items()},
}


def canonical(name: str) -> str:
    """The legal name of a column, or its own name without padding when the law has none."""
    return _CANONICAL.get(folded(name), name.strip())


def known_count(names: Sequence[str]) -> int:
    """How many of the names are FEC columns: tells a FEC from another file."""
    return len({folded(name) for name in names} & _CANONICAL.keys())


@dataclass(frozen=True)
class Header:
    """The first line, read: `columns` in file order, trailing empty names left out."""

    columns: tuple[str, ...]
    field_count: int
    amount_form: AmountForm
    respelled: tuple[str, ...]

    @property
    def named_count(self) -> int:
        return len(self.columns)


def read_header(names: Sequence[str], *, where: str) -> Header:
    """Checks names and order; raises BadInput that names what is missing or out of place."""
    named = list(names)
    while named and not named[-1].strip():
        named.pop()
    columns = _distinct([canonical(name) for name in named])
    form: AmountForm = "debit_credit"
    if {"Montant", "Sens"} <= set(columns) and not {"Debit", "Credit"} <= set(columns):
        form = "montant_sens"
    expected = MONTANT_COLUMNS if form == "montant_sens" else LEGAL_COLUMNS
    _check_order(columns, expected, where)
    respelled = tuple(
        name.strip()
        for name, column in zip(named, columns, strict=True)
        if column in expected and name.strip() != column
    )
    return Header(tuple(columns), len(names), form, respelled)


def _distinct(columns: Sequence[str]) -> list[str]:
    """Later columns of the same name, and columns without one, get a name of their own."""
    seen: dict[str, int] = {}
    result = []
    for position, column in enumerate(columns, 1):
        name = column or f"column_{position}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result


def _check_order(columns: Sequence[str], expected: Sequence[str], where: str) -> None:
    missing = [name for name in expected if name not in columns]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise BadInput(
            f"column{plural} {', '.join(missing)} missing",
            where=where,
            mend="export again with the 18 columns of the law, in order; they may be empty",
        )
    for position, name in enumerate(expected, 1):
        found = columns[position - 1]
        if found != name:
            raise BadInput(
                f"column {position} must be {name} and is {found}",
                where=where,
                mend="the first 18 columns have a legal order; other columns come after them",
            )
