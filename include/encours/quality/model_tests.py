"""Which tests the models must pass, from the files that declare them.

What dbt answers says only what it ran: a test that is switched off, or that no selection reaches,
is missing there without a word. Every test of a table bears a name in the table's yml file; one
between tables is a file of `tests/`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from encours.contract import declared
from encours.errors import FatalError
from encours.quality.results import ACROSS_MODELS

_TABLES = ("models", "seeds")


def expected_tests(project: Path, unread: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """(table, test) of every test of the project, less those of the staging models of the sources
    of which nothing has ever arrived (`unread`). FatalError names a test without a name."""
    skipped = [project / "models" / "staging" / source for source in unread]
    found = [(ACROSS_MODELS, path.stem) for path in sorted((project / "tests").glob("*.sql"))]
    for path in sorted(project.glob("*/**/_*.yml")):
        # Unit tests try models out on rows of their own; they say nothing of a batch.
        if path.parent not in skipped and not path.stem.endswith("__unit_tests"):
            found.extend(_declared(path))
    return tuple(found)


def _declared(path: Path) -> Iterator[tuple[str, str]]:
    document = declared(path)
    for table in (table for kind in _TABLES for table in document.get(kind, ())):
        for place in (table, *table.get("columns", ())):
            for test in place.get("data_tests", ()):
                yield table["name"], _name(test, where=f"{path}: {table['name']}")


def _name(test: Any, *, where: str) -> str:
    arguments = next(iter(test.values())) if isinstance(test, Mapping) else None
    if not isinstance(arguments, Mapping) or not arguments.get("name"):
        raise FatalError(f"{where}: a test without a name: its result could not be told apart")
    return str(arguments["name"])
