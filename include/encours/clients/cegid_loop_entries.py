"""Lines of entries of Cegid Loop, by the fields that a connection names.

Cegid does not publish which fields `/EcritureComptable` answers with. So a person who has seen one
answer says it in the connection: `field_date` is the path of the date in a line, and so on; a path
is keys and positions with dots between (`compte.numero`, `comptes.0`). What a line says by these
paths is its record: `journal`, `entry`, `entry_date`, `account`, `debit`, `credit`, and where they
are there `third_party`, `reference`, `document_date`, `due_date`, `lettering`; all text, days as
YYYY-MM-DD, amounts plain with a dot, and `closing_date`, the end of the fiscal year.

Which paths an answer was read by stands in the fragment of its request, which is never sent: what
was landed is read alike on any later day.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from encours.clients.api import Access
from encours.errors import FatalError


@dataclass(frozen=True)
class MappedField:
    """An option of the connection that names a field of a line. `name` is what the record calls it,
    `is_in_each_line` whether a line without it cannot be read."""

    option: str
    name: str
    meaning: str
    is_required: bool = True
    is_in_each_line: bool = True


ID = MappedField("field_id", "id", "the id of a line, for good")
MAPPED_FIELDS = (
    ID,
    MappedField("field_journal", "journal", "the code of its journal"),
    MappedField("field_entry", "entry", "what the lines of one entry share, its number or id"),
    MappedField("field_date", "entry_date", "its date"),
    MappedField("field_account", "account", "the number of its account"),
    MappedField(
        "field_lettering", "lettering", "its lettering, empty where it has none", True, False
    ),
    MappedField("field_debit", "debit", "its debit", False, False),
    MappedField("field_credit", "credit", "its credit", False, False),
    MappedField(
        "field_amount", "amount", "its amount, where it has no debit and credit", False, False
    ),
    MappedField(
        "field_side", "side", "the side of that amount; without it a debit is positive", False
    ),
    MappedField("field_third_party", "third_party", "the code of its third party", False, False),
    MappedField("field_reference", "reference", "the number of its document", False, False),
    MappedField("field_document_date", "document_date", "the date of its document", False, False),
    MappedField("field_due_date", "due_date", "its due date", False, False),
)
SIDES = ("debit_side", "credit_side")
CLOSING_MONTH = "closing_month"

_BY_OPTION = {each.option: each for each in MAPPED_FIELDS}
_DAYS = frozenset({"entry_date", "document_date", "due_date"})
# A time of its own would be in a zone that nothing tells.
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(T00:00:00(\.0+)?Z?)?")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_MOST_NAMED = 60
_NOWHERE = object()


@dataclass(frozen=True)
class Line:
    """One line of an entry. `fields` are the options whose fields it has, be they empty."""

    key: str
    payload: Mapping[str, str]
    debit: Decimal
    credit: Decimal
    fields: frozenset[str]


@dataclass(frozen=True)
class EntryMapping:
    """Where a line says what: `options` as the connection has them, those of this module only."""

    options: Mapping[str, str]

    def missing(self) -> list[str]:
        """The options that must be given and are not, each with its meaning."""
        given = self.options
        wanted = [
            f"{each.option} ({each.meaning})"
            for each in MAPPED_FIELDS
            if each.is_required and not given.get(each.option)
        ]
        has_both = given.get("field_debit") and given.get("field_credit")
        if not has_both and not given.get("field_amount"):
            wanted.append("field_debit and field_credit, or field_amount (its amounts)")
        if given.get("field_side"):
            wanted += [
                f"{name} (the value of field_side that means so)"
                for name in SIDES
                if not given.get(name)
            ]
        return wanted

    def fragment(self) -> str:
        return urlencode(sorted(self.options.items()))

    def line(self, item: Mapping[str, Any]) -> Line:
        """What the line says. FatalError where the mapping does not fit it."""
        there = {
            option: value
            for option, path in self._paths.items()
            if (value := _at(item, path)) is not _NOWHERE
        }
        found = {option: value for option, value in there.items() if value not in (None, "")}
        for option in self._paths:
            if _BY_OPTION[option].is_in_each_line and option not in found:
                raise self._misfit(item, option)
        payload = {
            _BY_OPTION[option].name: self._read(item, option, value)
            for option, value in found.items()
        }
        debit, credit = self._sides(item, payload)
        key = payload.pop("id")
        amounts = {"debit": f"{debit:f}", "credit": f"{credit:f}"}
        for name in ("debit", "credit", "amount", "side"):
            payload.pop(name, None)
        payload["closing_date"] = self._closing_date(payload["entry_date"])
        return Line(key, {**payload, **amounts}, debit, credit, frozenset(there))

    def unseen(self, seen: AbstractSet[str]) -> list[str]:
        """The options whose fields no line had: spelled in another way, perhaps."""
        return sorted(f"{name} ({path})" for name, path in self._paths.items() if name not in seen)

    @property
    def _paths(self) -> dict[str, str]:
        return {name: path for name, path in self.options.items() if name in _BY_OPTION}

    def _read(self, item: Mapping[str, Any], option: str, value: Any) -> str:
        name = _BY_OPTION[option].name
        if isinstance(value, bool | dict | list):
            raise self._misfit(item, option, "is no single value")
        text = f"{value:f}" if isinstance(value, Decimal) else str(value).strip()
        if name in _DAYS:
            day = _DAY.fullmatch(text)
            if not day or not _is_day(day[1]):
                raise self._misfit(item, option, "is no day (AAAA-MM-JJ)")
            return day[1]
        if name in ("debit", "credit", "amount") and not _NUMBER.fullmatch(text):
            raise self._misfit(item, option, "is no amount")
        return text

    def _sides(
        self, item: Mapping[str, Any], payload: Mapping[str, str]
    ) -> tuple[Decimal, Decimal]:
        zero = Decimal(0)
        if "field_amount" not in self.options:
            if "debit" not in payload and "credit" not in payload:
                raise self._misfit(item, "field_debit", "is not there, nor that of field_credit")
            return Decimal(payload.get("debit", zero)), Decimal(payload.get("credit", zero))
        if "amount" not in payload:
            raise self._misfit(item, "field_amount")
        amount = Decimal(payload["amount"])
        if "field_side" not in self.options:
            return max(amount, zero), max(-amount, zero)
        side = payload["side"]
        if side == self.options["debit_side"]:
            return amount, zero
        if side == self.options["credit_side"]:
            return zero, amount
        raise self._misfit(item, "field_side", "is neither debit_side nor credit_side")

    def _closing_date(self, entry_date: str) -> str:
        """The last day of the fiscal year that the day is in."""
        day = date.fromisoformat(entry_date)
        month = int(self.options.get(CLOSING_MONTH, "12"))
        year = day.year if day.month <= month else day.year + 1
        return date(year, month, calendar.monthrange(year, month)[1]).isoformat()

    def _misfit(
        self, item: Mapping[str, Any], option: str, how: str = "is not there"
    ) -> FatalError:
        return FatalError(
            f"cegid_loop ecritures: the field that {option} names, {self.options[option]}, {how}:"
            f" a line has {named(item)}"
        )


def mapping_of(access: Access) -> EntryMapping:
    """What the connection names, whether that is enough or not (`missing`). FatalError for a
    closing month that is none."""
    names = [*_BY_OPTION, *SIDES, CLOSING_MONTH]
    given = {name: text for name in names if (text := access.options.get(name, "").strip())}
    month = given.get(CLOSING_MONTH, "12")
    if not re.fullmatch(r"0?[1-9]|1[0-2]", month):
        raise FatalError(f"{access.connection_id}: {CLOSING_MONTH} must be a month, 1 to 12")
    return EntryMapping(given)


def mapping_in(request: str) -> EntryMapping:
    """By which paths the answer to this request was read."""
    return EntryMapping(dict(parse_qsl(urlsplit(request).fragment)))


def named(item: Mapping[str, Any]) -> str:
    """The paths of all fields of a line, for a person who names them; no values."""
    paths = list(_paths_in(item))
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return (", ".join(paths[:_MOST_NAMED]) or "no field") + more


def _paths_in(value: Any, before: str = "") -> Iterator[str]:
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, list):
        inside = ((str(place), member) for place, member in enumerate(value))
    else:
        yield before
    for name, member in inside:
        yield from _paths_in(member, f"{before}.{name}" if before else name)


def _at(value: Any, path: str) -> Any:
    """What stands at the path; _NOWHERE where there is no such place."""
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name, _NOWHERE)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _NOWHERE
    return value


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
