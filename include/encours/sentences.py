"""Sentences that are kept in English and shown in French.

What a step says of a row, a check or a decision goes into the ledger in English, whatever the
language of the home. Where it is shown, it is recognised by its English form: a sentence with named
fields, as `customer {customer} is not in customers`, whose French one has the same fields. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from string import Formatter
from types import MappingProxyType

from encours.typography import number, typeset

# What a sentence says in place of a value that is not there.
NONE = {"(none)": "(aucun)"}


class Sentences:
    """`french`: English sentence → French sentence, the same fields in both.

    A field `{name}` holds any text, `{name:number}` a number, which is written as French writes it,
    and `{name:word}` one of `words`.
    """

    def __init__(
        self, french: Mapping[str, str], words: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._words = words
        self._known = [(*self._read(one), typeset(other)) for one, other in french.items()]

    def in_french(self, text: str) -> str | None:
        """None where nobody has put this sentence into French."""
        for pattern, kinds, french in self._known:
            if found := pattern.fullmatch(text):
                fields = found.groupdict().items()
                return french.format_map(
                    {name: self._field(value, kinds[name]) for name, value in fields}
                )
        return None

    def _read(self, sentence: str) -> tuple[re.Pattern[str], dict[str, str | None]]:
        words = "|".join(map(re.escape, sorted(self._words, key=len, reverse=True)))
        values = {"": ".*", "number": r"-?\d+(?:\.\d+)?", "word": words}
        pattern, kinds = "", {}
        for literal, name, kind, _ in Formatter().parse(sentence):
            pattern += re.escape(literal)
            if name:
                pattern += f"(?P<{name}>{values[kind or '']})"
                kinds[name] = kind
        return re.compile(pattern, re.DOTALL), kinds

    def _field(self, value: str, kind: str | None) -> str:
        if kind == "number":
            return number(Decimal(value), "fr")
        return self._words[value] if kind == "word" else NONE.get(value, value)
