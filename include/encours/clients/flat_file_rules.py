"""The rules of the flat files as kernels on whole columns: which values are refused, how the others
are spelled, and what the key and the custom attributes of a row are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encours.arrow_text import integer_array, is_empty, repeated, text, text_array
from encours.clients.flat_file_schema import (
    CONTROL_CHARACTERS_IN_IDENTIFIER,
    CONTROL_CHARACTERS_IN_TEXT,
    FALSE_WORDS,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_IDENTIFIER_CHARS,
    TRUE_WORDS,
    Column,
    Kind,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Suspects:
    """Rare characters that the rows may hold: the kernels that look for them run only then."""

    controls: bool = True
    backslashes: bool = True
    bars: bool = True


@dataclass(frozen=True)
class Checked:
    """Normalised values of a column, and where they are refused (None: nowhere)."""

    values: pa.Array
    refused: pa.Array | None


def check_column(column: Column, values: pa.Array, suspects: Suspects) -> Checked:
    import pyarrow.compute as pc

    empty = is_empty(values)
    has_empty = bool(pc.any(empty).as_py())
    normalised, good = _RULES[column.kind](column, values, suspects)
    if good is not None and has_empty:
        good = pc.or_(good, empty)
    if column.required and has_empty:
        good = pc.invert(empty) if good is None else pc.and_not(good, empty)
    if column.default and has_empty:
        normalised = pc.if_else(empty, text(column.default), normalised)
    if good is None or pc.all(good, min_count=0).as_py():
        return Checked(normalised, None)
    return Checked(normalised, pc.invert(good))


def _check_text(
    column: Column, values: pa.Array, suspects: Suspects
) -> tuple[pa.Array, pa.Array | None]:
    import pyarrow.compute as pc

    good = None
    if column.allowed:
        return values, pc.is_in(values, value_set=text_array(column.allowed))
    if suspects.controls:
        controls = (
            CONTROL_CHARACTERS_IN_IDENTIFIER if column.is_identifier else CONTROL_CHARACTERS_IN_TEXT
        )
        good = pc.invert(pc.match_substring_regex(values, controls))
    # A character takes at least one byte: bytes within the limit need no counting of characters.
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if column.is_identifier and longest > MAX_IDENTIFIER_CHARS:
        short = pc.less_equal(pc.utf8_length(values), integer_array([MAX_IDENTIFIER_CHARS])[0])
        good = short if good is None else pc.and_(good, short)
    return values, good


def _check_pattern(
    column: Column, values: pa.Array, _suspects: Suspects
) -> tuple[pa.Array, pa.Array | None]:
    import pyarrow.compute as pc

    return values, pc.match_substring_regex(values, column.pattern)


def _check_boolean(
    _column: Column, values: pa.Array, _suspects: Suspects
) -> tuple[pa.Array, pa.Array | None]:
    import pyarrow.compute as pc

    lower = pc.utf8_lower(values)
    is_true = pc.is_in(lower, value_set=text_array(TRUE_WORDS))
    is_false = pc.is_in(lower, value_set=text_array(FALSE_WORDS))
    normalised = pc.if_else(is_true, text("true"), pc.if_else(is_false, text("false"), values))
    return normalised, pc.or_(is_true, is_false)


def _check_decimal(
    column: Column, values: pa.Array, _suspects: Suspects
) -> tuple[pa.Array, pa.Array | None]:
    """One spelling per number (1.50 → 1.5, .5 → 0.5, 007 → 7), so that equal books are equal."""
    import pyarrow.compute as pc

    good = pc.match_substring_regex(values, column.pattern)
    if column.kind == "number" or column.signed:
        negative = pc.starts_with(values, "-")
        magnitude = _plain_decimal(pc.utf8_ltrim(values, "-"))
        negative = pc.and_(negative, pc.not_equal(magnitude, text("0")))
        minus = pc.binary_join_element_wise(text("-"), magnitude, text(""))
        return pc.if_else(negative, minus, magnitude), good
    normalised = _plain_decimal(values)
    if column.kind == "rate" or column.refuses_zero:
        good = pc.and_(good, pc.not_equal(normalised, text("0")))
    return normalised, good


def _plain_decimal(values: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    has_dot = pc.match_substring(values, ".")
    plain = values
    if pc.any(has_dot).as_py():
        plain = pc.if_else(has_dot, pc.ascii_rtrim(pc.ascii_rtrim(values, "0"), "."), values)
    zero_led = pc.or_(pc.starts_with(values, "0"), pc.starts_with(values, "."))
    if not pc.any(zero_led).as_py():
        return plain
    bare = pc.ascii_ltrim(plain, "0")
    needs_zero = pc.or_(is_empty(bare), pc.starts_with(bare, "."))
    with_zero = pc.if_else(needs_zero, pc.binary_join_element_wise(text("0"), bare, text("")), bare)
    return pc.if_else(zero_led, with_zero, plain)


def _check_date(
    column: Column, values: pa.Array, _suspects: Suspects
) -> tuple[pa.Array, pa.Array | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _are_plain_days(values):
        return values, None
    good = pc.match_substring_regex(values, column.pattern)
    days = values
    if (pc.max(pc.binary_length(values)).as_py() or 0) > len("2024-12-31"):
        days = pc.if_else(good, pc.utf8_slice_codeunits(values, 0, 10), values)
    exists = _castable(pc.if_else(good, days, text("2000-01-01")), pa.date32())
    return days, good if exists is None else pc.and_(good, exists)


def _are_plain_days(values: pa.Array) -> bool:
    """Whether all that is not empty is YYYY-MM-DD, exists, and lies in the years of the contract:
    what nearly every block holds, found by a cast in place of a regular expression."""
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pc.if_else(is_empty(values), text("2000-01-01"), values)
    sizes = pc.min_max(pc.binary_length(filled))
    if sizes["min"].as_py() != len("2024-12-31") or sizes["max"].as_py() != len("2024-12-31"):
        return False
    try:
        years = pc.min_max(pc.year(filled.cast(pa.date32())))
    except pa.ArrowInvalid:
        return False
    return bool(years["min"].as_py() >= FIRST_YEAR and years["max"].as_py() <= LAST_YEAR)


def _check_timestamp(
    column: Column, values: pa.Array, _suspects: Suspects
) -> tuple[pa.Array, pa.Array | None]:
    """Normalised to UTC with microseconds. A time without offset is taken as UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    good = pc.match_substring_regex(values, column.pattern)
    texts = pc.if_else(good, values, text("2000-01-01"))
    texts = pc.replace_substring_regex(texts, r"(\.\d{6})\d+", r"\1")
    texts = pc.replace_substring_regex(texts, r"^(.{10})$", r"\1T00:00")
    texts = pc.replace_substring_regex(texts, r"^(.{11}[\d:.]+)$", r"\1Z")
    exists = _castable(texts, pa.timestamp("us", "UTC"))
    if exists is not None:
        good = pc.and_(good, exists)
        texts = pc.if_else(good, texts, text("2000-01-01T00:00Z"))
    moments = texts.cast(pa.timestamp("us", "UTC")).cast(pa.string())
    return pc.if_else(good, pc.replace_substring(moments, " ", "T"), values), good


def _castable(values: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Where the values exist in the calendar; None when all do."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def fails(value: str) -> bool:
        try:
            text_array([value]).cast(kind)
        except pa.ArrowInvalid:
            return True
        return False

    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        impossible = [value for value in pc.unique(values).to_pylist() if fails(value)]
        return pc.invert(pc.is_in(values, value_set=text_array(impossible)))
    return None


_Rule = Callable[..., "tuple[pa.Array, pa.Array | None]"]
_RULES: dict[Kind, _Rule] = {
    "text": _check_text,
    "currency": _check_pattern,
    "boolean": _check_boolean,
    "integer": _check_decimal,
    "amount": _check_decimal,
    "rate": _check_decimal,
    "number": _check_decimal,
    "date": _check_date,
    "timestamp": _check_timestamp,
}


def record_keys(parts: list[pa.Array], suspects: Suspects) -> pa.Array:
    """`entity|id`; a bar or backslash inside a part is escaped, so that two keys never collide."""
    import pyarrow.compute as pc

    if suspects.backslashes:
        parts = [_replaced(part, "\\", r"\\") for part in parts]
    if suspects.bars:
        parts = [_replaced(part, "|", r"\|") for part in parts]
    return pc.binary_join_element_wise(*parts, text("|"))


def _replaced(values: pa.Array, old: str, new: str) -> pa.Array:
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring(values, old)).as_py():
        return values
    return pc.replace_substring(values, old, new)


def custom_objects(columns: dict[str, pa.Array], length: int, suspects: Suspects) -> pa.Array:
    """A JSON object per row with the values that are not empty; empty text when there are none."""
    import pyarrow.compute as pc

    if not columns:
        return repeated("", length)
    # The backslash first, or it would escape the escapes of the others.
    escapes = [("\\", r"\\")] if suspects.backslashes else []
    escapes.append(('"', r"\""))
    if suspects.controls:
        escapes += [("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t")]
    members = []
    for name, values in columns.items():
        escaped = values
        for old, new in escapes:
            escaped = _replaced(escaped, old, new)
        key = text("," + json.dumps(name, ensure_ascii=False) + ':"')
        member = pc.binary_join_element_wise(key, escaped, text('"'), text(""))
        members.append(pc.if_else(is_empty(values), text(""), member))
    # Not null_handling="skip": pyarrow 26 then drops the rows whose members are all null.
    inner = pc.binary_join_element_wise(*members, text(""))
    braced = pc.binary_join_element_wise(
        pc.binary_replace_slice(inner, start=0, stop=1, replacement="{"), text("}"), text("")
    )
    return pc.if_else(is_empty(inner), text(""), braced)
