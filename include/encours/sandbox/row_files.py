"""Reading the flat files of a folder into rows.

Stand-ins serve books that are right: the first value that cannot be read is refused with its file
and line, and nothing is served. Only CSV is read; columns that no row has are custom attributes of
customers and documents, and are passed over elsewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from encours.errors import BadInput
from encours.sandbox.rows import DEFAULT_ENTITY, KINDS, Document, EntityRow, Row

_FALSE, _TRUE = ("false", "0", "no", "non"), ("true", "1", "yes", "oui")
# What the source adds to a row is not in the files.
_STAMPS = {"created_at", "updated_at"}


def read_rows(folder: Path) -> Iterator[Row]:
    """Every row of the folder's files, stream by stream. BadInput names file, line and column."""
    if not folder.is_dir():
        raise BadInput("is not a folder", where=str(folder), mend="name a folder of flat files")
    for kind in KINDS:
        path = folder / f"{kind.stream}.csv"
        if path.is_file():
            yield from _read_file(kind, path)
        elif path.with_suffix(".parquet").is_file():
            raise BadInput(
                "the sandbox reads CSV only", where=f"{kind.stream}.parquet", mend="export as CSV"
            )
        elif kind is Document:
            raise BadInput(
                "documents.csv is missing", where=str(folder), mend="it is the one mandatory file"
            )


def _read_file(kind: type[Row], path: Path) -> Iterator[Row]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first_line = file.readline()
            file.seek(0)
            delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            build = _builder(kind, tuple(reader.fieldnames or ()), path.name)
            for values in reader:
                yield build(values, f"{path.name}, line {reader.line_num}")
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8", where=path.name, mend="export it as UTF-8") from error
    except csv.Error as error:
        raise BadInput(f"is not CSV: {error}", where=path.name) from error


def _builder(
    kind: type[Row], header: tuple[str, ...], file_name: str
) -> Callable[[Mapping[str, str | None], str], Row]:
    """What makes a row of one file's values; told apart once per file, not once per row."""
    types = get_type_hints(kind)
    columns = [f for f in fields(kind) if f.name not in _STAMPS | {"attributes"}]
    mandatory = {f.name for f in columns if f.default is MISSING}
    missing = sorted(mandatory - set(header))
    if missing:
        raise BadInput(f"has no column {missing[0]}", where=file_name, mend="add it")
    parsers = {f.name: _parser(types[f.name]) for f in columns if f.name in header}
    custom = tuple(set(header) - {f.name for f in columns}) if "attributes" in types else ()

    def build(values: Mapping[str, str | None], where: str) -> Row:
        given: dict[str, Any] = {}
        for name, parse in parsers.items():
            text = (values[name] or "").strip()
            if text:
                given[name] = _parsed(parse, text, name, where)
            elif name in mandatory:
                raise BadInput(f"{name} is empty", where=where, mend="it is mandatory, fill it in")
        if issubclass(kind, EntityRow):
            given.setdefault("entity_id", DEFAULT_ENTITY)
        if custom:
            given["attributes"] = {
                name: custom_text for name in custom if (custom_text := values[name])
            }
        return kind(**given)

    return build


def _parsed(parse: Callable[[str], Any], text: str, column: str, where: str) -> Any:
    try:
        return parse(text)
    except (ValueError, InvalidOperation) as error:
        raise BadInput(f"{column} '{text[:40]}' cannot be read", where=where) from error


def _parser(annotation: Any) -> Callable[[str], Any]:
    choices = [choice for choice in get_args(annotation) if choice is not NoneType]
    return _PARSERS[choices[0] if choices else annotation]


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError(text)
    return text.lower() in _TRUE


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_PARSERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    bool: _flag,
    Decimal: _decimal,
    date: date.fromisoformat,
    datetime: _moment,
}
