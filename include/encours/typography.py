"""How a language writes numbers and sets its signs, for everything that people are shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal, localcontext

from babel import Locale
from babel.numbers import format_decimal

LOCALES: Mapping[str, str] = {"fr": "fr_FR", "en": "en_GB"}
NO_BREAK = "\u00a0"
_THIN_NO_BREAK = "\u202f"
_BEFORE_SIGNS = re.compile(r" (?=[:;!?%»])")
_BETWEEN_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")


def number(value: int | Decimal, language: str) -> str:
    """12 345,60 or 12,345.60: every digit that it has."""
    exact = Decimal(value)
    decimals = max(0, -int(exact.as_tuple().exponent))
    return _written(exact, "#,##0" + (f".{'0' * decimals}" if decimals else ""), language)


def percent(ratio: Decimal, language: str) -> str:
    """31,2 % or 31.2%, of a ratio of 0.3125; halves go to the even digit."""
    pattern = Locale.parse(LOCALES[language]).percent_formats[None].pattern
    return _written(ratio, pattern.replace("0", "0.0"), language)


def _written(value: Decimal, pattern: str, language: str) -> str:
    # Babel works in the context that it finds, which ends at 28 digits; an average has more.
    with localcontext(Context(prec=max(28, len(value.as_tuple().digits) + abs(value.adjusted())))):
        return format_decimal(value, format=pattern, locale=LOCALES[language])


def typeset(french: str) -> str:
    """The text with a space that no line breaks at where French sets one: before high signs and
    the per cent sign, inside of quotation marks, between thousands."""
    text = _BEFORE_SIGNS.sub(NO_BREAK, french.replace("« ", f"«{NO_BREAK}"))
    return _BETWEEN_THOUSANDS.sub(_THIN_NO_BREAK, text)
