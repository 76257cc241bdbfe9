"""Raw rows of a FEC → ledger lines: dates in ISO form, plain amounts, refusals, counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from encours.arrow_text import (
    bytes_of,
    is_empty,
    json_members,
    one_array,
    repeated,
    text,
    text_array,
)
from encours.clients.fec_columns import (
    DATE_COLUMNS,
    FIELDS,
    INDISPENSABLE_COLUMNS,
    LEGAL_COLUMNS,
    OPTIONAL_COLUMNS,
    OUTPUT_COLUMNS,
)
from encours.clients.fec_rows import RawRows
from encours.clients.fec_tally import MOST_REFUSED, FecTally, RefusedLine, excerpt
from encours.clients.fec_values import Normalised, amounts, dates, exact_sum

if TYPE_CHECKING:
    import pyarrow as pa

# Customers, bills receivable, doubtful customers; 418 (accrued) and 419 (advances) stay out.
RECEIVABLE_PREFIXES = ("411", "413", "416")
RECEIVABLE_PATTERN = f"^(?:{'|'.join(RECEIVABLE_PREFIXES)})"
# In a file with Montant and Sens, the two ways the law lets it say the side.
DEBIT_SENS = ("D", "+1")
CREDIT_SENS = ("C", "-1")
_CENTURIES = ("1900-01-01", "2099-12-31")


@dataclass
class LedgerReader:
    """Turns raw blocks into ledger tables and counts what a person should know."""

    tally: FecTally
    closing_date: date | None
    _number_range: tuple[str, str] | None = field(default=None, init=False)

    def tables(self, blocks: Iterator[RawRows]) -> Iterator[pa.Table | list[RefusedLine]]:
        """A table for each clean block, the refused lines of any other."""
        is_whole = True
        for rows in blocks:
            table, refused = self._table(rows)
            refused = sorted([*rows.refused, *refused], key=lambda line: line.line_no)
            if refused:
                is_whole = False
                yield refused
            elif table.num_rows:
                self._count(rows, table)
                yield table
        # Totals of the lines that could be read say nothing about the ledger.
        if is_whole:
            self._finish()

    def _table(self, rows: RawRows) -> tuple[pa.Table, list[RefusedLine]]:
        import pyarrow as pa

        refused: list[RefusedLine] = []
        columns = dict(rows.columns)
        for name in DATE_COLUMNS:
            if name in columns and bytes_of(columns[name]) is not None:
                columns[name] = _accepted(dates(columns[name]), rows, name, refused)
        _refuse_empty(columns, rows, refused)
        totals = _convert_amounts(columns, rows, refused)
        if not refused:
            self.tally.total_debit = exact_sum(self.tally.total_debit, totals[0])
            self.tally.total_credit = exact_sum(self.tally.total_credit, totals[1])
        count = len(rows.line_no)
        empty = repeated("", count)
        arrays = [rows.line_no, *(columns.get(name, empty) for name in FIELDS)]
        arrays.append(_extra(columns, count))
        return pa.Table.from_arrays(arrays, names=list(OUTPUT_COLUMNS)), refused

    def _count(self, rows: RawRows, table: pa.Table) -> None:
        import pyarrow.compute as pc

        tally = self.tally
        tally.line_count += table.num_rows
        first, last = _range(table.column("entry_date"))
        tally.saw_dates(date.fromisoformat(first), date.fromisoformat(last))
        receivable = pc.match_substring_regex(table.column("account"), RECEIVABLE_PATTERN)
        tally.receivable_line_count += pc.sum(receivable).as_py()
        self._warn_amounts(rows, table)
        self._warn_dates(rows, table, (first, last))
        self._warn_empty(rows, table)
        numbered = pc.match_substring_regex(table.column("account"), "^[0-9]{3}")
        message = "accounts that do not start with three digits"
        self._warn("account_not_numeric", message, rows, pc.invert(numbered), column="CompteNum")
        lowest, highest = _range(table.column("entry_number"))
        known = self._number_range or (lowest, highest)
        self._number_range = min(known[0], lowest), max(known[1], highest)

    def _warn_amounts(self, rows: RawRows, table: pa.Table) -> None:
        import pyarrow.compute as pc

        no_debit = pc.equal(table.column("debit"), text("0"))
        no_credit = pc.equal(table.column("credit"), text("0"))
        both = pc.invert(pc.or_(no_debit, no_credit))
        self._warn("both_sides", "lines with a debit and a credit", rows, both)
        zero = pc.and_(no_debit, no_credit)
        self._warn("zero_lines", "lines without any amount", rows, zero)

    def _warn_dates(self, rows: RawRows, table: pa.Table, entry_range: tuple[str, str]) -> None:
        import pyarrow.compute as pc

        if self.closing_date:
            opening = _year_before(self.closing_date).isoformat()
            closing = self.closing_date.isoformat()
            if entry_range[0] <= opening or entry_range[1] > closing:
                column = table.column("entry_date")
                early = pc.less_equal(column, text(opening))
                outside = pc.or_(early, pc.greater(column, text(closing)))
                message = "entries dated outside the year that the file name gives"
                self._warn("date_outside_period", message, rows, outside, column="EcritureDate")
        for name in DATE_COLUMNS:
            column = table.column(FIELDS[name])
            lowest, highest = _range(column)
            # An empty date is the smallest text, so a low bound proves nothing by itself.
            if highest and (lowest < _CENTURIES[0] or highest > _CENTURIES[1]):
                early = pc.and_(pc.less(column, text(_CENTURIES[0])), pc.invert(is_empty(column)))
                far = pc.or_(early, pc.greater(column, text(_CENTURIES[1])))
                self._warn("year_unlikely", "years outside 1900-2099", rows, far, column=name)

    def _warn_empty(self, rows: RawRows, table: pa.Table) -> None:
        for name in LEGAL_COLUMNS:
            if name in OPTIONAL_COLUMNS or name in ("Debit", "Credit"):
                continue
            code, message = "mandatory_empty", "a value that the law asks for is empty"
            if name == "ValidDate":
                code, message = "valid_date_missing", "entries without validation date (drafts)"
            missing = is_empty(table.column(FIELDS[name]))
            self._warn(code, message, rows, missing, column=name)

    def _warn(
        self, code: str, message: str, rows: RawRows, mask: pa.Array, *, column: str = ""
    ) -> None:
        import pyarrow.compute as pc

        count = pc.sum(mask).as_py()
        if count:
            first = rows.place_no.filter(one_array(mask))[0].as_py()
            self.tally.warn(code, message, count=count, first_line=first, column=column)

    def _finish(self) -> None:
        tally = self.tally
        if tally.total_debit != tally.total_credit:
            difference = tally.summary().balance
            message = f"total debit and total credit differ by {difference:,}"
            tally.warn("unbalanced_ledger", message, count=1, first_line=0)
        if self._number_range and tally.line_count > 1:
            lowest, highest = self._number_range
            if lowest == highest:
                message = f"every line has the entry number '{excerpt(lowest)}'"
                count = tally.line_count
                tally.warn("entry_number_constant", message, count=count, first_line=2)


def _range(values: pa.Array) -> tuple[str, str]:
    import pyarrow.compute as pc

    found = pc.min_max(values)
    return found["min"].as_py(), found["max"].as_py()


def _year_before(closing: date) -> date:
    """The last day of the year before: 31/12/2022 for 31/12/2023, 28/02/2023 for 29/02/2024."""
    try:
        return closing.replace(year=closing.year - 1)
    except ValueError:
        return closing.replace(year=closing.year - 1, day=28)


def _accepted(
    found: Normalised, rows: RawRows, column: str, refused: list[RefusedLine]
) -> pa.Array:
    """The normalised column; its rejected values are looked up, row by row, in `refused`."""
    import pyarrow.compute as pc

    if found.rejected:
        values = rows.columns[column]
        mask = pc.is_in(values, value_set=text_array(found.rejected))
        places = rows.place_no.filter(mask).slice(0, MOST_REFUSED).to_pylist()
        texts = values.filter(mask).slice(0, MOST_REFUSED).to_pylist()
        refused += (
            RefusedLine(place, column, found.rejected[value], excerpt(value))
            for place, value in zip(places, texts, strict=True)
        )
    return found.values


def _refuse_where(
    mask: pa.Array, rows: RawRows, column: str, reason: str, refused: list[RefusedLine]
) -> None:
    places = rows.place_no.filter(mask).slice(0, MOST_REFUSED).to_pylist()
    values = rows.columns[column].filter(mask).slice(0, MOST_REFUSED).to_pylist()
    refused += (
        RefusedLine(place, column, reason, excerpt(value))
        for place, value in zip(places, values, strict=True)
    )


def _refuse_empty(columns: dict[str, pa.Array], rows: RawRows, refused: list[RefusedLine]) -> None:
    import pyarrow.compute as pc

    known = {line.line_no for line in refused}
    for name in INDISPENSABLE_COLUMNS:
        missing = is_empty(columns[name])
        if pc.any(missing).as_py():
            found: list[RefusedLine] = []
            _refuse_where(missing, rows, name, "empty, and a line needs it", found)
            refused += (line for line in found if line.line_no not in known)


def _convert_amounts(
    columns: dict[str, pa.Array], rows: RawRows, refused: list[RefusedLine]
) -> tuple[Decimal, Decimal]:
    """Debit, Credit and Montantdevise in plain form, in place; gives the two totals."""
    mark = rows.decimal_mark
    if bytes_of(columns["Montantdevise"]) is not None:
        found = amounts(columns["Montantdevise"], mark)
        plain = _accepted(found, rows, "Montantdevise", refused)
        columns["Montantdevise"] = _kept_empty(columns["Montantdevise"], plain)
    if "Montant" in columns and "Debit" not in columns:
        return _split_by_sens(columns, rows, refused)
    debit, credit = (amounts(columns[name], mark) for name in ("Debit", "Credit"))
    columns["Debit"] = _accepted(debit, rows, "Debit", refused)
    columns["Credit"] = _accepted(credit, rows, "Credit", refused)
    return debit.total, credit.total


def _kept_empty(raw: pa.Array, plain: pa.Array) -> pa.Array:
    """No amount in a foreign currency is not an amount of zero."""
    import pyarrow.compute as pc

    return pc.if_else(is_empty(raw), raw, plain)


def _split_by_sens(
    columns: dict[str, pa.Array], rows: RawRows, refused: list[RefusedLine]
) -> tuple[Decimal, Decimal]:
    """Montant and Sens as debit and credit. A line without amount needs no direction."""
    import pyarrow.compute as pc

    signed = amounts(columns["Montant"], rows.decimal_mark)
    plain = _accepted(signed, rows, "Montant", refused)
    sens = pc.utf8_upper(columns["Sens"])
    is_debit, is_credit = (
        pc.is_in(sens, value_set=text_array(codes)) for codes in (DEBIT_SENS, CREDIT_SENS)
    )
    unknown = pc.invert(pc.or_(is_debit, is_credit))
    harmless = pc.and_(is_empty(sens), pc.equal(plain, text("0")))
    wrong = pc.and_not(unknown, harmless)
    if pc.any(wrong).as_py():
        _refuse_where(wrong, rows, "Sens", "not D, C, +1 or -1", refused)
    columns["Debit"] = pc.if_else(is_debit, plain, text("0"))
    columns["Credit"] = pc.if_else(is_credit, plain, text("0"))
    return amounts(columns["Debit"], ".").total, amounts(columns["Credit"], ".").total


def _extra(columns: dict[str, pa.Array], count: int) -> pa.Array:
    """Columns beyond the law as a JSON object, '' where none holds a value."""
    import pyarrow.compute as pc

    others: Sequence[tuple[str, pa.Array]] = [
        (name, values)
        for name, values in columns.items()
        if name not in FIELDS and name not in ("Montant", "Sens")
    ]
    members = json_members(others, count)
    if bytes_of(members) is None:
        return members
    objects = pc.binary_join_element_wise(text("{"), members, text("}"), text(""))
    return pc.if_else(is_empty(members), members, objects)
