"""The run of the next day: what cannot have changed is carried over, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import warehouse_steps as steps

from encours.orchestration import build, control
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings
from encours.transform import dbt
from encours.warehouse.carrying import check_carried, is_completed
from encours.warehouse.connections import open_warehouse
from encours.warehouse.previous import CARRIED, expose_previous
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("daily_run")]

TUESDAY = date(2025, 6, 10)
WEDNESDAY = date(2025, 6, 11)
BOOKS = {
    "documents": """
document_id,document_type,customer_id,issue_date,due_date,currency_code,amount_incl_tax
INV-1,invoice,C1,2025-01-10,2025-02-09,EUR,1200.00
INV-2,invoice,C2,2025-03-10,2025-04-09,EUR,600.00
INV-3,invoice,C1,2025-04-20,2025-05-20,EUR,150.00
INV-4,invoice,C2,2025-06-02,2025-07-02,EUR,80.00
INV-7,invoice,C3,2025-02-03,2025-03-05,EUR,40.00
""",
    "payments": """
payment_id,customer_id,payment_date,currency_code,amount
PAY-1,C1,2025-02-20,EUR,1200.00
""",
    "allocations": """
allocation_id,source_type,source_id,document_id,amount
A1,payment,PAY-1,INV-1,1200.00
""",
}
# Of Wednesday: an invoice, and a forgotten one of 5 May.
NEXT_BOOKS = {
    **BOOKS,
    "documents": BOOKS["documents"]
    + "INV-5,invoice,C1,2025-06-11,2025-07-11,EUR,90.00\n"
    + "INV-6,invoice,C2,2025-05-05,2025-06-04,EUR,70.00\n",
}


@pytest.fixture(scope="module")
def tuesday(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> dbt.Build:
    return steps.publish_files(home, tmp_path_factory.mktemp("tuesday"), BOOKS, TUESDAY)


@pytest.fixture(scope="module")
def wednesday(
    tuesday: dbt.Build, home: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dbt.Build:
    """Published by an audit that had to be tried again after the candidate was completed."""
    run_id = steps.deliver_files(home, tmp_path_factory.mktemp("wednesday"), NEXT_BOOKS)
    opened = steps.build_candidate(home, run_id, as_of=WEDNESDAY)
    build.audit_candidate(home, opened)
    assert steps.judge(home, opened) == "publish"
    build.publish_marts(home, run_id)
    return opened


def carried_dates(home: Settings) -> list[date]:
    return [
        day
        for (day,) in steps.rows(
            home, "select as_of_date from intermediate.int_carried_dates order by 1"
        )
    ]


# What holds for every day, and items, of a publication that the next build may carry over from.
TAKEN_OVER = """
select
    (select count(*) from previous.day_digests where business_date = '0001-01-01'),
    (select count(*) from previous.carried_fct_items)
"""


def taken_over(home: Settings) -> tuple[int, ...]:
    (counts,) = steps.rows(home, TAKEN_OVER)
    return counts


def test_month_ends_before_the_first_change_are_carried_over(
    wednesday: dbt.Build, home: Settings
) -> None:
    dates = carried_dates(home)

    assert len(dates) == 35
    assert steps.rows(
        home, "select carried_to from ops.run where status = 'published' order by started_at"
    ) == [
        (None,),
        (max(dates),),
    ]
    assert max(dates) == date(2025, 4, 30)


def test_items_of_customers_of_whom_nothing_changed_are_carried_over(
    wednesday: dbt.Build, home: Settings
) -> None:
    query = "select distinct customer_id from {} order by 1"

    assert steps.rows(home, query.format("intermediate.int_items")) == [  # type: ignore[arg-type]
        ("files:main:C1",),
        ("files:main:C2",),
    ]
    assert len(steps.rows(home, query.format("marts.fct_items"))) == 3  # type: ignore[arg-type]


def test_marts_are_those_of_a_rebuild(wednesday: dbt.Build, home: Settings) -> None:
    control.rebuild(home, new_run_id(), WEDNESDAY, wednesday.known_on, "whole")
    url = open_warehouse(home).pipeline_url

    # A rebuild is compared with the publication that it stands beside, not with the one before.
    published, rebuilt = marts_content(url), marts_content(url, "whole")
    del published["mart_restatements"], rebuilt["mart_restatements"]
    assert published == rebuilt


def test_balances_that_were_carried_over_are_checked_against_the_open_items(
    wednesday: dbt.Build, home: Settings
) -> None:
    results = steps.rows(
        home,
        "select check_name, state from ops.check_result where run_id = %s"
        " and check_name in ('carried_month_ends_equal_positions', 'mart_dso_key') order by 1",
        wednesday.run_id,
    )

    assert results == [
        ("carried_month_ends_equal_positions", "passed"),
        ("mart_dso_key", "passed"),
    ]


def test_rows_told_of_a_run_count_what_was_carried_over(
    wednesday: dbt.Build, home: Settings
) -> None:
    ((told,),) = steps.rows(
        home, "select row_counts from ops.run where run_id = %s", wednesday.run_id
    )
    counted = {
        name: steps.rows(home, f"select count(*) from marts.{name}")[0][0]  # type: ignore[arg-type]
        for name in CARRIED
    }

    assert {name: told[name] for name in CARRIED} == counted


def test_full_build_carries_nothing_over(wednesday: dbt.Build, home: Settings) -> None:
    build.open_build(home, build.Request(new_run_id(), WEDNESDAY))
    assert all(taken_over(home))

    build.open_build(home, build.Request(new_run_id(), WEDNESDAY, is_full=True))

    assert taken_over(home) == (0, 0)


def test_marts_of_other_models_are_not_carried_over(
    wednesday: dbt.Build, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt, "models_hash", lambda: "of other models")

    build.open_build(home, build.Request(new_run_id(), WEDNESDAY))

    assert taken_over(home) == (0, 0)


def test_marts_that_a_person_released_are_not_carried_over(
    wednesday: dbt.Build, home: Settings
) -> None:
    with steps.pipeline(home) as connection, connection.transaction(force_rollback=True):
        connection.execute("update ops.publication set action = 'release'")
        expose_previous(connection, dbt.models_hash())
        row = connection.execute(TAKEN_OVER).fetchone()

    assert row == (0, 0)


def test_balance_that_no_longer_ties_fails_the_check(wednesday: dbt.Build, home: Settings) -> None:
    with steps.pipeline(home) as connection, connection.transaction(force_rollback=True):
        connection.execute(
            "update marts.mart_aged_balance set open_company_amount = open_company_amount + 0.01"
            " where as_of_date = '2025-03-31'"
        )
        result = check_carried(connection, carried_dates(home), "marts")

    assert (result.state, result.sample_keys) == ("failed", ("main|2025-03-31",))


def test_mart_that_is_built_anew_is_to_be_completed_again(
    wednesday: dbt.Build, home: Settings
) -> None:
    with steps.pipeline(home) as connection, connection.transaction(force_rollback=True):
        assert is_completed(connection, "marts")
        connection.execute("alter table marts.mart_dso rename to mart_dso_before")
        connection.execute("create table marts.mart_dso as select * from marts.mart_dso_before")

        assert not is_completed(connection, "marts")


def test_models_hash_follows_the_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "dbt_project" / "models"
    models.mkdir(parents=True)
    (tmp_path / "dbt_project" / "dbt_project.yml").write_text("name: encours\n")
    (models / "a.sql").write_text("select 1")
    monkeypatch.setattr(dbt, "project_root", lambda: tmp_path)
    before = dbt.models_hash()

    (models / "a.sql").write_text("select 2")
    assert dbt.models_hash() != before
    (models / "a.sql").write_text("select 1")
    assert dbt.models_hash() == before
    (models / "a.sql").rename(models / "b.sql")
    assert dbt.models_hash() != before
