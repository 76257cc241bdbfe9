"""`encours run --fec` as a person runs it: published, repeated, held, released, refused.

One story in the order of the fixtures: each `encours run` costs many seconds, so every test looks
at what one stage of it left behind.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fec_samples as samples
import psycopg
import pytest
import warehouse_steps as steps

from encours.settings import Settings
from encours.warehouse.connections import open_warehouse
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("run_fec")]

JSON_KEYS = {
    "status",
    "run_id",
    "publication_id",
    "as_of_date",
    "known_on",
    "checks",
    "held_because",
    "seconds",
    "rows",
}


@dataclass(frozen=True)
class Stage:
    """How a run ended, and what was there afterwards."""

    ran: steps.Ran
    marts: dict[str, list[Any]]
    raw: dict[str, int]

    @property
    def result(self) -> dict[str, Any]:
        return self.ran.result


def run(settings: Settings, path: Path) -> Stage:
    ran = steps.encours(settings, "run", "--fec", path, "--json")
    return Stage(ran, published_marts(settings), steps.raw_counts(settings))


def published_marts(settings: Settings) -> dict[str, list[Any]]:
    return marts_content(open_warehouse(settings).pipeline_url)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledgers")


@pytest.fixture(scope="module")
def first(home: Settings, folder: Path) -> Stage:
    return run(home, samples.write_fec(folder))


@pytest.fixture(scope="module")
def second(first: Stage, home: Settings, folder: Path) -> Stage:
    return run(home, folder / samples.NAME)


@pytest.fixture(scope="module")
def held(second: Stage, home: Settings, folder: Path) -> Stage:
    """The year after, one line short of its counterpart."""
    lines = samples.sale(1, "20240115", "C001", 12000)[:2]
    return run(home, samples.write_fec(folder, lines, name="123456789FEC20241231.txt"))


@pytest.fixture(scope="module")
def refused(held: Stage, home: Settings, folder: Path) -> Stage:
    """A file that stops in its last line: only found when the lines are read."""
    path = samples.write_fec(folder, name="123456789FEC20221231.txt")
    path.write_bytes(path.read_bytes()[:-60])
    return run(home, path)


@pytest.fixture(scope="module")
def released(refused: Stage, held: Stage, home: Settings) -> Stage:
    run_id = held.result["run_id"]
    ran = steps.encours(home, "release", run_id, "--reason", "the accountant knows")
    return Stage(ran, published_marts(home), steps.raw_counts(home))


# --- the first run -----------------------------------------------------------------------------


def test_run_of_a_new_file_is_published(first: Stage) -> None:
    assert first.ran.exit_status == 0
    assert first.result["status"] == "published"
    assert first.result["publication_id"]
    assert first.result["held_because"] == []


def test_last_line_of_stdout_has_the_keys_of_the_contract(first: Stage) -> None:
    assert set(first.result) >= JSON_KEYS
    assert set(first.result["checks"]) == {"passed", "warned", "failed", "not_checked"}
    assert first.result["checks"]["passed"] > 100
    assert first.result["checks"]["failed"] == first.result["checks"]["not_checked"] == 0


def test_stdout_is_data_and_progress_goes_to_stderr(first: Stage) -> None:
    assert len(first.ran.stdout.splitlines()) == 1
    assert "publish marts" in first.ran.stderr.splitlines()


def test_as_of_date_is_the_closing_date_in_the_name(first: Stage) -> None:
    assert first.result["as_of_date"] == "2023-12-31"


def test_open_items_are_what_the_ledger_leaves_open(first: Stage) -> None:
    of_invoice = {
        number: [row for row in first.marts["fct_open_items"] if number in row]
        for number in ("FA-1", "FA-2", "FA-3")
    }

    assert first.result["rows"]["fct_open_items"] == 2
    assert {number: len(rows) for number, rows in of_invoice.items()} == {
        "FA-1": 0,
        "FA-2": 1,
        "FA-3": 1,
    }
    assert "240.00" in of_invoice["FA-2"][0]
    assert "180.00" in of_invoice["FA-3"][0]


def test_every_control_account_ties(first: Stage) -> None:
    assert first.marts["mart_tie_out"]
    assert [row for row in first.marts["mart_tie_out"] if "true" not in row] == []


def test_lettering_groups_that_do_not_add_up_are_a_warning(first: Stage) -> None:
    (warning,) = [text for text in first.result["warnings"] if "lettering_groups" in text]

    assert "left open 180.00" in warning


def test_progress_names_the_steps_of_the_dags_in_order(first: Stage) -> None:
    steps_seen = [line for line in first.ran.stderr.splitlines() if line]

    assert [step for step in steps_seen if step.startswith(("fec: load", "build", "publish"))] == [
        "fec: load raw",
        "build canonical",
        "build core",
        "build marts",
        "publish marts",
    ]


# --- the same run again ------------------------------------------------------------------------


def test_second_run_publishes_the_same_marts(first: Stage, second: Stage) -> None:
    assert second.result["status"] == "published"
    assert second.result["publication_id"] != first.result["publication_id"]
    assert [name for name in first.marts if first.marts[name] != second.marts[name]] == []
    assert set(first.marts) == set(second.marts)


def test_second_run_adds_no_line_to_raw_and_says_so(first: Stage, second: Stage) -> None:
    assert second.raw == first.raw
    assert f"{samples.NAME}: already loaded, nothing changed" in second.result["notes"]


# --- reading what is published -----------------------------------------------------------------


def test_url_opens_the_marts_as_the_bi_role(second: Stage, home: Settings) -> None:
    url = steps.encours(home, "url").stdout.strip()

    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select current_user::text, inet_server_addr()::text, sum(open_company_amount)::text"
            " from mart_aged_balance where as_of_date = (select as_of_date from publication_info)"
        ).fetchall()
    assert rows == [("bi_reader", "127.0.0.1/32", "420.00")]


def from_json(text: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(text)
    return rows


def from_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(("form", "parse"), [("json", from_json), ("csv", from_csv)])
def test_sql_prints_what_a_program_can_read(
    second: Stage, home: Settings, form: str, parse: Callable[[str], list[dict[str, str]]]
) -> None:
    query = "select document_number, open_amount from fct_open_items order by 1"

    ran = steps.encours(home, "sql", query, "--format", form)

    assert parse(ran.stdout) == [
        {"document_number": "FA-2", "open_amount": "240.00"},
        {"document_number": "FA-3", "open_amount": "180.00"},
    ]


def test_sql_refuses_what_is_not_a_read_of_the_marts(second: Stage, home: Settings) -> None:
    ran = steps.encours(home, "sql", "select * from ops.run")

    assert (ran.exit_status, ran.stdout) == (2, "")
    assert "permission denied" in ran.error


# --- held, refused, released -------------------------------------------------------------------


def test_unbalanced_ledger_is_held_by_a_check_that_is_named(held: Stage) -> None:
    assert held.ran.exit_status == 3
    assert held.result["status"] == "held"
    assert held.result["publication_id"] is None
    (reason,) = [text for text in held.result["held_because"] if "debits_equal_credits" in text]
    assert "123456789" in reason


def test_hold_leaves_the_published_marts_as_they_were(second: Stage, held: Stage) -> None:
    assert held.marts == second.marts


def test_truncated_file_ends_with_2_and_names_the_file_that_was_given(
    refused: Stage, folder: Path
) -> None:
    assert refused.ran.exit_status == 2
    assert refused.result["status"] == "failed"
    assert refused.ran.error.startswith(f"{folder / '123456789FEC20221231.txt'}, line 12: ")
    assert "the file stops in the middle of this line" in refused.ran.error


def test_truncated_file_loads_nothing_and_builds_nothing(held: Stage, refused: Stage) -> None:
    assert refused.raw == held.raw
    assert refused.marts == held.marts
    assert "build marts" not in refused.ran.stderr


def test_held_run_can_still_be_released_after_a_refused_one(
    held: Stage, refused: Stage, released: Stage, home: Settings
) -> None:
    assert released.ran.exit_status == 0
    assert released.ran.stdout.startswith("released: pub-")
    assert steps.rows(home, "select run_id from marts.publication_info") == [
        (held.result["run_id"],)
    ]
