"""What a DAG is asked by its conf: whoever may trigger one writes into it what they like, and gets
neither SQL, nor a file, nor a connection by it that the DAG is not for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import warehouse_steps as steps

from encours.settings import Settings, project_root

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag_conf")]

# Each as the scheduler runs it: the tasks keep their retries, which tells them from `encours run`.
TRIGGER = """
import json, sys
from pathlib import Path
from encours.orchestration.airflow_home import prepare_run
from encours.settings import load_settings, project_root

settings = load_settings(sys.argv[1])
folder = settings.runs_dir / "triggered"
folder.mkdir(parents=True)
prepare_run(settings, folder)
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(dag_folder=str(project_root() / "dags"))
for number, (dag_id, conf) in enumerate(json.load(sys.stdin)):
    print(f"=== {number}", flush=True)
    try:
        state = str(bag.dags[dag_id].test(run_conf=conf).state)
    except Exception as error:
        state = f"refused {error}"
    print(f"=== {state}", flush=True)
"""
SQL = "x' || (select setting from pg_settings where name = 'data_directory') || '"
UPWARDS = "../../escaped"
LEDGER = "999000001FEC20241231.txt"


@dataclass(frozen=True)
class Asked:
    """A conf, and words of the one line that refuses it. `{home}` stands for the home."""

    dag_id: str
    conf: dict[str, Any]
    words: str


def inbox(*names: str, **others: Any) -> dict[str, Any]:
    return {"inputs": list(names), "from_inbox": True, **others}


REFUSED = [
    Asked("build_receivables", {"run_id": SQL}, "cannot name a run"),
    Asked("build_receivables", {"run_id": UPWARDS}, "'../../escaped' cannot name a run"),
    Asked("build_receivables", {"run_id": "{home}/../absolute"}, "cannot name a run"),
    Asked("build_receivables", {"run_id": ".."}, "'..' cannot name a run"),
    Asked("build_receivables", {"run_id": "run\n"}, r"'run\n' cannot name a run"),
    Asked("build_receivables", {"run_id": ["run"]}, "['run'] cannot name a run"),
    Asked("build_receivables", {"as_of_date": f"2026-01-31{SQL}"}, "is not a date"),
    Asked("build_receivables", {"as_of_date": 20260131}, "as_of_date 20260131 is not a date"),
    Asked("build_receivables", {"known_on": SQL}, "is not a timestamp"),
    Asked("build_receivables", {"is_full": "false"}, "is_full 'false' is neither true nor false"),
    Asked("release_held", {"run_id": UPWARDS, "reason": "looks right"}, "run_id"),
    Asked("ingest_fec", inbox(f"{{home}}/{LEDGER}"), f"{LEDGER}' is not in the inbox"),
    Asked("ingest_fec", inbox(f"{{home}}/inbox/../{LEDGER}"), "is not in the inbox"),
    Asked("ingest_fec", inbox("{home}/inbox/.."), "/inbox/..' is not in the inbox"),
    Asked("ingest_fec", {"inputs": [f"{{home}}/{LEDGER}"]}, f"{LEDGER}' is not in the inbox"),
    Asked("ingest_fec", inbox(f"{{home}}/inbox/{LEDGER}", run_id=UPWARDS), "cannot name a run"),
    Asked("ingest_fec", {"inputs": f"{{home}}/inbox/{LEDGER}"}, "is no list of texts"),
    Asked("ingest_files", inbox("{home}/secrets"), "secrets' is not in the inbox"),
    Asked("ingest_files", inbox("{home}/inbox/done"), "done' is not in the inbox"),
    Asked("ingest_odoo", {"run_id": UPWARDS}, "cannot name a run"),
    Asked("ingest_odoo", {"connections": ["encours_pennylane"]}, "'encours_pennylane' is no conn"),
    Asked("ingest_odoo", {"connections": "encours_odoo"}, "is no list of texts"),
]


@dataclass(frozen=True)
class Told:
    """How each run ended and what it wrote, in the order of REFUSED, and what was there before."""

    states: list[str]
    logs: list[str]
    before: set[str]
    after: set[str]


@pytest.fixture(scope="module")
def told(home: Settings) -> Iterator[Told]:
    steps.prepare(home)
    (home.inbox_dir / "done").mkdir(parents=True)
    for folder in (home.home, home.inbox_dir):
        (folder / LEDGER).write_text("a ledger\n")
    confs = json.dumps([[asked.dag_id, asked.conf] for asked in REFUSED])
    connection = {"conn_type": "http", "host": "http://127.0.0.1:1", "password": "canary"}
    before = below(home)
    process = subprocess.run(
        [sys.executable, "-c", TRIGGER, str(home.home)],
        input=confs.replace("{home}", str(home.home)),
        env={
            **os.environ,
            "ENCOURS_HOME": str(home.home),
            "AIRFLOW_CONN_ENCOURS_ODOO": json.dumps(connection),
            "AIRFLOW_CONN_ENCOURS_PENNYLANE": json.dumps(connection),
        },
        cwd=project_root(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    parts = process.stdout.split("=== ")[1:]
    assert len(parts) == 2 * len(REFUSED), process.stdout[-4000:]
    yield Told(
        states=[part.splitlines()[0] for part in parts[1::2]],
        logs=parts[::2],
        before=before,
        after=below(home),
    )
    (home.home / LEDGER).unlink()


def below(settings: Settings) -> set[str]:
    """What lies in the home and beside it, but what runs and the server write for themselves."""
    beside = (settings.home.parent / name for name in ("escaped", "absolute"))
    return {str(path) for path in beside if path.exists()} | {
        str(path)
        for path in settings.home.rglob("*")
        if path.relative_to(settings.home).parts[0] not in ("postgres", "airflow", "runs", "logs")
    }


@pytest.mark.parametrize("number", range(len(REFUSED)), ids=lambda number: str(number))
def test_conf_that_reaches_beyond_its_dag_is_refused_in_one_line(told: Told, number: int) -> None:
    asked = REFUSED[number]

    end = told.states[number]
    said = [line for line in (end, *told.logs[number].splitlines()) if asked.words in line]

    assert end == "failed" or end.startswith("refused"), told.logs[number][-3000:]
    assert said, told.logs[number][-3000:]


def test_refused_confs_leave_no_trace_in_the_warehouse(told: Told, home: Settings) -> None:
    assert steps.rows(home, "select run_id from ops.run") == []
    assert steps.rows(home, "select run_id from ops.extraction") == []


def test_refused_confs_move_and_make_no_file(told: Told, home: Settings) -> None:
    # Airflow's own key is made when it first runs in a home.
    made = {str(home.secrets_dir / "airflow_fernet")}
    assert told.after - made == told.before - made
    assert sorted(path.name for path in home.runs_dir.iterdir()) == ["triggered"]
