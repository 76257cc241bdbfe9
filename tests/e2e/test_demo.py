"""`encours demo` as a newcomer runs it: a group of companies from files and three systems, which
makes room as soon as there are books of one's own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import warehouse_steps as steps
from plain_books import ENTITY, write_plain_books

from encours.demo.companies import SUBSIDIARIES
from encours.errors import BadInput
from encours.loading.demo_books import holds_real_books
from encours.orchestration import build
from encours.orchestration.ingest import set_demo_aside
from encours.settings import Settings
from encours.warehouse.connections import open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]

AS_OF = date(2026, 6, 30)
AGED = """
select entity_id, sum(open_company_amount) from marts.mart_aged_balance
where as_of_date = %s group by entity_id
"""
GROUP = """
select outstanding_company_amount from marts.mart_dso
where scope_type = 'group' and as_of_date = %s
"""


@pytest.fixture(scope="module")
def report(home: Settings) -> dict[str, Any]:
    ran = steps.encours(home, "demo", "--invoices", "100", "--json")
    assert ran.exit_status == 0, ran.stderr
    return ran.result


def test_demo_is_published(report: dict[str, Any]) -> None:
    assert report["status"] == "published"
    assert report["checks"]["failed"] == 0


def test_group_is_the_companies_from_files_and_three_systems(
    home: Settings, report: dict[str, Any]
) -> None:
    companies: dict[str, Decimal] = dict(steps.rows(home, AGED, AS_OF))
    read = {entity.entity_id for entity in SUBSIDIARIES.values()}

    assert set(companies) == {"fr", "svc"} | read
    assert all(companies[entity] > 0 for entity in read)
    assert steps.rows(home, GROUP, AS_OF) == [(sum(companies.values()),)]


def test_demo_leaves_no_connection_behind(home: Settings, report: dict[str, Any]) -> None:
    with psycopg.connect(open_warehouse(home).metadata_url) as connection:
        (store,) = connection.execute("select to_regclass('connection')").fetchone() or ("",)

    assert store is None


def test_demo_may_be_run_again(home: Settings, report: dict[str, Any]) -> None:
    with steps.pipeline(home) as connection:
        assert not holds_real_books(connection)
        assert set_demo_aside(connection, "run-demo-again", is_demo=True) == []


def test_first_books_of_ones_own_are_published_in_its_place(
    home: Settings, report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    books = tmp_path_factory.mktemp("books")
    write_plain_books(40, AS_OF, books / "demo", books / "plain")

    run_id = steps.ingest_files(home, books / "plain")
    opened = steps.build_candidate(home, run_id, as_of=AS_OF)
    decision = steps.judge(home, opened)

    assert decision == "publish", steps.rows(
        home, "select reasons from ops.verdict where run_id = %s", run_id
    )
    build.publish_marts(home, run_id)
    assert steps.rows(home, "select distinct entity_id from marts.fct_open_items") == [(ENTITY,)]
    with (
        steps.pipeline(home) as connection,
        pytest.raises(BadInput, match="this home holds real books"),
    ):
        set_demo_aside(connection, "run-demo", is_demo=True)
