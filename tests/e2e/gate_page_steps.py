"""The gate page of a scheduled home: who asks for it, a run that is held on it, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from scheduled_home import ScheduledHome

from encours.quality.results import CheckResult
from encours.quality.verdict import decide
from encours.settings import Settings
from encours.warehouse import ledger, publication
from encours.warehouse.connections import open_warehouse

HELD_RUN = "20260701T041200-9f3ac1"
HOSTILE = "<img src=x onerror=\"document.title='broken in'\"><script>1</script>"
# As the suites give it, and as a test of the models does.
OF_THE_LEDGER = CheckResult(
    table_name="mart_tie_out",
    check_name="receivables_agree_with_the_ledger",
    severity="critical",
    state="failed",
    observed_value="98765.43, in the ledger 111111.10, difference 12345.67",
    details="98765.43, in the ledger 111111.10, difference 12345.67: fr|411000|2026-06-30",
    sample_keys=("fr|411000|2026-06-30", HOSTILE),
    why="The sum of the open items differs from the balance of the control account in the ledger.",
    sample_columns=("entity_id", "account", "as_of_date"),
    row_count=2,
    figure="98765.43",
    at_least="111111.10",
    at_most="111111.10",
)
OF_THE_MODELS = CheckResult(
    table_name="across_models",
    check_name="disputed_is_part_of_open",
    severity="critical",
    state="failed",
    observed_value="2 rows",
    details="2 rows: 2026-06-30|fr|i1, 2026-06-30|fr|i2",
    sample_keys=("2026-06-30|fr|i1", "2026-06-30|fr|i2"),
    why="What is disputed of an item is a part of what is open of it.",
    sample_columns=("as_of_date", "entity_id", "open_item_id"),
    row_count=2,
)
FAILED = (OF_THE_LEDGER, OF_THE_MODELS)
PHONE = {"width": 360, "height": 740}


def hold_what_is_published(home: ScheduledHome) -> None:
    """A candidate as the published marts are, which the gate has held: a build takes minutes."""
    with psycopg.connect(open_warehouse(Settings(home.home)).pipeline_url) as connection:
        publication.prepare_candidate(connection, HELD_RUN)
        tables = connection.execute(
            "select tablename from pg_tables where schemaname = 'marts'"
        ).fetchall()
        for (name,) in tables:
            copy = sql.SQL("create table {} as table {}")
            connection.execute(
                copy.format(
                    sql.Identifier(publication.CANDIDATE, name), sql.Identifier("marts", name)
                )
            )
        connection.execute("update marts_candidate.publication_info set run_id = %s", [HELD_RUN])
        ledger.start_run(connection, HELD_RUN)
        ledger.write_check_results(connection, HELD_RUN, FAILED)
        verdict = decide(FAILED, expected=[])
        ledger.write_verdict(connection, HELD_RUN, verdict, decided_by="gate")
        ledger.finish_run(connection, HELD_RUN, "held")


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium, that of the machine: nothing is downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine: on Debian, apt-get install chromium")
    driver = pytest.importorskip("playwright.sync_api", reason="make test installs playwright")

    # Chromium refuses to sandbox itself as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with driver.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield started
        finally:
            started.close()


def sign_in(page: Any, home: ScheduledHome, path: str) -> None:
    """Ask for the path as a stranger, and sign in where that leads."""
    page.goto(f"{home.url}{path}")
    page.fill('input[name="username"]', "admin")
    page.fill('input[name="password"]', home.password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{home.url}{path}")


def walk_to(page: Any, wanted: str) -> None:
    """Press Tab until the element has the focus, as who has no mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def has_to_scroll_sideways(page: Any) -> bool:
    wider: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wider


def keep_picture(page: Any, name: str) -> None:
    """For whoever wants to look: a folder named by ENCOURS_PICTURES."""
    if folder := os.environ.get("ENCOURS_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
