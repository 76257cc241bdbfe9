"""Models with an edit, made from the compiled SQL of a build in a transaction that is rolled back.

A whole build of an edited project takes a minute; this takes a second, and asks the same questions
of the result: the compiled tests of dbt and the queries of the suites, with the published marts as
what the candidate is compared with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from encours.quality.suites import load_suites, render_query
from encours.settings import project_root
from encours.transform.dbt import Build
from encours.warehouse.previous import expose_previous

ATTEMPT = "attempt"
PREVIOUS = "previous"
PUBLISHED = "marts"
CARRYING = ("int_carried_dates", "int_changed_customers")
COMPARED = re.compile(rf'"{PREVIOUS}"\."(?!carried_)')
RELATION = re.compile(r'"\w+"\."(\w+)"\."(\w+)"')
IN_ATTEMPT = re.compile(rf"\b{ATTEMPT}\.(\w+)")


@dataclass(frozen=True)
class ModelEdit:
    """A piece of a model's compiled SQL, and what stands there instead."""

    model: str
    before: str
    after: str


class ModelAttempts:
    """What a published build would have been with other models."""

    def __init__(self, connection: psycopg.Connection, compiled: Path, build: Build) -> None:
        self._connection = connection
        self._build = build
        self._models = {
            path.stem: path.read_text()
            for path in compiled.rglob("models/**/*.sql")
            if ".yml" not in str(path)
        }
        self._tests = {
            path.stem: path.read_text()
            for path in compiled.rglob("*.sql")
            if path.stem not in self._models
        }
        self._queries = {
            f"{suite.table_name}.{one.name}": (suite, one.query)
            for suite in load_suites(project_root() / "expectations")
            for one in suite.expectations
            if one.query
        }
        self._order = tuple(_in_order(self._models))
        # Nothing is carried over to an edited model, as nothing was to the first build.
        self._following = {
            name
            for name, text in self._models.items()
            if COMPARED.search(text) and name not in CARRYING
        }
        self._made: frozenset[str] = frozenset()

    @contextmanager
    def made(
        self, *edits: ModelEdit, raw: str = "", later_by: timedelta = timedelta(0)
    ) -> Iterator[None]:
        """The edited models and all that follow from them, known an hour later than the build and
        as of so much later, in the schema `attempt` until the context ends. `raw` is SQL that
        changes the raw tables first."""
        texts = dict(self._models)
        for edit in edits:
            texts[edit.model] = _edited(edit, texts[edit.model])
        self._as_of = self._build.as_of_date + later_by
        is_all = bool(raw or later_by)
        changed = set(self._models) if is_all else {edit.model for edit in edits}
        self._made = self._descendants(changed | self._following)
        with self._connection.transaction(force_rollback=True):
            self._connection.execute(raw.encode())
            self._connection.execute(f"create schema {ATTEMPT}")
            expose_previous(self._connection, None)
            for name in self._order:
                if name in self._made:
                    kind = "view" if name.startswith("stg_") else "table"
                    self._connection.execute(
                        f"create {kind} {ATTEMPT}.{name} as {self._here(texts[name])}"
                    )
            yield

    def offending(self, check: str) -> list[tuple[Any, ...]]:
        """The rows that a check finds in what is made."""
        if check in self._queries:
            suite, query = self._queries[check]
            rendered = render_query(
                query, table=f"{ATTEMPT}.{suite.table}", schema=ATTEMPT, published=PUBLISHED
            )
            # The folders of the suites are named after the schemas that models are built in.
            text = IN_ATTEMPT.sub(
                lambda match: f"{self._schema_of(match[1], suite.folder)}.{match[1]}", rendered
            )
        else:
            text = self._here(self._tests[check])
        with self._connection.transaction(force_rollback=True):
            return self._connection.execute(text.encode()).fetchall()

    def _here(self, text: str) -> str:
        def relation(match: re.Match[str]) -> str:
            schema, table = match.groups()
            if table in self._models and schema != PREVIOUS:
                schema = self._schema_of(table, schema)
            return f'"{schema}"."{table}"'

        known = self._build.known_on
        moved = text.replace(known.isoformat(), (known + timedelta(hours=1)).isoformat())
        dated = moved.replace(f"'{self._build.as_of_date}'", f"'{self._as_of}'")
        return RELATION.sub(relation, dated)

    def _schema_of(self, table: str, built_in: str = PUBLISHED) -> str:
        """Where a model is: made anew, or as the build left it and the publication renamed it."""
        if table in self._made:
            return ATTEMPT
        return PUBLISHED if built_in == self._build.candidate_schema else built_in

    def _descendants(self, models: set[str]) -> frozenset[str]:
        found: set[str] = set()
        for name in self._order:
            read = {
                table
                for schema, table in RELATION.findall(self._models[name])
                if schema != PREVIOUS
            }
            if name in models or read & found:
                found.add(name)
        return frozenset(found)


def _edited(edit: ModelEdit, compiled: str) -> str:
    assert compiled.count(edit.before) == 1, f"{edit.model} has no such single place: {edit.before}"
    return compiled.replace(edit.before, edit.after)


def _in_order(texts: Mapping[str, str]) -> Iterable[str]:
    """Each model after those that it reads."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in order:
            for schema, read in sorted(set(RELATION.findall(texts[name]))):
                if read in texts and schema != PREVIOUS:
                    visit(read)
            order[name] = None

    for name in sorted(texts):
        visit(name)
    return order
