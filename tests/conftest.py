"""Fixtures that several test folders share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from encours.settings import Settings


@pytest.fixture(scope="session")
def warehouse_home() -> Iterator[Settings]:
    """A home of its own with a running embedded server, stopped at the end of the session.

    Tests that use it bear `xdist_group`, or each worker starts a server.
    """
    from encours.warehouse import embedded
    from encours.warehouse.connections import open_warehouse

    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-test-") as folder:
        settings = Settings(home=Path(folder))
        try:
            open_warehouse(settings)
            yield settings
        finally:
            embedded.stop(settings)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The figures of the gate: corruptions caught, legitimate days held."""
    told = [
        (report.outcome, dict(report.user_properties))
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
    ]
    tried = [outcome for outcome, facts in told if "corruption" in facts]
    if tried:
        caught = tried.count("passed")
        terminalreporter.write_line(f"gate: caught {caught} of {len(tried)} corruptions")
    for _, facts in told:
        if "false_holds" in facts:
            terminalreporter.write_line(
                f"gate: false holds {facts['false_holds']} of {facts['days']} legitimate days"
            )
