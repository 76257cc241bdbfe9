"""Dates and amounts of a FEC, normalised: kernels where a column is regular, one Python call per
distinct odd value where it is not.

Rules: apis.md §1.3, after the annex of LPF article A.47 A-1 and the checker of the DGFiP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from encours.arrow_text import is_empty, text, text_array

if TYPE_CHECKING:
    import pyarrow as pa

_DATE = re.compile(
    r"(?:(?P<y>\d{4})(?P<s>[-/.]?)(?P<m>\d{2})(?P=s)(?P<d>\d{2})"
    r"|(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})"
    r"|(?P<d2>\d{1,2})(?P<s2>[-/.])(?P<m2>\d{1,2})(?P=s2)(?P<y2>\d{4}))"
    r"(?:[ T]+(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_NO_DATE = re.compile(r"(?:0+(?:[-/.]0+){0,2}(?:[ T]+0+:0+(?::0+)?)?)?", re.ASCII)
_AMOUNT = re.compile(r"([+-]?)([0-9]*)(?:[,.]([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?([+-]?)", re.ASCII)
_GROUPING = re.compile(r"[\s'’\u00a0\u202f]")
# Room for any real ledger, and for the 1E-13 that a program leaves; far from what would make
# a sum or a text explode.
_MOST_DIGITS = 15
_MOST_DECIMALS = 40
_EXACT = Context(prec=200)


@dataclass(frozen=True)
class Normalised:
    """A column in its plain form, and the distinct values refused with the reason of each."""

    values: pa.Array
    rejected: dict[str, str]


@dataclass(frozen=True)
class Amounts(Normalised):
    total: Decimal


def iso_date(value: str) -> str:
    """YYYY-MM-DD of a date text, '' for none; raises ValueError with the reason."""
    if _NO_DATE.fullmatch(value):
        return ""
    found = _DATE.fullmatch(value)
    if not found:
        raise ValueError("not a date")
    parts = found.groupdict()
    year, month, day = (
        int(next(parts[key] for key in keys if parts[key]))
        for keys in (("y", "y1", "y2"), ("m", "m1", "m2"), ("d", "d1", "d2"))
    )
    if not 1 <= month <= 12:
        raise ValueError(f"impossible date, there is no month {month}")
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise ValueError("impossible date, that month has no such day") from None


def amount(value: str, mark: str = ",") -> Decimal:
    """The exact amount of a text; raises ValueError with the reason. '' is zero.

    `mark` is the decimal mark: the comma in a text file (a dot is an error in the official tool
    since 2019), the dot in an XML file.
    """
    if not value:
        return Decimal(0)
    _refuse_separators(value, mark)
    found = _AMOUNT.fullmatch(value)
    if not found or not (found[2] or found[3]):
        raise ValueError("not an amount")
    leading, whole, fraction, exponent, trailing = found.groups()
    if leading and trailing:
        raise ValueError("two signs")
    whole, fraction = whole.lstrip("0") or "0", (fraction or "").rstrip("0")
    if len(whole) > _MOST_DIGITS or len(fraction) > _MOST_DECIMALS:
        raise ValueError("too many digits for an amount")
    number = _EXACT.scaleb(Decimal(f"{whole}.{fraction}0"), int(exponent or 0))
    if number and not -_MOST_DECIMALS <= number.adjusted() < _MOST_DIGITS:
        raise ValueError("too large or too small for an amount")
    return _EXACT.minus(number) if "-" in (leading, trailing) else number


def _refuse_separators(value: str, mark: str) -> None:
    if _GROUPING.search(value):
        raise ValueError("space inside an amount, no thousands separator is allowed")
    commas, dots = value.count(","), value.count(".")
    if (commas and dots) or commas + dots > 1:
        raise ValueError("two separators, no thousands separator is allowed")
    if mark == "," and dots:
        raise ValueError("dot used as decimal mark, a FEC uses the comma")
    if mark == "." and commas:
        raise ValueError("comma used as decimal mark, the XML form uses the dot")


def plain_amount(number: Decimal) -> str:
    """'0', or digits with at least two decimals and no padding: two equal amounts, one text."""
    if not number:
        return "0"
    whole, _, fraction = f"{number:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def exact_sum(*numbers: Decimal) -> Decimal:
    """A sum that keeps every digit (the default context of Python rounds at 28)."""
    total = Decimal(0)
    for number in numbers:
        total = _EXACT.add(total, number)
    return total


def per_distinct(values: pa.Array, convert: Callable[[str], str]) -> Normalised:
    """The column with each distinct value converted once."""
    encoded = values.dictionary_encode()
    rejected: dict[str, str] = {}
    converted = []
    for value in encoded.dictionary.to_pylist():
        try:
            converted.append(convert(value))
        except ValueError as error:
            rejected[value] = str(error)
            converted.append("")
    return Normalised(text_array(converted).take(encoded.indices), rejected)


def dates(values: pa.Array) -> Normalised:
    """A column of trimmed date texts in ISO form."""
    return per_distinct(values, iso_date)


def amounts(values: pa.Array, mark: str = ",") -> Amounts:
    """A column of trimmed amount texts in plain form, and their exact sum."""
    import pyarrow.compute as pc

    regular = pc.match_substring_regex(
        values, f"^(?:[+-]?[0-9]{{1,{_MOST_DIGITS}}}(?:[{mark}][0-9]{{0,2}})?)?$"
    )
    if pc.all(regular).as_py():
        return _regular_amounts(values, mark)
    return _irregular_amounts(values, regular, mark)


def _regular_amounts(values: pa.Array, mark: str) -> Amounts:
    """Digits with up to two decimals, or '': no look at any single value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    dotted = pc.replace_substring(values, ",", ".") if mark == "," else values
    filled = pc.if_else(is_empty(dotted), text("0"), dotted)
    numbers = pc.cast(filled, pa.decimal128(18, 2))
    plain = pc.cast(numbers, pa.string())
    total = pc.sum(pc.cast(numbers, pa.decimal128(38, 2))).as_py()
    return Amounts(
        pc.if_else(pc.equal(plain, text("0.00")), text("0"), plain), {}, total or Decimal(0)
    )


def _irregular_amounts(values: pa.Array, regular: pa.Array, mark: str) -> Amounts:
    import pyarrow.compute as pc

    clean = _regular_amounts(pc.if_else(regular, values, text("")), mark)
    odd = per_distinct(
        pc.if_else(regular, text(""), values), lambda value: plain_amount(amount(value, mark))
    )
    rest = (
        _EXACT.multiply(Decimal(row["values"] or 0), row["counts"])
        for row in pc.value_counts(odd.values).to_pylist()
    )
    total = exact_sum(clean.total, *rest)
    return Amounts(pc.if_else(regular, clean.values, odd.values), odd.rejected, total)
