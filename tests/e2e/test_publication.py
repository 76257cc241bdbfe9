"""The gate and the swap: what is not judged stays out, what is published stays readable.

The marts are made by hand here: one amount, so that a reader can tell which publication it sees.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fec_samples
import psycopg
import pytest
import warehouse_steps as steps

import readers
from encours.errors import BadInput, FatalError, QualityHold, RetryableError
from encours.gate_page.home_gate import HomeGate
from encours.loading import fec as fec_loading
from encours.orchestration import build, control, ingest
from encours.quality.results import CheckResult
from encours.settings import Settings
from encours.transform.dbt import Build
from encours.warehouse import embedded, ledger, publication
from encours.warehouse.connections import open_warehouse
from encours.warehouse.quiet_moment import quiet_moments

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("publication")]

SHOWN = "select open_company_amount::int from marts.mart_aged_balance"


@pytest.fixture
def books(running_home: Settings) -> Settings:
    """A home where run `first` is published and shows 1."""
    steps.empty(running_home)
    steps.publish_made_up(running_home, "first", 1)
    return running_home


@pytest.fixture
def reader(books: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(open_warehouse(books).reader_url, autocommit=True) as connection:
        yield connection


def shown(settings: Settings) -> int:
    """What BI sees."""
    with psycopg.connect(open_warehouse(settings).reader_url) as connection:
        return int(connection.execute(SHOWN).fetchall()[0][0])


def propose(settings: Settings, run_id: str, amount: int, decision: str) -> None:
    """A candidate that the gate has judged."""
    with steps.pipeline(settings) as connection:
        steps.make_candidate(connection, run_id, amount)
        if decision:
            steps.write_verdict(connection, run_id, decision)


def publish(settings: Settings, run_id: str) -> None:
    with steps.pipeline(settings) as connection:
        publication.publish_candidate(connection, run_id, published_by="test")


def retired(settings: Settings) -> list[str]:
    found = steps.rows(
        settings, "select nspname from pg_namespace where nspname like 'marts\\_retired\\_%'"
    )
    return sorted(name for (name,) in found)


def assert_one_line(error: BaseException) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) > 20


# --- the gate ----------------------------------------------------------------------------------


def test_candidate_that_passed_the_gate_replaces_the_marts(books: Settings) -> None:
    propose(books, "second", 2, "publish")

    publish(books, "second")

    assert shown(books) == 2


def test_publication_that_was_cut_off_after_the_swap_is_told_when_it_is_tried_again(
    books: Settings,
) -> None:
    propose(books, "second", 2, "publish")
    first = build.publish_marts(books, "second")
    with steps.pipeline(books) as connection:
        ledger.start_run(connection, "second")

    again = build.publish_marts(books, "second")

    assert again == first
    assert shown(books) == 2
    assert steps.rows(
        books, "select status, publication_id from ops.run where run_id = 'second'"
    ) == [("published", first)]
    assert steps.rows(books, "select count(*) from ops.publication") == [(2,)]


def test_swap_and_the_runs_end_are_one_transaction(books: Settings) -> None:
    propose(books, "second", 2, "publish")

    publish(books, "second")

    assert steps.rows(
        books, "select status, publication_id from ops.run where run_id = 'second'"
    ) == [("published", "pub-000002")]


def test_held_candidate_leaves_the_last_good_marts(books: Settings) -> None:
    propose(books, "second", 2, "hold")

    with pytest.raises(QualityHold, match="a control total differs"):
        build.publish_marts(books, "second")

    assert shown(books) == 1
    assert steps.rows(books, "select status from ops.run where run_id = 'second'") == [("held",)]


def test_publication_without_a_verdict_raises(books: Settings) -> None:
    propose(books, "second", 2, "")

    with pytest.raises(FatalError, match="has no verdict"):
        publish(books, "second")

    assert shown(books) == 1


def test_candidate_that_is_built_again_after_its_verdict_is_not_published(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    with steps.pipeline(books) as connection:
        ledger.withdraw_verdicts(connection, "second")

    with pytest.raises(FatalError, match="has no verdict"):
        publish(books, "second")

    assert shown(books) == 1


def test_candidate_that_is_built_again_after_it_was_held_is_not_released(books: Settings) -> None:
    propose(books, "second", 2, "hold")
    with steps.pipeline(books) as connection:
        ledger.withdraw_verdicts(connection, "second")

    with pytest.raises(BadInput, match="never checked"):
        control.release(books, "second", released_by="controller", reason="once more")

    assert shown(books) == 1


@pytest.mark.parametrize("decision", ["", "hold"])
def test_swap_by_any_other_path_is_undone_by_the_database(books: Settings, decision: str) -> None:
    propose(books, "second", 2, decision)

    with (
        steps.pipeline(books) as connection,
        quiet_moments(connection) as moment,
        pytest.raises(psycopg.errors.CheckViolation, match="no verdict that lets it be published"),
        connection.transaction(),
    ):
        publication._swap_in(connection, moment, "second", "publish", "somebody", None)

    assert shown(books) == 1
    assert retired(books) == []


def test_what_was_never_published_is_not_recorded_as_brought_back(books: Settings) -> None:
    with (
        steps.pipeline(books) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="was never judged"),
    ):
        connection.execute(
            "insert into ops.publication (publication_id, run_id, action, as_of_date, known_on,"
            " published_by) values ('pub-9', 'second', 'rollback', '2024-12-31', now(), 'somebody')"
        )


def test_schema_that_is_renamed_by_hand_cannot_be_read_by_bi(books: Settings) -> None:
    propose(books, "second", 2, "")
    with steps.pipeline(books) as connection:
        connection.execute("alter schema marts rename to marts_aside")
        connection.execute("alter schema marts_candidate rename to marts")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shown(books)


def test_results_of_the_run_are_published_with_it(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    found = CheckResult(
        "int_drift",
        "outstanding_did_not_jump",
        "critical",
        "passed",
        "110 after 100, change 0.100, limit 2",
        "",
        (),
        "Because.",
        figure="110",
        at_most="300",
    )
    day = "2036-03-31"
    dated = replace(
        found, table_name="mart_dso", observed_value=day, unit="day", figure=day, at_most=day
    )
    older = replace(found, table_name="mart_kpi_monthly", figure=None, at_most=None)
    with steps.pipeline(books) as connection:
        ledger.write_check_results(connection, "second", [found, dated, older])

    publish(books, "second")

    assert steps.rows(
        books,
        "select run_id, table_name, state, observed_number::text, expected_at_least::text,"
        " expected_at_most::text, gate_decision from marts.mart_data_quality order by 2",
    ) == [
        ("second", "int_drift", "passed", "110", None, "300", "publish"),
        ("second", "mart_dso", "passed", None, None, None, "publish"),
        ("second", "mart_kpi_monthly", "passed", "110", None, None, "publish"),
    ]


def test_verdict_of_another_run_publishes_nothing(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    propose(books, "third", 3, "")

    with pytest.raises(BadInput, match="the candidate of run second is gone"):
        publish(books, "second")

    assert shown(books) == 1


def test_candidate_that_describes_another_run_is_not_published(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    steps.pipeline(books).execute("update marts_candidate.publication_info set run_id = 'other'")

    with pytest.raises(FatalError, match="does not describe run second"):
        publish(books, "second")

    assert shown(books) == 1


def test_failure_inside_the_swap_undoes_all_of_it(
    books: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(books, "second", 2, "publish")

    def fail(*_arguments: Any, **_more: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(publication, "_record", fail)
    with pytest.raises(RuntimeError, match="killed"):
        publish(books, "second")

    assert shown(books) == 1
    assert retired(books) == []


def test_publication_is_stamped_with_its_run_and_dates(books: Settings) -> None:
    propose(books, "second", 2, "publish")

    publish(books, "second")

    stamp = "select publication_id, run_id, as_of_date, published_at is null from marts."
    assert steps.rows(books, stamp + "publication_info") == [
        ("pub-000002", "second", date(2024, 12, 31), False)
    ]


# --- a person decides --------------------------------------------------------------------------


def test_release_publishes_and_leaves_who_and_why(books: Settings) -> None:
    propose(books, "second", 2, "hold")

    control.release(books, "second", released_by="controller", reason="known difference")

    assert shown(books) == 2
    assert steps.rows(
        books,
        "select action, published_by, reason from ops.publication where run_id = 'second'",
    ) == [("release", "controller", "known difference")]
    assert steps.rows(
        books,
        "select decision, decided_by, reason from ops.verdict where run_id = 'second'"
        " order by verdict_id",
    ) == [("hold", "gate", None), ("publish", "controller", "known difference")]
    assert steps.rows(
        books, "select status, publication_id from ops.run where run_id = 'second'"
    ) == [("published", "pub-000002")]


def test_publication_stands_when_it_cannot_be_announced(
    books: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    propose(books, "second", 2, "hold")
    gate = HomeGate(books, announce=unreachable)

    gate.release("second", by="claire", reason="seen with the auditor", seen=1)

    assert shown(books) == 2
    assert "pub-000002 is published, but was not announced" in caplog.text


def unreachable(_: publication.Publication) -> None:
    raise ConnectionError("Airflow's database went away")


def release_twice(settings: Settings) -> str:
    propose(settings, "second", 2, "hold")
    control.release(settings, "second", released_by="controller", reason="known difference")
    return "second"


def release_unknown(settings: Settings) -> str:
    return "no-such-run"


def release_published(settings: Settings) -> str:
    return "first"


def release_replaced(settings: Settings) -> str:
    propose(settings, "second", 2, "hold")
    propose(settings, "third", 3, "")
    return "second"


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (release_twice, "is not held"),
        (release_unknown, "is unknown"),
        (release_published, "is not held"),
        (release_replaced, "is gone"),
    ],
)
def test_run_that_cannot_be_released_is_refused_in_one_line(
    books: Settings, prepare: Callable[[Settings], str], reason: str
) -> None:
    run_id = prepare(books)
    before = shown(books)

    with pytest.raises(BadInput, match=reason) as caught:
        control.release(books, run_id, released_by="controller", reason="once more")

    assert_one_line(caught.value)
    assert run_id in str(caught.value)
    assert shown(books) == before


def test_command_release_of_an_unknown_run_ends_with_2_and_one_line(books: Settings) -> None:
    ran = steps.encours(books, "release", "no-such-run", "--reason", "looks right")

    assert (ran.exit_status, ran.stdout) == (2, "")
    assert ran.error.startswith("run no-such-run is unknown")
    assert ran.stderr.count("\n") == 1


def test_command_release_without_a_reason_ends_with_2(books: Settings) -> None:
    propose(books, "second", 2, "hold")

    ran = steps.encours(books, "release", "second", "--reason", "  ")

    assert ran.exit_status == 2
    assert "the reason is empty" in ran.error
    assert shown(books) == 1


def test_rollback_goes_back_one_publication_at_a_time(books: Settings) -> None:
    for run_id, amount in (("second", 2), ("third", 3)):
        propose(books, run_id, amount, "publish")
        publish(books, run_id)

    control.roll_back(books, rolled_back_by="controller", reason="wrong rates")
    after_one = shown(books)
    control.roll_back(books, rolled_back_by="controller", reason="these too")

    assert (after_one, shown(books)) == (2, 1)
    assert steps.rows(
        books,
        "select publication_id, published_by, reason from ops.publication"
        " where action = 'rollback' order by publication_row",
    ) == [
        ("pub-000002", "controller", "wrong rates"),
        ("pub-000001", "controller", "these too"),
    ]


def test_rollback_asked_twice_of_what_was_seen_goes_back_once(books: Settings) -> None:
    for run_id, amount in (("second", 2), ("third", 3)):
        propose(books, run_id, amount, "publish")
        publish(books, run_id)
    ((seen,),) = steps.rows(books, "select max(publication_row) from ops.publication")

    control.roll_back(books, rolled_back_by="controller", reason="wrong rates", seen=seen)
    with pytest.raises(BadInput, match="another publication has come meanwhile") as caught:
        control.roll_back(books, rolled_back_by="controller", reason="wrong rates", seen=seen)

    assert_one_line(caught.value)
    assert shown(books) == 2


def release(settings: Settings, run_id: str) -> None:
    control.release(settings, run_id, released_by="controller", reason="looks right")


@pytest.mark.parametrize(
    ("decision", "let_out"), [("publish", publish), ("hold", release)], ids=["gate", "person"]
)
def test_candidate_that_follows_what_was_rolled_back_is_not_published(
    books: Settings, decision: str, let_out: Callable[[Settings, str], None]
) -> None:
    propose(books, "second", 2, "publish")
    publish(books, "second")
    propose(books, "third", 3, decision)
    control.roll_back(books, rolled_back_by="controller", reason="wrong rates")

    with pytest.raises(BadInput, match="built on a publication that was rolled back") as caught:
        let_out(books, "third")

    assert_one_line(caught.value)
    assert shown(books) == 1


def test_first_books_after_the_demo_are_compared_with_nothing(books: Settings) -> None:
    with steps.pipeline(books) as connection:
        connection.execute("update ops.run set is_demo = true where run_id = 'first'")

    propose(books, "second", 2, "publish")

    with steps.pipeline(books) as connection:
        assert not publication.follows_published(connection, "second")
        assert connection.execute("select * from previous.publication_info").fetchall() == []
    publish(books, "second")
    propose(books, "third", 3, "publish")
    with steps.pipeline(books) as connection:
        assert publication.follows_published(connection, "third")
    assert shown(books) == 2


def test_release_after_another_publication_than_the_one_seen_is_refused(books: Settings) -> None:
    propose(books, "second", 2, "hold")

    with pytest.raises(BadInput, match="another publication has come meanwhile"):
        control.release(books, "second", released_by="controller", reason="looks right", seen=0)

    assert shown(books) == 1


def test_what_a_rollback_would_bring_back_is_told_before(books: Settings) -> None:
    with steps.pipeline(books) as connection:
        assert publication.read_earlier(connection) is None
    propose(books, "second", 2, "publish")
    publish(books, "second")

    with steps.pipeline(books) as connection:
        earlier = publication.read_earlier(connection)

    back = control.roll_back(books, rolled_back_by="controller", reason="wrong rates")
    assert earlier is not None
    assert (earlier.publication_id, earlier.run_id) == (back.publication_id, back.run_id)


def test_rollback_with_nothing_before_is_refused(books: Settings) -> None:
    with pytest.raises(BadInput, match="nothing to go back to") as caught:
        control.roll_back(books, rolled_back_by="controller", reason="wrong rates")

    assert_one_line(caught.value)
    assert shown(books) == 1


def test_publication_after_a_rollback_can_be_rolled_back_too(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    publish(books, "second")
    control.roll_back(books, rolled_back_by="controller", reason="wrong rates")
    propose(books, "third", 3, "publish")
    publish(books, "third")

    control.roll_back(books, rolled_back_by="controller", reason="wrong again")

    assert shown(books) == 1


def test_what_was_rolled_back_stays_in_the_books_of_operations(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    publish(books, "second")

    control.roll_back(books, rolled_back_by="controller", reason="wrong rates")

    # Kept for inspection, closed to BI.
    assert len(retired(books)) == 1
    assert steps.rows(books, "select publication_id from marts.publication_info") == [
        ("pub-000001",)
    ]


# --- readers -----------------------------------------------------------------------------------


def test_open_connection_sees_every_publication_and_never_an_error_or_an_empty_mart(
    books: Settings, reader: psycopg.Connection
) -> None:
    seen: list[list[tuple[Any, ...]]] = []
    stopped = threading.Event()

    def poll() -> None:
        while not stopped.is_set():
            seen.append(reader.execute(SHOWN).fetchall())

    with_polling = threading.Thread(target=poll)
    with_polling.start()
    try:
        for amount in range(2, 22):
            propose(books, f"run-{amount}", amount, "publish")
            publish(books, f"run-{amount}")
        final = shown(books)
    finally:
        stopped.set()
        with_polling.join()
    seen.append(reader.execute(SHOWN).fetchall())

    amounts = [answer[0][0] for answer in seen]
    assert final == 21
    assert all(len(answer) == 1 for answer in seen)
    assert amounts == sorted(amounts)
    assert len(set(amounts)) > 5


def test_readers_of_the_kill_tests_say_that_they_were_held_up(
    books: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "LONGEST_SECONDS", 1.0)

    with (
        readers.Readers(open_warehouse(books).reader_url, SHOWN, lambda _: "", 50) as blocked,
        steps.pipeline(books) as connection,
        connection.transaction(),
    ):
        connection.execute("lock table marts.mart_aged_balance in access exclusive mode")
        connection.execute("select pg_sleep(2)")

    assert len(blocked.held_up) == 2, blocked.paces
    assert blocked.anomalies == []


def test_reader_inside_a_transaction_does_not_hold_up_a_publication(books: Settings) -> None:
    propose(books, "second", 2, "publish")
    with psycopg.connect(open_warehouse(books).reader_url) as reading:
        reading.execute(SHOWN)
        with steps.pipeline(books) as connection:
            connection.execute("set lock_timeout = '1s'")
            publication.publish_candidate(connection, "second", published_by="test")

    assert shown(books) == 2


def test_reader_that_goes_on_to_another_mart_while_a_publication_waits_is_let_through(
    books: Settings,
) -> None:
    propose(books, "second", 2, "publish")
    with (
        ThreadPoolExecutor(max_workers=1) as pool,
        psycopg.connect(open_warehouse(books).reader_url) as reading,
    ):
        reading.execute("set lock_timeout = '1s'")
        reading.execute("select from publication_info")
        publishing = pool.submit(publish, books, "second")
        answers = []
        while not publishing.done():
            answers += reading.execute(SHOWN).fetchall()
            time.sleep(0.05)
        publishing.result()

    assert shown(books) == 2
    assert len(answers) > 10
    assert answers[:-1] == [(1,)] * (len(answers) - 1)


def test_retired_marts_that_a_reader_still_uses_are_left_for_the_next_time(books: Settings) -> None:
    with psycopg.connect(open_warehouse(books).reader_url) as reading:
        reading.execute(SHOWN)
        for run_id, amount in (("second", 2), ("third", 3)):
            propose(books, run_id, amount, "publish")
            publish(books, run_id)
        used, unused = retired(books)
        with steps.pipeline(books) as connection:
            dropped_meanwhile = publication.drop_retired(connection, keep=0)
    with steps.pipeline(books) as connection:
        dropped_afterwards = publication.drop_retired(connection, keep=0)

    assert (dropped_meanwhile, dropped_afterwards) == ([unused], [used])
    assert shown(books) == 3


def test_the_newest_retired_marts_stay_for_a_rollback(books: Settings) -> None:
    for amount in range(2, 8):
        propose(books, f"run-{amount}", amount, "publish")
        publish(books, f"run-{amount}")

    with steps.pipeline(books) as connection:
        publication.drop_retired(connection)
    control.roll_back(books, rolled_back_by="controller", reason="wrong rates")

    assert len(retired(books)) == publication.KEPT_RETIRED_SCHEMAS
    assert shown(books) == 6


# --- two at once -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [lambda home, mine: build.build_layer(home, mine, "core"), build.audit_candidate],
    ids=["build_layer", "audit_candidate"],
)
def test_build_whose_candidate_was_replaced_goes_no_further(
    books: Settings, step: Callable[[Settings, Build], Any]
) -> None:
    mine = Build("mine", date(2024, 12, 31), datetime(2025, 1, 2, tzinfo=UTC))
    propose(books, "mine", 2, "")
    propose(books, "other", 3, "")

    with pytest.raises(RetryableError, match="another build replaced the candidate of run mine"):
        step(books, mine)

    assert shown(books) == 1
    ((status, error),) = steps.rows(
        books, "select status, error from ops.run where run_id = 'mine'"
    )
    assert status == "failed"
    assert error.startswith("another build replaced the candidate")


def test_second_build_at_the_same_time_is_refused(books: Settings) -> None:
    with steps.pipeline(books) as first:
        publication.lock_build(first)
        with pytest.raises(RetryableError, match="another build of this warehouse is running"):
            build.open_build(books, build.Request("second"))

    assert shown(books) == 1


# --- the machine fails -------------------------------------------------------------------------


def test_full_disk_while_landing_is_one_line_and_loads_nothing(
    books: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fec_samples.write_fec(tmp_path)
    before = steps.raw_counts(books)

    def no_space(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(FatalError, match="is full: free some space and run again") as caught:
        ingest.land(books, "fec", "no-space", [str(path)])

    assert_one_line(caught.value)
    assert not (books.landing_dir / "fec/delivery/run=no-space").exists()
    assert steps.raw_counts(books) == before
    assert steps.rows(
        books, "select status, error from ops.extraction where run_id = 'no-space'"
    ) == [("failed", str(caught.value))]
    assert shown(books) == 1


def test_database_that_goes_away_in_the_middle_of_a_load_leaves_nothing_of_it(
    books: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fec_samples.write_fec(tmp_path)
    before = steps.raw_counts(books)
    landed = ingest.land(books, "fec", "cut-off", [str(path)])
    read_fec = fec_loading.read_fec

    def read_and_cut(*arguments: Any) -> Iterator[Any]:
        yield from read_fec(*arguments)
        cut = steps.rows(
            books,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query like 'copy raw_fec.ledger_lines%%' and pid <> pg_backend_pid()",
        )
        assert cut == [(True,)]

    monkeypatch.setattr(fec_loading, "read_fec", read_and_cut)
    with pytest.raises(RetryableError, match="the database went away: run again") as caught:
        ingest.load(books, "fec", "cut-off", landed)
    monkeypatch.undo()

    assert_one_line(caught.value)
    assert steps.raw_counts(books) == before
    assert shown(books) == 1

    ingest.load(books, "fec", "cut-off", landed)

    assert steps.rows(
        books,
        "select attempt, status from ops.extraction where run_id = 'cut-off'"
        " and stream = 'ledger_lines' order by attempt",
    ) == [(1, "failed"), (2, "loaded")]


def test_server_that_is_killed_between_two_steps_comes_back_with_the_same_marts(
    tmp_path: Path,
) -> None:
    source = fec_samples.write_fec(tmp_path)
    with tempfile.TemporaryDirectory(prefix="encours-killed-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder) / "home")
        try:
            steps.publish_made_up(settings, "first", 1)
            landed = ingest.land(settings, "fec", "second", [str(source)])
            embedded.stop(settings)
            loaded = ingest.load(settings, "fec", "second", landed)

            assert loaded.row_count == len(fec_samples.ledger())
            assert shown(settings) == 1
        finally:
            embedded.stop(settings)
