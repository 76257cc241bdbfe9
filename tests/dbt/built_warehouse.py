"""A warehouse that `dbt build` made of the demo books."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from encours.settings import Settings

AS_OF_DATE = date(2022, 8, 31)


@dataclass(frozen=True)
class Target:
    """A running server and what dbt needs to know of it."""

    url: str
    folder: Path
    variables: dict[str, str]
    environment: dict[str, str]


@dataclass(frozen=True)
class BuiltWarehouse(Target):
    """What `dbt build` made of the demo books, flat files and ledgers side by side."""

    receivable: Mapping[str, Decimal]
    log: str

    def compiled(self, name: str) -> str:
        """The SQL that dbt ran for a model or a test."""
        found = (self.folder / "target" / "compiled").rglob(f"{name}.sql")
        # A unit test may be named as its model.
        (path,) = (path for path in found if "unit_tests.yml" not in str(path))
        return path.read_text()

    @property
    def results(self) -> list[dict[str, Any]]:
        content = json.loads((self.folder / "target" / "run_results.json").read_text())
        results: list[dict[str, Any]] = content["results"]
        return results


def load_demo_books(settings: Settings, url: str, folder: Path) -> dict[str, Decimal]:
    """The demo company twice: its flat files, and its ledgers of three years. What is owed."""
    from encours.demo.books import DemoOptions, write_books
    from encours.landing.store import land_files
    from encours.loading.fec import load_ledgers
    from encours.loading.flat_files import load_delivery
    from encours.loading.raw_schema import ensure_raw
    from encours.warehouse.connections import connect
    from encours.warehouse.ledger import ensure_ledger
    from encours.warehouse.publication import prepare_candidate

    with connect(url) as connection:
        ensure_ledger(connection)
        ensure_raw(connection)
        receivable: dict[str, Decimal] = {}
        for kind, source, load in (
            ("csv", "files", load_delivery),
            ("fec", "fec", load_ledgers),
        ):
            options = DemoOptions(invoices=400, months=26, seed=7, format=kind, end=AS_OF_DATE)
            summary = write_books(options, folder / kind)
            receivable |= {f"{source}:{name}": sum_ for name, sum_ in summary.receivable.items()}
            files = sorted((folder / kind).iterdir())
            load(connection, land_files(settings, source, "demo", kind, files), kind)
        prepare_candidate(connection, "build")
    return receivable
