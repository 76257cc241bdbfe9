"""`encours up`: the inbox, the DAGs on their assets and the REST API, on real Airflow services.

The services are started once for the whole file and stopped by its last test.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gate_page_steps as gate_page
import psutil
import psycopg
import pytest
import requests
from cryptography.fernet import Fernet
from receivers import metrics_receiver, telemetry_receiver
from scheduled_home import ScheduledHome, new_home, running, wait_for

from canaries import files_with, found_in, secrets_of, table_texts
from encours.demo.books import DemoOptions, write_books
from encours.errors import BadInput, FatalError
from encours.orchestration import services
from encours.orchestration.airflow_home import USERS_VARIABLE, known_fernet_key
from encours.orchestration.doctor import examination
from encours.orchestration.doctor.findings import Finding, Installation, State
from encours.settings import Settings
from encours.sources.registry import API_SOURCES
from encours.warehouse import embedded
from encours.warehouse.connections import AIRFLOW, PIPELINE, READER, open_warehouse
from home_processes import processes_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("scheduler")]

LEDGER = "999000001FEC20260630.txt"
APPLICATION = {"login": "app", "password": "canary", "redirect_uri": "https://x.test/"}


@dataclass(frozen=True)
class Told:
    """What Airflow told a monitor: names of metrics, and path and body of what it posted."""

    metrics: set[str]
    posted: list[tuple[str, bytes]]
    variables: dict[str, str]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of lineage."""
        return [json.loads(body) for path, body in self.posted if path.startswith("/api")]

    @property
    def traces(self) -> bytes:
        return b"".join(body for path, body in self.posted if path == "/v1/traces")


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with metrics_receiver() as (port, metrics), telemetry_receiver() as (url, posted):
        variables = {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(port),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "http", "url": url}),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "encours",
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        }
        yield Told(metrics, posted, variables)


@pytest.fixture(scope="module")
def scheduled(told: Told) -> Iterator[ScheduledHome]:
    users = {USERS_VARIABLE: "admin:admin,controller:user,auditor:viewer"}
    with running(variables={**told.variables, **users}) as home:
        yield home


@pytest.fixture
def other_home() -> Iterator[Settings]:
    home = new_home()
    settings = Settings(home.home)
    try:
        yield settings
    finally:
        services.stop(settings)
        shutil.rmtree(home.home)


def made_books(folder: Path, books: str) -> Path:
    write_books(DemoOptions(invoices=60, months=6, seed=5, format=books), folder)
    return folder


# --- the first start ---------------------------------------------------------------------------


def test_no_dag_is_paused_or_broken_on_the_first_start(scheduled: ScheduledHome) -> None:
    wait_for(lambda: len(scheduled.get("dags")["dags"]) >= 5, "the DAGs to be read")

    dags = scheduled.get("dags")["dags"]

    assert {"ingest_fec", "ingest_files", "build_receivables", "release_held"} <= {
        dag["dag_id"] for dag in dags
    }
    assert [dag["dag_id"] for dag in dags if dag["is_paused"] or dag["has_import_errors"]] == []


def test_api_refuses_who_has_no_token(scheduled: ScheduledHome) -> None:
    stranger = ScheduledHome(scheduled.home, {}, "", scheduled.url, "guessed")

    with pytest.raises(Exception, match="401"):
        stranger.get("dags")


# --- the inbox ---------------------------------------------------------------------------------


def test_dropped_ledger_is_ingested_published_and_put_away(
    scheduled: ScheduledHome, tmp_path: Path
) -> None:
    ingests, builds = len(scheduled.runs("ingest_fec")), len(scheduled.runs("build_receivables"))

    dropped = scheduled.drop(made_books(tmp_path, "fec") / LEDGER)

    ingest = scheduled.finished_run("ingest_fec", ingests)
    build = scheduled.finished_run("build_receivables", builds)
    assert (ingest["state"], ingest["run_type"]) == ("success", "asset_triggered")
    assert (build["state"], build["run_type"]) == ("success", "asset_triggered")
    assert [name for (name,) in scheduled.rows(b"select entity_id from marts.dim_entity")] == [
        "999000001"
    ]
    done = [path.name for path in scheduled.home.glob("inbox/done/*/*")]
    assert done == [LEDGER]
    assert not dropped.exists()
    events = scheduled.get("assets/events", source_dag_id="ingest_fec")["asset_events"]
    ((extracted_by,),) = scheduled.rows(b"select distinct run_id from ops.extraction")
    assert [event["extra"]["run_id"] for event in events] == [extracted_by]


def test_dbt_does_not_outlive_its_task(scheduled: ScheduledHome) -> None:
    wait_for(
        lambda: all(run["state"] != "running" for run in scheduled.runs("build_receivables")),
        "the builds to end",
    )

    wait_for(
        lambda: not any("dbt" in line for line in processes_of(scheduled.home).values()),
        "the dbt processes to end",
    )


def test_unusable_file_is_put_aside_with_the_reason_and_nothing_is_published(
    scheduled: ScheduledHome, tmp_path: Path
) -> None:
    ingests, builds = len(scheduled.runs("ingest_fec")), len(scheduled.runs("build_receivables"))
    published = scheduled.rows(b"select to_regclass('marts.publication_info')")
    bad = tmp_path / "999000001FEC20241231.txt"
    bad.write_text("this is no ledger\n")

    scheduled.drop(bad)

    assert scheduled.finished_run("ingest_fec", ingests)["state"] == "failed"
    (refused,) = scheduled.home.glob(f"inbox/refused/*/{bad.name}")
    assert bad.name in refused.with_name("REASON.txt").read_text()
    assert len(scheduled.runs("build_receivables")) == builds
    assert scheduled.rows(b"select to_regclass('marts.publication_info')") == published
    # By the callback of the task: it may still be at work when the run has ended.
    open_ones = b"select cause from ops.incident where kind = 'failure' and closed_at is null"
    assert wait_for(lambda: scheduled.rows(open_ones), "an incident") == [("ingest_fec",)]


# --- what is told to a monitor -----------------------------------------------------------------


def steps_of(home: Path, run_id: str) -> list[str]:
    """The one grep of the README."""
    folders = [str(home / "airflow" / "logs"), str(home / "runs")]
    found = subprocess.run(
        ["grep", "-rhoE", f'encours.step run_id={run_id} [^"]*', *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    return sorted({line.split(" step=")[1].split()[0] for line in found.stdout.splitlines()})


def test_one_grep_finds_every_step_of_a_run(scheduled: ScheduledHome) -> None:
    ((run_id,),) = scheduled.rows(b"select run_id from marts.publication_info")

    assert steps_of(scheduled.home, run_id) == [
        *("audit_candidate", "build_canonical", "build_core", "build_marts"),
        *("decide_publication", "open_build", "publish_marts"),
    ]


def test_metrics_reach_the_statsd_that_is_configured(scheduled: ScheduledHome, told: Told) -> None:
    wait_for(lambda: "airflow.scheduler_heartbeat" in told.metrics, "a heartbeat")

    assert "airflow.dagrun.duration.success.build_receivables" in told.metrics


def test_traces_reach_the_collector_that_is_configured(
    scheduled: ScheduledHome, told: Told
) -> None:
    wait_for(lambda: b"build_receivables" in told.traces, "the spans of a build")

    secrets = secrets_of(Settings(scheduled.home))
    assert found_in(told.traces.decode(errors="replace"), secrets.values()) == []


def test_lineage_leads_from_what_was_loaded_to_what_bi_reads(
    scheduled: ScheduledHome, told: Told
) -> None:
    def completed() -> list[dict[str, Any]]:
        return [
            event
            for event in told.events
            if event["eventType"] == "COMPLETE"
            and event["job"]["name"] == "build_receivables.publish_marts"
        ]

    event = wait_for(completed, "the publication's event")[0]

    assert event["job"]["namespace"] == "encours"
    assert "encours.raw_fec.ledger_files" in {dataset["name"] for dataset in event["inputs"]}
    assert "encours.marts.mart_aged_balance" in {dataset["name"] for dataset in event["outputs"]}
    assert {dataset["namespace"].split(":")[0] for dataset in event["outputs"]} == {"postgres"}
    secrets = {path.read_text().strip() for path in (scheduled.home / "secrets").iterdir()}
    assert not [word for word in secrets if len(word) > 8 and word in json.dumps(told.events)]


# --- a hold and its release --------------------------------------------------------------------


def test_dropped_folder_that_is_held_is_published_by_the_release_dag(
    scheduled: ScheduledHome, tmp_path: Path
) -> None:
    builds, releases = len(scheduled.runs("build_receivables")), len(scheduled.runs("release_held"))
    folder = made_books(tmp_path / "books", "csv")
    with (folder / "allocations.csv").open("a") as table:
        table.write("fr,A-none,payment,P-none,D-none,,1.00,\n")

    scheduled.drop(folder)

    assert scheduled.finished_run("build_receivables", builds)["state"] == "failed"
    held = scheduled.rows(b"select run_id, status from ops.run order by started_at desc limit 1")
    assert held[0][1] == "held"
    # Who signed in decides, whatever name the request gives.
    conf = {"run_id": held[0][0], "reason": "known in accounting", "released_by": "somebody else"}
    scheduled.post("dags/release_held/dagRuns", {"logical_date": None, "conf": conf})
    assert scheduled.finished_run("release_held", releases)["state"] == "success"
    assert scheduled.rows(b"select run_id from marts.publication_info") == [(held[0][0],)]
    assert scheduled.rows(
        b"select action, published_by, reason from ops.publication"
        b" order by publication_row desc limit 1"
    ) == [("release", "admin", "known in accounting")]
    holds = scheduled.rows(
        b"select run_id, closed_at is null from ops.incident where kind = 'hold'"
    )
    assert holds == [(held[0][0], False)]


def test_each_accounting_system_has_a_pool_with_one_slot(scheduled: ScheduledHome) -> None:
    pools = {pool["name"]: pool["slots"] for pool in scheduled.get("pools", limit=100)["pools"]}

    assert {f"read_{key}": 1 for key in API_SOURCES}.items() <= pools.items()


# --- maintenance -------------------------------------------------------------------------------


def test_maintenance_cleans_both_databases_and_leaves_what_is_published(
    scheduled: ScheduledHome,
) -> None:
    published = scheduled.rows(b"select publication_id, run_id from ops.publication")
    runs = len(scheduled.runs("maintain_warehouse"))

    scheduled.post("dags/maintain_warehouse/dagRuns", {"logical_date": None})

    assert scheduled.finished_run("maintain_warehouse", runs)["state"] == "success"
    assert scheduled.rows(b"select publication_id, run_id from ops.publication") == published
    assert "Traceback" not in (scheduled.home / "logs" / "airflow-clean.log").read_text()


# --- the doctor --------------------------------------------------------------------------------


def doctor_finds(scheduled: ScheduledHome, **others: Any) -> dict[str, Finding]:
    return examination.examine(Installation(Settings(scheduled.home), **others))


@contextmanager
def in_metadata(scheduled: ScheduledHome, made: str, unmade: str) -> Iterator[None]:
    """A fault in Airflow's own database, for a while."""
    url = open_warehouse(Settings(scheduled.home)).metadata_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(made)  # type: ignore[arg-type]
        try:
            yield
        finally:
            connection.execute(unmade)  # type: ignore[arg-type]


@contextmanager
def stored_connection(
    scheduled: ScheduledHome, name: str, fields: dict[str, str], key: str
) -> Iterator[None]:
    """A connection of that login and password, whose other fields are encrypted with the key."""
    login, password = fields.get("login", ""), fields.get("password", "")
    text = Fernet(key).encrypt(json.dumps(fields).encode()).decode()
    made = (
        "insert into connection (conn_id, conn_type, login, password, is_encrypted,"
        " is_extra_encrypted, extra)"
        f" values ('{name}', 'http', '{login}', '{password}', false, true, '{text}')"
    )
    with in_metadata(scheduled, made, f"delete from connection where conn_id = '{name}'"):
        yield


def key_of(scheduled: ScheduledHome) -> str:
    key = known_fernet_key(Settings(scheduled.home), {})
    assert key
    return key


def test_doctor_finds_no_fault_in_services_that_run(scheduled: ScheduledHome) -> None:
    findings = doctor_finds(scheduled)

    assert {name: f.says for name, f in findings.items() if f.state == State.FAIL} == {}
    assert {findings[name].state for name in ("services", "heartbeat", "DAG imports")} == {State.OK}


def test_doctor_sees_a_scheduler_that_gives_no_sign_of_life(scheduled: ScheduledHome) -> None:
    found = doctor_finds(scheduled, now=datetime.now(UTC) + timedelta(minutes=10))

    assert found["heartbeat"].state == State.FAIL
    assert "scheduler since" in found["heartbeat"].says


def test_doctor_sees_a_dag_that_airflow_could_not_load(scheduled: ScheduledHome) -> None:
    with in_metadata(
        scheduled,
        "insert into import_error (timestamp, filename, bundle_name, stacktrace)"
        " values (now(), 'gone.py', 'dags-folder', E'Traceback\nImportError: no module x')",
        "delete from import_error where filename = 'gone.py'",
    ):
        found = doctor_finds(scheduled)["DAG imports"]

    assert found.state == State.FAIL
    assert "gone.py: ImportError: no module x" in found.says


def test_doctor_sees_a_dag_that_must_not_be_paused(scheduled: ScheduledHome) -> None:
    with in_metadata(
        scheduled,
        "update dag set is_paused = true where dag_id = 'build_receivables'",
        "update dag set is_paused = false where dag_id = 'build_receivables'",
    ):
        found = doctor_finds(scheduled)["paused DAGs"]

    assert found.state == State.FAIL
    assert "build_receivables" in found.says


def test_doctor_sees_connections_that_nobody_can_decrypt(scheduled: ScheduledHome) -> None:
    other_key = Fernet.generate_key().decode()
    with stored_connection(scheduled, "encours_odoo", {"database": "canary"}, other_key):
        found = doctor_finds(scheduled)["connection key"]

    assert found.state == State.FAIL
    assert "encours_odoo" in found.says


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs the client id (login)"),
        (APPLICATION, "was never authorised"),
        (
            {**APPLICATION, "refresh_token": "canary", "expires_at": "2020-01-01T00:00:00+00:00"},
            "have not been renewed for",
        ),
    ],
)
def test_doctor_sees_a_connection_that_cannot_be_read(
    scheduled: ScheduledHome, fields: dict[str, str], words: str
) -> None:
    with stored_connection(scheduled, "encours_xero__lyon", fields, key_of(scheduled)):
        findings = doctor_finds(scheduled)

    assert findings["connections"].state == State.FAIL
    assert words in findings["connections"].says
    assert "encours connect xero --entity lyon" in findings["connections"].mend
    assert "canary" not in examination.render(findings)


# --- the gate page -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def held(scheduled: ScheduledHome) -> ScheduledHome:
    gate_page.hold_what_is_published(scheduled)
    return scheduled


def test_stranger_is_led_from_the_gate_page_to_the_sign_in(held: ScheduledHome) -> None:
    answer = requests.get(f"{held.url}/encours/gate", allow_redirects=False, timeout=60)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/api/v2/auth/login?next=%2Fencours%2Fgate"
    assert gate_page.HELD_RUN not in answer.text


def test_who_may_only_look_sees_what_is_held_and_decides_nothing(held: ScheduledHome) -> None:
    looks, decides = held.signed_in("auditor"), held.signed_in("controller")
    release = {"action": "release", "run": gate_page.HELD_RUN, "reason": "looks right"}
    rollback = {"action": "rollback", "reason": "looks wrong"}
    before = held.rows(b"select publication_id, run_id, action from ops.publication")

    def post(path: str, form: dict[str, str], headers: dict[str, str]) -> requests.Response:
        return requests.post(f"{held.url}{path}", data=form, headers=headers, timeout=60)

    page = requests.get(f"{held.url}/encours/gate", headers=looks, timeout=60)
    shown = post("/encours/gate/confirm", release, decides)
    token = re.search(r'name="token" value="([^"]+)"', shown.text)
    assert token, shown.text
    conf = {"run_id": gate_page.HELD_RUN, "reason": "looks right"}
    refused = [
        post("/encours/gate/confirm", release, looks),
        post("/encours/gate/confirm", rollback, looks),
        post("/encours/gate/decide", {**release, "token": token[1]}, looks),
        requests.post(
            f"{held.url}/api/v2/dags/release_held/dagRuns",
            json={"logical_date": None, "conf": conf},
            headers=looks,
            timeout=60,
        ),
    ]

    assert page.status_code == 200
    assert gate_page.HELD_RUN in page.text
    assert "<form" not in page.text
    assert [answer.status_code for answer in refused] == [403] * 4
    assert "release_held" in refused[0].text
    assert held.rows(b"select publication_id, run_id, action from ops.publication") == before


def test_task_that_publishes_links_to_its_run_on_the_gate_page(held: ScheduledHome) -> None:
    last = held.runs("build_receivables")[-1]["dag_run_id"]

    path = f"dags/build_receivables/dagRuns/{last}/taskInstances"
    links = held.get(f"{path}/publish_marts/links")["extra_links"]
    others = held.get(f"{path}/build_core/links")["extra_links"]

    ((run_id,),) = held.rows(
        b"select run_id from ops.run where run_id not like '20260701%'"
        b" order by started_at desc limit 1"
    )
    assert links["Encours"] == f"/plugin/encours-gate/encours/gate?run={run_id}"
    assert others["Encours"] is None


def test_held_run_is_released_on_the_gate_page_by_keyboard_and_on_a_phone(
    held: ScheduledHome,
) -> None:
    with gate_page.browser() as browser:
        page = browser.new_page(viewport=gate_page.PHONE)
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text))

        gate_page.sign_in(page, held, f"/encours/gate?run={gate_page.HELD_RUN}")
        shown = page.inner_text("main")
        assert not gate_page.has_to_scroll_sideways(page)
        gate_page.keep_picture(page, "phone")
        assert "La somme des postes ouverts diffère" in shown
        assert "écart de 12\u202f345,67" in shown
        assert gate_page.HOSTILE in shown
        assert "as_of_date|entity_id|open_item_id" in shown

        gate_page.walk_to(page, "#why-release")
        page.keyboard.type("verified with the auditor")
        gate_page.walk_to(page, "button[type=submit]")
        page.keyboard.press("Enter")
        page.wait_for_url("**/gate/confirm")
        assert not gate_page.has_to_scroll_sideways(page)
        gate_page.keep_picture(page, "confirmation")
        gate_page.walk_to(page, "button[type=submit]")
        page.keyboard.press("Enter")
        page.wait_for_url("**/gate?done=release")
        assert "Rien n’est retenu" in page.inner_text("main")
        gate_page.keep_picture(page, "released")

        page.set_viewport_size({"width": 1200, "height": 800})
        page.goto(f"{held.url}/")
        page.click('a[href$="plugin/encours-gate"]')
        inside = page.frame_locator("iframe")
        inside.locator("h1").wait_for()
        assert inside.locator("h1").inner_text() == "Rien n’est retenu"
        gate_page.keep_picture(page, "in-airflow")
        assert [line for line in complaints if "Content Security Policy" in line] == []
    assert held.rows(
        b"select action, run_id, published_by, reason from ops.publication"
        b" order by publication_row desc limit 1"
    ) == [("release", gate_page.HELD_RUN, "admin", "verified with the auditor")]
    ((publication_id,),) = held.rows(b"select publication_id from marts.publication_info")
    events = held.get("assets/events", order_by="-timestamp", limit=1)["asset_events"]
    assert [event["extra"]["publication_id"] for event in events] == [publication_id]


# --- decided by command ------------------------------------------------------------------------


def test_what_a_command_publishes_is_an_event_for_those_who_wait_for_marts(
    scheduled: ScheduledHome,
) -> None:
    done = scheduled.command("rollback", "--reason", "wrong rates")

    assert done.returncode == 0, done.stderr
    (event,) = scheduled.get("assets/events", order_by="-timestamp", limit=1)["asset_events"]
    ((publication_id, as_of_date),) = scheduled.rows(
        b"select publication_id, as_of_date::text from marts.publication_info"
    )
    assert (event["name"], event["source_dag_id"]) == ("marts/receivables", None)
    assert event["extra"] == {"as_of_date": as_of_date, "publication_id": publication_id}


# --- what nobody is told -----------------------------------------------------------------------


def test_secrets_that_a_home_makes_up_stay_in_their_folder(scheduled: ScheduledHome) -> None:
    """Of the embedded server, of Airflow and of the users of its UI, after all of the above."""
    settings = Settings(scheduled.home)
    secrets, warehouse = secrets_of(settings), open_warehouse(settings)
    told = dict(table_texts(warehouse.metadata_url)) | dict(table_texts(warehouse.pipeline_url))
    files = {
        name: found
        for folder in ("airflow", "inbox", "landing", "logs", "runs")
        for name, found in files_with(scheduled.home / folder, secrets.values()).items()
    }

    roles = {f"embedded.{role}" for role in ("superuser", PIPELINE, READER, AIRFLOW)}
    assert roles | {"airflow_fernet", "airflow_jwt", "airflow_api", "fernet key"} <= set(secrets)
    assert {"password of admin", "password of auditor"} <= set(secrets)
    assert min(map(len, secrets.values())) >= 16
    assert told["public.log"]
    assert told["public.serialized_dag"]
    assert {
        table: found for table, text in told.items() if (found := found_in(text, secrets.values()))
    } == {}
    assert files == {}


# --- up and stop -------------------------------------------------------------------------------


def test_second_up_changes_nothing(scheduled: ScheduledHome) -> None:
    record = scheduled.home / "airflow" / "services.json"
    before = record.read_text()

    again = scheduled.command("up")

    assert again.returncode == 0
    assert scheduled.url in again.stdout
    assert record.read_text() == before


def test_up_replaces_a_killed_service_and_what_it_left(scheduled: ScheduledHome) -> None:
    before = recorded(scheduled)
    triggerer = psutil.Process(before["triggerer"])
    forked = triggerer.children()
    kill_service(before["triggerer"])

    again = scheduled.command("up")

    assert again.returncode == 0, again.stderr
    after = recorded(scheduled)
    assert {name for name in after if after[name] != before[name]} == {"triggerer"}
    assert forked
    assert [child for child in forked if child.pid in processes_of(scheduled.home)] == []


def test_up_replaces_a_service_that_dies_while_another_starts(scheduled: ScheduledHome) -> None:
    before = recorded(scheduled)
    api_server = psutil.Process(before["api-server"])
    kill_service(before["triggerer"])
    # `up` waits for its answer.
    api_server.suspend()
    try:
        again = scheduled.begin("up")
        assert again.stderr is not None
        while "triggerer" not in again.stderr.readline():
            assert again.poll() is None
        kill_service(before["dag-processor"])
    finally:
        api_server.resume()
    _, errors = again.communicate()

    assert again.returncode == 0, errors
    after = recorded(scheduled)
    replaced = {name for name in after if after[name] != before[name]}
    assert replaced == {"triggerer", "dag-processor"}
    assert services.alive_services(Settings(scheduled.home)) == dict.fromkeys(after, True)


def kill_service(pid: int) -> None:
    service = psutil.Process(pid)
    service.kill()
    psutil.wait_procs([service], timeout=10)


def test_port_of_another_program_is_refused_in_one_line(
    scheduled: ScheduledHome, other_home: Settings
) -> None:
    port = int(scheduled.url.rpartition(":")[2])

    with pytest.raises(BadInput, match=rf"^port {port} is taken \(choose another"):
        services.start(other_home, port, progress=lambda line: None)


def test_service_that_ends_while_starting_is_named_and_the_others_are_stopped(
    other_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "prepare_airflow", lambda *_: None)
    monkeypatch.setitem(services.SERVICES, "triggerer", ("no-such-service",))

    with pytest.raises(FatalError, match=r"^Airflow \S+ stopped: see \S+\.log$"):
        services.start(other_home, 0, progress=lambda line: None)

    assert [line for line in processes_of(other_home.home).values() if "airflow" in line] == []


def test_stop_leaves_no_process_of_the_home(scheduled: ScheduledHome) -> None:
    assert processes_of(scheduled.home)

    stopped = scheduled.command("stop")

    assert stopped.returncode == 0
    assert set(services.SERVICES) | {"postgresql"} <= set(
        stopped.stdout.removeprefix("stopped: ").strip().split(", ")
    )
    assert processes_of(scheduled.home) == {}


def recorded(scheduled: ScheduledHome) -> dict[str, int]:
    record = json.loads((scheduled.home / "airflow" / "services.json").read_text())
    return {service["name"]: service["pid"] for service in record["services"]}


# --- what is not ours --------------------------------------------------------------------------


@pytest.mark.parametrize("leads_a_session", [True, False])
def test_stale_record_with_a_number_given_to_another_program_kills_nobody(
    tmp_path: Path, leads_a_session: bool
) -> None:
    settings = Settings(tmp_path)
    settings.airflow_home.mkdir()
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=leads_a_session)
    try:
        entry = {"name": "scheduler", "pid": bystander.pid, "started": "another boot 1"}
        (settings.airflow_home / "services.json").write_text(
            json.dumps({"port": 1, "services": [entry]})
        )

        assert services.stop(settings) == []

        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert not embedded.is_running(settings)
