"""The worked examples of docs/figures.md of the dbt project: every value asked for by SQL."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps
from psycopg import sql

from encours.orchestration import build
from encours.settings import Settings
from figures_page import BOOKS, ENGLISH, FRENCH, Example, number, read_page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("worked_examples")]

EXAMPLES = read_page(ENGLISH).examples
# The payment of C had not arrived when March was published.
NOT_YET_KNOWN = {"payments": "P3,", "allocations": "L3,"}

BY_ISSUE_DATE = """
select entity_id, customer_id, currency_code, issue_bucket, open_amount, open_company_amount,
    item_count
from mart_aged_balance_by_issue_date
"""


@pytest.fixture(scope="module")
def published(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    march = without(NOT_YET_KNOWN, tmp_path_factory.mktemp("march") / "books")
    publish(home, march, date(2025, 3, 31))
    publish(home, BOOKS, date(2025, 4, 30))
    return home


def without(rows: dict[str, str], folder: Path) -> Path:
    shutil.copytree(BOOKS, folder)
    for stream, beginning in rows.items():
        file = folder / f"{stream}.csv"
        lines = file.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(beginning)]
        assert len(kept) == len(lines) - 1
        file.write_text("".join(kept))
    return folder


def publish(home: Settings, folder: Path, as_of: date) -> None:
    run_id = steps.ingest_files(home, folder)
    opened = steps.build_candidate(home, run_id, as_of=as_of)
    assert steps.judge(home, opened) == "publish"
    build.publish_marts(home, run_id)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_published_row_holds_the_value_of_the_page(published: Settings, example: Example) -> None:
    with steps.pipeline(published) as connection:
        query = sql.SQL("select {} from marts.{} where ").format(
            sql.Identifier(example.column), sql.Identifier(example.table)
        )
        rows = connection.execute(query + sql.SQL(example.condition)).fetchall()  # type: ignore[arg-type]

    assert [matches(value, example.value) for (value,) in rows] == [True], rows


def test_statement_for_past_dates_gives_the_balance_by_issue_date(published: Settings) -> None:
    ((statement,), french) = (
        re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for page in (ENGLISH, FRENCH)
    )

    with steps.pipeline(published) as connection:
        connection.execute("set search_path to marts")
        asked = connection.execute(statement).fetchall()
        shown = connection.execute(BY_ISSUE_DATE).fetchall()

    assert [statement] == french
    assert sorted(asked) == sorted(shown) != []


def matches(published: Any, shown: str) -> bool:
    if isinstance(published, bool | date | str):
        return str(published).lower() == shown
    return bool(published == type(published)(number(shown)))
