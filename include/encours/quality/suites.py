"""Suites as data: what we believe of a batch, one YAML file per table.

`expectations/<folder>/<table>.yml` holds `table`, `owner` and a list `expectations`. An entry is

    name          snake_case sentence, unique in its file; what is true when the check passes
    type          `unexpected_rows`, or the snake_case name of a Great Expectations expectation
    kwargs        arguments of the expectation; ours are `query`, `observe`, `unit` and `sample_key`
    severity      critical holds the publication, warning is reported, info is trend only
    why           one sentence that a controller understands
    applies_when  optional: `published_exists` marks a comparison with the last publication

`query` selects the offending rows, the worst first. Of its columns `observed` is what is shown when
the check fails, in words and figures. What is judged by a number or a day is given as such as well,
in `figure` (where `observed` is more than that), and what it should have been in `expected`, or in
`at_least` and `at_most`: messages tell both, of companies, sources and dates; of customers and
documents they tell how many rows there are. `unit` of the numbers may be `days`. `observe` selects
the same columns to keep else, for the trend, or a single one of any name. Both may use `{table}`
(the table under test), `{schema}` (its schema) and `{published}` (that of the last publication).
`sample_key` names the columns whose values are kept, up to 20 times, so that a person finds the
rows: keys only, never names of people or companies.

A mistake in a file is a broken installation, so it is fatal and names the file and the entry.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, cast, get_args

import yaml

from encours.errors import FatalError
from encours.quality.results import Severity, Unit

UNEXPECTED_ROWS = "unexpected_rows"
PUBLISHED_EXISTS = "published_exists"
# dbt model names are unique in a project; the streams of two sources may bear the same name.
FOLDERS_OF_MODELS = ("marts", "intermediate")

_SEVERITIES: tuple[str, ...] = get_args(Severity)
_SUITE_KEYS = frozenset({"table", "owner", "expectations"})
_ENTRY_KEYS = frozenset({"name", "type", "kwargs", "severity", "why"})
_OPTIONAL_ENTRY_KEYS = frozenset({"applies_when"})
_ROWS_KWARGS = frozenset({"query", "observe", "sample_key", "unit"})
_UNITS = ("number", "days")
_PLACEHOLDERS = frozenset({"table", "schema", "published"})
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
_LIBRARY_TYPE = re.compile(r"expect_[a-z0-9_]+")
_READS_ONLY = re.compile(r"\s*(--[^\n]*\n\s*)*(select|with)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Expectation:
    """One check. `query` and `observe` are templates, set for `unexpected_rows` only."""

    name: str
    type: str
    severity: Severity
    why: str
    kwargs: Mapping[str, Any]
    query: str = ""
    observe: str = ""
    sample_key: tuple[str, ...] = ()
    unit: Unit = "number"
    needs_publication: bool = False


@dataclass(frozen=True)
class Suite:
    """The checks of one table. `folder` stands for a schema that the caller chooses."""

    folder: str
    table: str
    owner: str
    expectations: tuple[Expectation, ...]

    @property
    def table_name(self) -> str:
        """How results call this table: bare where dbt keeps names unique, else with its folder."""
        return self.table if self.folder in FOLDERS_OF_MODELS else f"{self.folder}.{self.table}"


def load_suites(root: Path) -> tuple[Suite, ...]:
    """Every suite below `root`, in the order of folder and file name."""
    paths = sorted(root.glob("*/*.yml"))
    stray = [path for path in root.rglob("*.y*ml") if path not in paths]
    if stray:
        raise FatalError(f"{stray[0]}: a suite belongs in expectations/<schema>/<table>.yml")
    if not paths:
        raise FatalError(f"{root}: no expectation file found")
    return tuple(_read_suite(path) for path in paths)


def expected_checks(suites: Sequence[Suite]) -> tuple[tuple[str, str], ...]:
    """(table, check) of everything that a run of these suites has to answer."""
    return tuple(
        (suite.table_name, expectation.name)
        for suite in suites
        for expectation in suite.expectations
    )


def render_query(template: str, *, table: str, schema: str, published: str) -> str:
    """Fill the placeholders with identifiers that the caller has already quoted."""
    return template.format(table=table, schema=schema, published=published)


def _read_suite(path: Path) -> Suite:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise FatalError(f"{path}: not readable as YAML: {_one_line(error)}") from error
    if not isinstance(document, dict):
        raise FatalError(f"{path}: expected table, owner and expectations")
    _require_keys(document, _SUITE_KEYS, frozenset(), where=str(path))
    table = _text(document, "table", where=str(path))
    if table != path.stem:
        raise FatalError(f"{path}: table {table!r} must be named like its file")
    for name in (path.parent.name, table):
        if not _SNAKE_CASE.fullmatch(name):
            raise FatalError(f"{path}: {name!r} is not a plain lower-case name")
    entries = document["expectations"]
    if not isinstance(entries, list) or not entries:
        raise FatalError(f"{path}: expectations must be a list with at least one entry")
    expectations = tuple(
        _read_entry(entry, where=f"{path}: entry {number}")
        for number, entry in enumerate(entries, start=1)
    )
    names = [expectation.name for expectation in expectations]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            raise FatalError(f"{path}: entry {number} ({name}): this name is already taken")
    return Suite(
        folder=path.parent.name,
        table=table,
        owner=_text(document, "owner", where=str(path)),
        expectations=expectations,
    )


def _read_entry(entry: object, *, where: str) -> Expectation:
    if not isinstance(entry, dict):
        raise FatalError(f"{where}: expected a mapping with name, type, kwargs, severity, why")
    if isinstance(entry.get("name"), str):
        where = f"{where} ({entry['name']})"
    _require_keys(entry, _ENTRY_KEYS, _OPTIONAL_ENTRY_KEYS, where=where)
    name = _text(entry, "name", where=where)
    if not _SNAKE_CASE.fullmatch(name):
        raise FatalError(f"{where}: name must be snake_case")
    severity = _text(entry, "severity", where=where)
    if severity not in _SEVERITIES:
        raise FatalError(f"{where}: severity {severity!r} is none of {', '.join(_SEVERITIES)}")
    applies_when = entry.get("applies_when")
    if applies_when not in (None, PUBLISHED_EXISTS):
        raise FatalError(f"{where}: applies_when can only be {PUBLISHED_EXISTS}")
    expectation = Expectation(
        name=name,
        type=_text(entry, "type", where=where),
        severity=cast(Severity, severity),
        why=" ".join(_text(entry, "why", where=where).split()),
        needs_publication=applies_when is not None,
        **_read_kwargs(entry, where=where),
    )
    _require_honest_comparison(expectation, where=where)
    return expectation


def _read_kwargs(entry: Mapping[str, object], *, where: str) -> dict[str, Any]:
    """The fields of an Expectation that come from `kwargs`."""
    kwargs = entry["kwargs"]
    if not isinstance(kwargs, dict):
        raise FatalError(f"{where}: kwargs must be a mapping")
    sample_key = _sample_key(kwargs.get("sample_key", []), where=where)
    if entry["type"] == UNEXPECTED_ROWS:
        _require_keys(kwargs, frozenset({"query"}), _ROWS_KWARGS, where=f"{where}: kwargs")
        observe = _query(kwargs, "observe", where=where) if "observe" in kwargs else ""
        query = _query(kwargs, "query", where=where)
        unit = kwargs.get("unit", "number")
        if unit not in _UNITS:
            raise FatalError(f"{where}: unit {unit!r} is none of {', '.join(_UNITS)}")
        return {
            "kwargs": {},
            "query": query,
            "observe": observe,
            "sample_key": sample_key,
            "unit": unit,
        }
    if not _LIBRARY_TYPE.fullmatch(str(entry["type"])):
        raise FatalError(f"{where}: type must be {UNEXPECTED_ROWS} or expect_...")
    for ours in ("query", "observe", "unit"):
        if ours in kwargs:
            raise FatalError(f"{where}: {ours} belongs to type {UNEXPECTED_ROWS} only")
    library_kwargs = {key: value for key, value in kwargs.items() if key != "sample_key"}
    return {"kwargs": library_kwargs, "sample_key": sample_key}


def _sample_key(value: object, *, where: str) -> tuple[str, ...]:
    columns = [value] if isinstance(value, str) else value
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise FatalError(f"{where}: sample_key must be a column or a list of columns")
    for column in columns:
        if not _SNAKE_CASE.fullmatch(column):
            raise FatalError(f"{where}: sample_key {column!r} is not a plain column name")
    return tuple(columns)


def _query(kwargs: Mapping[str, object], key: str, *, where: str) -> str:
    text = _text(kwargs, key, where=where).strip().rstrip(";").rstrip()
    if not _READS_ONLY.match(text):
        raise FatalError(f"{where}: {key} must start with select or with")
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise FatalError(f"{where}: {key}: {error}; double a brace that is meant as such") from None
    used = {field for _, field, _, _ in parts if field is not None}
    decorated = any(spec or conversion for _, _, spec, conversion in parts)
    if decorated or not used <= _PLACEHOLDERS:
        raise FatalError(f"{where}: {key} may use {{table}}, {{schema}} and {{published}} only")
    if not used:
        raise FatalError(f"{where}: {key} names no schema: use {{table}} or {{schema}}")
    return text


def _require_honest_comparison(expectation: Expectation, *, where: str) -> None:
    reads_published = "{published}" in expectation.query + expectation.observe
    if reads_published and not expectation.needs_publication:
        raise FatalError(f"{where}: {{published}} needs applies_when: {PUBLISHED_EXISTS}")
    if expectation.needs_publication and not reads_published:
        raise FatalError(f"{where}: applies_when is set but nothing reads {{published}}")


def _require_keys(
    mapping: Mapping[str, object],
    required: frozenset[str],
    optional: frozenset[str],
    *,
    where: str,
) -> None:
    missing = sorted(required - mapping.keys())
    unknown = sorted(str(key) for key in mapping.keys() - required - optional)
    if missing:
        raise FatalError(f"{where}: {', '.join(missing)} missing")
    if unknown:
        raise FatalError(f"{where}: unknown key {', '.join(unknown)}")


def _text(mapping: Mapping[str, object], key: str, *, where: str) -> str:
    value = mapping[key]
    if not isinstance(value, str) or not value.strip():
        raise FatalError(f"{where}: {key} must be a text that is not empty")
    return value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


class _StrictLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                line = node.value[position][0].start_mark.line + 1
                raise yaml.YAMLError(f"key {key!r} stands twice in one mapping (line {line})")
        return super().construct_mapping(node, deep=deep)
