"""Incidents and who is told of them, on a real warehouse and real receivers of this machine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import warehouse_steps as steps

from alert_receivers import Mailbox, Receiver, free_port, mail_server, web_receiver
from encours.errors import BadInput, FatalError, QualityHold
from encours.orchestration import alerting, control
from encours.orchestration.alerting import FailedTask
from encours.orchestration.status import read_status, render_status
from encours.quality.results import CheckResult
from encours.settings import Settings
from encours.warehouse import ledger, publication

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("publication")]

NAME, AMOUNT, TOKEN = "Boulangerie Canari", "98765.43", "cAnArY42token"
INGEST = "ingest_odoo"
LYON = "encours_odoo__lyon"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def books(running_home: Settings, receiver: Receiver) -> Iterator[Settings]:
    """A home where run `first` is published, and the channel `hook` in English."""
    steps.empty(running_home)
    steps.publish_made_up(running_home, "first", 1)
    with steps.pipeline(running_home) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_entity_policies as"
            " select 'lyon'::text as entity_id, 45 as stale_after_days"
        )
    settings = dataclasses.replace(running_home, language="en")
    configure(settings, f"hook: json://{receiver.place}/{TOKEN}")
    yield settings
    (settings.home / "alerts.yml").unlink()


def configure(settings: Settings, *channels: str) -> None:
    path = settings.home / "alerts.yml"
    path.write_text("channels:\n" + "".join(f"  {channel}\n" for channel in channels))
    path.chmod(0o600)


def fail(settings: Settings, run_id: str, error: Exception | None = None) -> None:
    error = error or FatalError("odoo lyon: the key was refused")
    alerting.report_failure(
        settings, FailedTask(INGEST, "company.land_company", run_id, LYON, error)
    )


def hold(settings: Settings, run_id: str, *checks: str, found: Sequence[CheckResult] = ()) -> None:
    """A run that these checks hold, as the gate writes it down and its task reports it."""
    with steps.pipeline(settings) as connection:
        steps.make_candidate(connection, run_id, 2)
        connection.execute(
            "insert into ops.verdict (run_id, decision, reasons, decided_by)"
            " values (%s, 'hold', %s, 'gate')",
            [run_id, [f"dim_customer: {check}: failed: {AMOUNT}: {NAME}" for check in checks]],
        )
        ledger.write_check_results(
            connection,
            run_id,
            [
                CheckResult(
                    table_name="dim_customer",
                    check_name=check,
                    severity="critical",
                    state="failed",
                    observed_value=AMOUNT,
                    details=f"{AMOUNT}: {NAME}",
                    sample_keys=(NAME,),
                    why="A rule.",
                    sample_columns=("customer_id",),
                    row_count=1,
                )
                for check in checks
            ]
            + list(found),
        )
    alerting.report_failure(
        settings,
        FailedTask("build_receivables", "publish_marts", run_id, error=QualityHold("held")),
    )


def subjects(receiver: Receiver) -> list[str]:
    return [content["title"].replace("\u00a0", " ") for content in receiver.contents]


# --- incidents ---------------------------------------------------------------------------------


def test_source_that_fails_five_nights_is_one_incident_with_a_count(
    books: Settings, receiver: Receiver
) -> None:
    for night in range(5):
        fail(books, f"night-{night}")

    assert subjects(receiver) == ["[Encours] Failure: reading of odoo (lyon)"]
    assert steps.rows(books, "select seen_count, run_id from ops.incident") == [(5, "night-4")]


def test_step_that_reports_twice_counts_once(books: Settings) -> None:
    fail(books, "night-1")
    fail(books, "night-1")

    assert steps.rows(books, "select seen_count from ops.incident") == [(1,)]


def test_recovery_is_announced_once(books: Settings, receiver: Receiver) -> None:
    fail(books, "night-1")
    fail(books, "night-2")

    alerting.report_success(books, INGEST, LYON)
    alerting.report_success(books, INGEST, LYON)

    assert subjects(receiver) == [
        "[Encours] Failure: reading of odoo (lyon)",
        "[Encours] Working again: reading of odoo (lyon)",
    ]
    assert "2 times" in receiver.contents[1]["message"].replace("\u00a0", " ")


def test_success_of_another_company_recovers_nothing(books: Settings) -> None:
    fail(books, "night-1")

    alerting.report_success(books, INGEST, "encours_odoo__paris")

    assert steps.rows(books, "select closed_at is null from ops.incident") == [(True,)]


def test_hold_by_the_same_checks_is_the_same_incident(books: Settings, receiver: Receiver) -> None:
    hold(books, "night-1", "rule_a", "rule_b")
    hold(books, "night-2", "rule_b")

    assert subjects(receiver) == ["[Encours] Publication held, 2 checks"]


def test_hold_by_another_check_is_told_again(books: Settings, receiver: Receiver) -> None:
    hold(books, "night-1", "rule_a")
    hold(books, "night-2", "rule_a", "rule_c")

    assert subjects(receiver) == [
        "[Encours] Publication held, 1 check",
        "[Encours] Publication held, 2 checks",
    ]


def test_hold_tells_both_numbers_and_the_entity(books: Settings, receiver: Receiver) -> None:
    jumped = CheckResult(
        table_name="int_drift",
        check_name="outstanding_did_not_jump",
        severity="critical",
        state="failed",
        observed_value="300.00 after 1000.00, change 2.333, limit 2 and 1 more",
        details="",
        sample_keys=("lyon|all", "paris|all"),
        why="What is owed jumped.",
        sample_columns=("entity_id", "item"),
        row_count=2,
        figure="300.00",
        at_least="333.3333",
    )

    hold(books, "night-1", "rule_a", found=[jumped])

    told = receiver.contents[0]["message"].replace("\u00a0", " ")
    assert "- int_drift / outstanding_did_not_jump (Entity: lyon, paris)\n" in told
    assert "observed: 300.00 · expected: 333.3333 at least · and 1 more\n" in told
    assert "- dim_customer / rule_a\n  observed: 1 row · expected: 0 rows\n" in told


def test_release_ends_the_hold_and_says_so_once(books: Settings, receiver: Receiver) -> None:
    hold(books, "night-1", "rule_a")

    control.release(books, "night-1", released_by="controller", reason="known in accounting")

    assert subjects(receiver)[1:] == ["[Encours] Publication up to date again"]
    assert steps.rows(books, "select closed_at is null from ops.incident") == [(False,)]


def test_marts_that_are_late_are_told_until_they_are_published(
    books: Settings, receiver: Receiver
) -> None:
    deadline = datetime(2036, 3, 31, 7, tzinfo=ZoneInfo("Europe/Paris"))
    alerting.report_late(books, deadline)
    alerting.report_late(books, deadline)

    alerting.report_publication(books)

    assert subjects(receiver) == [
        "[Encours] Data late, 1 source",
        "[Encours] Data up to date again",
    ]
    assert "before 2036-03-31, 07:00 (Europe/Paris)" in receiver.contents[0]["message"]


def test_rollback_ends_nothing(books: Settings, receiver: Receiver) -> None:
    with steps.pipeline(books) as connection:
        steps.make_candidate(connection, "second", 2)
        steps.write_verdict(connection, "second", "publish")
        publication.publish_candidate(connection, "second", published_by="test")
    hold(books, "night-2", "no_customer_vanished")
    alerting.report_late(books, datetime(2036, 3, 31, 7, tzinfo=ZoneInfo("Europe/Paris")))
    told = len(receiver.posts)

    control.roll_back(books, rolled_back_by="controller", reason="wrong rates", announce=nobody)

    assert steps.rows(books, "select count(*) from ops.incident where closed_at is null") == [(2,)]
    assert len(receiver.posts) == told


def nobody(published: publication.Publication) -> None:
    """Nobody waits for the marts of this home."""


def test_marts_that_were_published_on_the_day_are_not_late(
    books: Settings, receiver: Receiver
) -> None:
    alerting.report_late(books, datetime.now(UTC))

    assert receiver.posts == []


def raise_alerts(settings: Settings, *rows: str) -> None:
    """`mart_alerts` of what is published holds these rows."""
    with steps.pipeline(settings) as connection:
        connection.execute("drop table if exists marts.mart_alerts, marts.dim_customer")
        connection.execute(
            "create table marts.mart_alerts (alert_id text, alert_type text, entity_id text,"
            " customer_id text, observed_value numeric(20, 6), limit_value numeric(20, 6),"
            " unit text, since_date date)"
        )
        connection.execute(
            "create table marts.dim_customer as select id as customer_id, %s || id as"
            " customer_name from (values ('c1'), ('c2')) as ids (id)",
            [f"{NAME} "],
        )
        for row in rows:
            connection.execute(
                "insert into marts.mart_alerts values (%s, %s, 'lyon', %s, %s, %s, %s, %s)",
                [value or None for value in row.split(",")],
            )


DRIFT = "dso_drift:lyon,dso_drift,,62.5,57.12,days,2024-11-30"
FIRST = "concentration:lyon:c1,concentration,c1,0.42,0.25,ratio,2024-12-31"
SECOND = "concentration:lyon:c2,concentration,c2,0.31,0.25,ratio,2024-12-31"


def test_business_alert_is_told_once_while_it_stands(books: Settings, receiver: Receiver) -> None:
    raise_alerts(books, DRIFT, FIRST)
    alerting.report_publication(books)
    alerting.report_publication(books)
    raise_alerts(books, DRIFT, FIRST, SECOND)

    alerting.report_publication(books)

    assert subjects(receiver) == [
        "[Encours] Receivables alerts, 2 alerts",
        "[Encours] Receivables alerts, 1 alert",
    ]
    told = receiver.contents[0]["message"].replace("\u00a0", " ")
    assert "- DSO drift (Entity: lyon)" in told
    assert "observed: 62.5 days · expected: 57.12 days at most · since 2024-11-30" in told
    assert "- Concentration of the outstanding, 1 customer (Entity: lyon)" in told
    assert "observed: 42.0% · expected: 25.0% at most · since 2024-12-31" in told


def test_business_alert_that_wavers_about_its_limit_is_told_once(
    books: Settings, receiver: Receiver
) -> None:
    for rows in ((FIRST,), (), (FIRST,), ()):
        raise_alerts(books, *rows)
        alerting.report_publication(books)

    assert len(receiver.posts) == 1


def test_business_alert_names_customers_only_where_the_home_asks(
    books: Settings, receiver: Receiver
) -> None:
    raise_alerts(books, FIRST)
    alerting.report_publication(books)
    with (books.home / "alerts.yml").open("a") as file:
        file.write("with_customers: true\n")
    raise_alerts(books, FIRST, SECOND)

    alerting.report_publication(books)

    assert NAME not in str(receiver.contents[0])
    assert f"{NAME} c2" in receiver.contents[1]["message"]


def publish_as_stale(settings: Settings) -> None:
    with steps.pipeline(settings) as connection:
        connection.execute(
            "insert into marts.data_coverage (entity_id, source, stream, last_business_date,"
            " is_stale) values ('lyon', 'odoo', 'invoices', '2024-10-01', true)"
        )


def test_source_that_went_stale_is_told_with_both_numbers(
    books: Settings, receiver: Receiver
) -> None:
    publish_as_stale(books)

    alerting.report_publication(books)
    alerting.report_publication(books)

    assert subjects(receiver) == ["[Encours] Data late, 1 source"]
    text = receiver.contents[0]["message"].replace("\u00a0", " ")
    assert "odoo, last business date (Entity: lyon)" in text
    assert "observed: 91 days · expected: 45 days at most" in text


def test_source_that_is_stale_stays_so_where_a_crash_emptied_what_the_models_work_with(
    books: Settings, receiver: Receiver
) -> None:
    publish_as_stale(books)
    alerting.report_publication(books)
    with steps.pipeline(books) as connection:
        connection.execute("truncate intermediate.int_entity_policies")

    alerting.report_publication(books)

    assert subjects(receiver) == ["[Encours] Data late, 1 source"]


# --- what is told ------------------------------------------------------------------------------


def test_no_message_names_a_customer_or_an_amount_of_one(
    books: Settings, receiver: Receiver
) -> None:
    hold(books, "night-1", "rule_a")
    fail(books, "night-2", BadInput(f"'{NAME}' is no amount, nor is {AMOUNT}", where="x line 2"))
    alerting.report_success(books, INGEST, LYON)
    fail(books, "night-3", ValueError(f"{NAME} owes {AMOUNT}"))

    sent = json.dumps(receiver.contents, ensure_ascii=False)
    kept = str(steps.rows(books, "select content::text from ops.alert_message"))
    assert len(receiver.contents) == 4
    for text in (sent, kept):
        assert NAME not in text
        assert AMOUNT not in text
    assert "x line 2: '…' is no amount" in sent
    assert "ValueError" in sent


def test_message_links_to_the_page_of_the_run(books: Settings, receiver: Receiver) -> None:
    settings = dataclasses.replace(books, ui_url="https://airflow.example.com/")

    hold(settings, "night-1", "rule_a")

    link = "https://airflow.example.com/encours/gate?run=night-1"
    assert link in receiver.contents[0]["message"]


def test_mail_and_webhook_are_told_each_in_its_language(
    books: Settings, receiver: Receiver, mailbox: Mailbox
) -> None:
    configure(
        books,
        f"hook: json://{receiver.place}/{TOKEN}",
        f"finance: {{url: '{mailbox.url}', language: fr}}",
    )

    fail(books, "night-1")

    assert subjects(receiver) == ["[Encours] Failure: reading of odoo (lyon)"]
    subject = mailbox.mails[-1]["subject"].replace("\u00a0", " ")
    assert subject == "[Encours] Échec : lecture de la source odoo (lyon)"
    assert "odoo lyon: the key was refused" in mailbox.bodies("plain")[-1]


def test_channel_gets_the_kinds_that_it_wants_only(books: Settings, receiver: Receiver) -> None:
    configure(books, f"hook: {{url: 'json://{receiver.place}/{TOKEN}', kinds: [hold]}}")

    fail(books, "night-1")
    hold(books, "night-2", "rule_a")

    assert subjects(receiver) == ["[Encours] Publication held, 1 check"]


# --- channels that are broken ------------------------------------------------------------------


def test_broken_channel_fails_nothing_and_shows_in_the_status(
    books: Settings, receiver: Receiver
) -> None:
    down = f"127.0.0.1:{free_port()}"
    configure(books, f"hook: json://{receiver.place}/{TOKEN}", f"down: json://{down}/{TOKEN}")

    fail(books, "night-1")

    assert len(receiver.posts) == 1
    told = render_status(read_status(books))
    assert "down           BROKEN, 1 undelivered" in told
    assert "failure    since" in told
    assert TOKEN not in told
    assert TOKEN not in str(steps.rows(books, "select * from ops.alert_delivery"))


def test_channel_that_was_mended_gets_what_it_missed(books: Settings, receiver: Receiver) -> None:
    receiver.status = 503
    fail(books, "night-1")
    receiver.status = 200
    receiver.posts.clear()

    hold(books, "night-2", "rule_a")

    assert subjects(receiver) == [
        "[Encours] Failure: reading of odoo (lyon)",
        "[Encours] Publication held, 1 check",
    ]


def test_channel_that_stays_broken_is_tried_a_few_times_only(
    books: Settings, receiver: Receiver
) -> None:
    receiver.status = 503
    for night in range(8):
        fail(books, f"night-{night}")

    assert len(receiver.posts) == 5


def test_broken_configuration_fails_nothing_and_shows_in_the_status(books: Settings) -> None:
    path = books.home / "alerts.yml"
    path.write_text(f"channels: {{team: 'json://host/{TOKEN}")

    fail(books, "night-1")

    told = render_status(read_status(books))
    assert "alerts.yml     BROKEN, 1 undelivered" in told
    assert TOKEN not in told
    assert steps.rows(books, "select count(*) from ops.incident") == [(1,)]


def test_connection_of_airflow_is_a_channel(
    books: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(books)
    given = {"conn_type": "generic", "password": f"json://{receiver.place}/{TOKEN}"}
    monkeypatch.setenv("AIRFLOW_CONN_ENCOURS_ALERT_TEAM", json.dumps(given))

    assert alerting.send_test(books) == {"team": None}
    assert subjects(receiver) == ["[Encours] Test message"]


def test_test_message_says_which_channel_is_broken(books: Settings, receiver: Receiver) -> None:
    configure(books, f"hook: json://{receiver.place}/x", f"down: json://127.0.0.1:{free_port()}/x")

    outcomes = alerting.send_test(books)

    assert outcomes["hook"] is None
    assert outcomes["down"]


def test_warehouse_that_is_gone_fails_nothing(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, warehouse_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    )

    fail(settings, "night-1")
