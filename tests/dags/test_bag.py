"""Which DAGs there are, and that loading them does nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from encours.settings import project_root

pytestmark = pytest.mark.xdist_group("dags")

EXPECTED_DAGS = {
    "ingest_cegid_loop",
    "ingest_erpnext",
    "ingest_fec",
    "ingest_files",
    "ingest_dolibarr",
    "ingest_odoo",
    "ingest_pennylane",
    "ingest_quickbooks",
    "ingest_sage_100",
    "ingest_sage_accounting",
    "ingest_sage_intacct",
    "ingest_xero",
    "reconcile_sources",
    "build_receivables",
    "release_held",
    "maintain_warehouse",
    "watch_publication",
}
DAG_FILES = sorted((project_root() / "dags").glob("*.py"))


def test_bag_holds_exactly_the_expected_dags(bag: dict[str, Any]) -> None:
    assert set(bag["dags"]) == EXPECTED_DAGS


def test_no_dag_file_fails_to_load(bag: dict[str, Any]) -> None:
    assert bag["import_errors"] == {}


def test_loading_the_dags_opens_no_connection(bag: dict[str, Any]) -> None:
    assert bag["connections"] == []


def test_loading_the_dags_writes_nothing_to_the_home(bag: dict[str, Any]) -> None:
    assert bag["home_was_made"] is False


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_dag_file_waits_for_assets_and_reads_no_variable(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"ExternalTaskSensor|Variable\.get|BaseHook|get_connection", text)


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_dag_file_does_not_decide_by_the_clock_of_the_worker(path: Path) -> None:
    assert not re.search(r"\b(now|today|utcnow)\(", path.read_text())
