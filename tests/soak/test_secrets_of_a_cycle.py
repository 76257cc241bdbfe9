"""No secret leaves its place while the scheduler works: not into Airflow's metadata database
(rendered templates, XCom, audit log, serialised DAGs, notes), a log, the landing zone or the
warehouse; Airflow's own table of connections holds none in plain text.

Every credential is a canary: of connections that were stored by the command, by Airflow's API and
by an authorisation, of the warehouse, its reader and the channels of alerts. Two systems are read,
one renews its tokens, one refuses its key; what they told is built and judged.

make soak
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from plain_books import write_plain_books
from scheduled_home import ScheduledHome, new_home, wait_for

from canaries import (
    company_server,
    files_with,
    found_in,
    secrets_of,
    table_texts,
    tables_with,
)
from encours.sandbox import token_office
from encours.sandbox.books import read_world
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.warehouse import embedded

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

CANARIES = {
    name: f"canary-{name}-7Qx4Zk9Vp"
    for name in ("warehouse", "reader", "pennylane", "odoo", "refused", "app", "smtp", "webhook")
}
# Of the authorised application, whose first access token dies at once.
TOKENS = tuple(f"sage_accounting-{kind}-{n}" for kind in ("access", "refresh") for n in (1, 2))
WORDS = (*CANARIES.values(), *TOKENS)
STATES = {"pennylane": "success", "odoo": "success", "sage_accounting": "success"}
STORE = """
import sys
from pathlib import Path
from encours.clients.api import Access
from encours.clients.oauth import Tokens
from encours.orchestration import accesses
from encours.settings import load_settings

home, url, login, secret, access_token, refresh_token = sys.argv[1:]
accesses.store_access(
    load_settings(home),
    Access("encours_sage_accounting", "sage", url, login, secret,
        {"redirect_uri": "https://x.test/"}),
    Tokens(access_token, refresh_token),
)
"""
ALERTS = """
channels:
  mail: mailto://me:{smtp}@127.0.0.1:1/?to=you@example.com&from=me@example.com
  hook: json://user:{webhook}@127.0.0.1:1/encours
"""


@dataclass(frozen=True)
class Cycle:
    """What is left of a scheduled cycle: the folder, and the databases' URLs."""

    home: Path
    server_log: Path
    warehouse: str
    metadata: str
    states: dict[str, str]
    # The canaries, and what the home made up for Airflow and its users.
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def cycle() -> Iterator[Cycle]:
    with tempfile.TemporaryDirectory(prefix="encours-cycle-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_plain_books(40, date(2026, 6, 30), folder / "demo", folder / "plain")
        company = Settings(folder / "company")
        home = new_home()
        patch = pytest.MonkeyPatch()
        # The secret of the application that the stand-in knows.
        patch.setattr(token_office, "DEMO_TOKEN", CANARIES["app"])
        try:
            url = company_server(company, CANARIES["warehouse"])
            home.variables.update(ENCOURS_WAREHOUSE=url, ENCOURS_READER_PASSWORD=CANARIES["reader"])
            with Sandbox(read_world(folder / "plain"), limits=False) as sandbox:
                home.start()
                connect_systems(home, sandbox, folder)
                states = {source: read(home, source) for source in (*STATES, "dolibarr")}
                wait_for(lambda: is_at_rest(home), "the builds to end")
            home.command("stop")
            yield Cycle(
                home.home,
                company.logs_dir / "postgres.log",
                url,
                url.replace("/books", "/books_airflow"),
                states,
                (*WORDS, *secrets_of(Settings(home.home)).values()),
            )
        finally:
            patch.undo()
            home.command("stop")
            shutil.rmtree(home.home)
            embedded.stop(company)


def connect_systems(home: ScheduledHome, sandbox: Sandbox, folder: Path) -> None:
    (home.home / "alerts.yml").write_text(ALERTS.format(**CANARIES))
    (home.home / "alerts.yml").chmod(0o600)
    home.give(home.home / "alerts.yml")

    for source in ("pennylane", "odoo"):
        sandbox.desk(source).allow(CANARIES[source])
    key = folder / "key"
    key.write_text(CANARIES["pennylane"])
    host = sandbox.connection("pennylane")["host"]
    done = home.command(
        *("connect", "pennylane", "--entity", "penny"),
        *("--host", host, "--secret-file", str(key)),
    )
    assert done.returncode == 0, done.stderr
    for source, secret in (("odoo", "odoo"), ("dolibarr", "refused")):
        fields = sandbox.connection(source)
        home.post("connections", stored(source, fields, CANARIES[secret]))

    fields = sandbox.connection("sage_accounting")
    desk = sandbox.desk("sage_accounting")
    grant = desk.issue()
    desk.allow(grant.access_token, uses=0)
    subprocess.run(
        [
            *(home.program, "-c", STORE, str(home.home)),
            *(fields["host"], fields["login"], CANARIES["app"]),
            *(grant.access_token, grant.refresh_token),
        ],
        env=home.environment,
        cwd="/",
        check=True,
        capture_output=True,
        **home.account,
    )


def stored(source: str, fields: dict[str, Any], secret: str) -> dict[str, Any]:
    """What Airflow's page of connections sends."""
    return {
        "connection_id": f"encours_{source}",
        "conn_type": "http",
        "host": fields["host"],
        "login": fields.get("login") or None,
        "password": secret,
        "extra": json.dumps({**fields["extra"], "entity_id": source}),
    }


def read(home: ScheduledHome, source: str) -> str:
    """Read the system now; how the run of its DAG ended."""
    dag_id = f"ingest_{source}"
    before = len(home.runs(dag_id))
    home.post(f"dags/{dag_id}/dagRuns", {"logical_date": None, "note": "asked for by hand"})
    return str(home.finished_run(dag_id, before)["state"])


def is_at_rest(home: ScheduledHome) -> bool:
    runs = home.runs("build_receivables")
    return bool(runs) and all(run["state"] in ("success", "failed") for run in runs)


def test_systems_are_read_and_one_refuses_its_key(cycle: Cycle) -> None:
    assert cycle.states == {**STATES, "dolibarr": "failed"}


def test_tables_of_airflow_hold_no_secret(cycle: Cycle) -> None:
    texts = dict(table_texts(cycle.metadata))

    # The scheduler wrote where a secret could stand, and the store holds what opens the systems.
    for table in ("xcom", "log", "serialized_dag", "rendered_task_instance_fields", "dag_run_note"):
        assert texts[f"public.{table}"], table
    assert texts["public.connection"].count("encours_") >= 4
    told = {table: found_in(text, cycle.words) for table, text in texts.items()}
    assert {table: found for table, found in told.items() if found} == {}


def test_warehouse_holds_no_secret(cycle: Cycle) -> None:
    assert tables_with(cycle.warehouse, cycle.words) == {}


def test_files_hold_no_secret_but_those_for_them(cycle: Cycle) -> None:
    found = files_with(cycle.home, cycle.words)
    landed = list(cycle.home.glob("landing/*/**/*.gz"))
    logs = list(cycle.home.glob("airflow/logs/**/*.log"))

    assert len(landed) > 3
    assert len(logs) > 10
    assert found.pop("alerts.yml") == [CANARIES["smtp"], CANARIES["webhook"]]
    assert {Path(name).parts[0] for name in found} == {"secrets"}
    assert set().union(*found.values()) & set(WORDS) == {CANARIES["reader"]}


def test_log_of_the_server_holds_no_secret(cycle: Cycle) -> None:
    assert found_in(cycle.server_log.read_text(), cycle.words) == []
