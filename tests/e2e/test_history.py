"""What maintenance deletes of the ledger, and what it must leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from warehouse_steps import make_candidate, pipeline, prepare, publish_made_up, rows

from encours.orchestration.maintenance import prune_history
from encours.settings import Settings
from encours.warehouse import ledger

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("history")]

# Everything below happens now; two years later it is all beyond its days.
LATER = datetime.now(UTC) + timedelta(days=730)


@pytest.fixture
def empty_ledger(home: Settings) -> Settings:
    prepare(home)
    with pipeline(home) as connection:
        connection.execute("drop schema if exists marts, marts_candidate cascade")
        connection.execute(
            "truncate ops.run, ops.extraction, ops.publication, ops.verdict, ops.check_result,"
            " ops.rejected_row"
        )
    return home


def check(settings: Settings, run_id: str) -> None:
    with pipeline(settings) as connection:
        connection.execute(
            "insert into ops.check_result (run_id, table_name, check_name, severity, state)"
            " values (%s, 'mart_dso', 'one', 'info', 'passed')",
            [run_id],
        )


def publish(settings: Settings, run_id: str) -> None:
    publish_made_up(settings, run_id, 100)
    check(settings, run_id)
    with pipeline(settings) as connection:
        ledger.finish_run(connection, run_id, "published", publication_id=run_id)


def fail(settings: Settings, run_id: str) -> None:
    with pipeline(settings) as connection:
        ledger.start_run(connection, run_id)
        ledger.finish_run(connection, run_id, "failed", error="once")
    check(settings, run_id)


def names(settings: Settings, table: str) -> list[str]:
    queries = {
        "run": "select run_id from ops.run order by 1",
        "check_result": "select run_id from ops.check_result order by 1",
        "verdict": "select run_id from ops.verdict order by 1",
        "publication": "select run_id from ops.publication order by 1",
        "extraction": "select run_id from ops.extraction order by 1",
    }
    return [name for (name,) in rows(settings, queries[table])]  # type: ignore[arg-type]


def test_publications_stay_for_ever_with_their_runs_and_verdicts(empty_ledger: Settings) -> None:
    publish(empty_ledger, "run-1")
    publish(empty_ledger, "run-2")
    fail(empty_ledger, "run-3")

    prune_history(empty_ledger, LATER)

    for table in ("publication", "run", "verdict"):
        assert names(empty_ledger, table) == ["run-1", "run-2"]


def test_checks_stay_with_what_can_still_be_looked_at(empty_ledger: Settings) -> None:
    publish(empty_ledger, "run-1")
    publish(empty_ledger, "run-2")
    publish(empty_ledger, "run-3")
    with pipeline(empty_ledger) as connection:
        # As when maintenance dropped the marts of run-1, which run-2 had replaced.
        connection.execute(
            "update ops.publication set retired_schema = null where run_id = 'run-2'"
        )

    deleted = prune_history(empty_ledger, LATER)

    # run-3 is published, and the marts of run-2 are kept.
    assert names(empty_ledger, "check_result") == ["run-2", "run-3"]
    assert deleted["check_result"] == 1


def test_checks_of_a_released_run_stay_with_the_reason(empty_ledger: Settings) -> None:
    publish(empty_ledger, "run-1")
    publish(empty_ledger, "run-2")
    with pipeline(empty_ledger) as connection:
        connection.execute(
            "update ops.publication set action = 'release', retired_schema = null"
            " where run_id = 'run-1'"
        )

    prune_history(empty_ledger, LATER)

    assert "run-1" in names(empty_ledger, "check_result")


def test_run_that_waits_for_a_release_keeps_its_checks(empty_ledger: Settings) -> None:
    with pipeline(empty_ledger) as connection:
        make_candidate(connection, "run-1", 100)
        ledger.finish_run(connection, "run-1", "held")
    check(empty_ledger, "run-1")

    prune_history(empty_ledger, LATER)

    assert names(empty_ledger, "check_result") == ["run-1"]
    assert names(empty_ledger, "run") == ["run-1"]


def test_last_attempt_of_each_stream_stays(empty_ledger: Settings) -> None:
    with pipeline(empty_ledger) as connection:
        for run_id, entity in (("run-1", "a"), ("run-2", "a"), ("run-3", "b")):
            number = ledger.start_extraction(connection, run_id, "odoo", "invoices", entity)
            ledger.finish_extraction(connection, number, ledger.Outcome("loaded"))

    prune_history(empty_ledger, LATER)

    assert names(empty_ledger, "extraction") == ["run-2", "run-3"]


def test_nothing_within_its_days_goes(empty_ledger: Settings) -> None:
    publish(empty_ledger, "run-1")
    fail(empty_ledger, "run-2")

    deleted = prune_history(empty_ledger, LATER - timedelta(days=500))

    assert set(deleted.values()) == {0}
