"""One `encours run`: which DAGs with which conf, and how its end is told."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fec_samples as samples
import psycopg
import pytest

from encours.errors import BadInput, FatalError, RetryableError
from encours.orchestration import accesses, in_process, ingest, runs
from encours.orchestration.failures import (
    database_failure,
    forget_failure,
    keep_failure,
    read_failure,
)
from encours.orchestration.run_ids import checked_run_id, is_run_id, new_run_id
from encours.settings import Settings
from encours.sources.registry import SOURCES

DOCUMENTS = (
    "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax\n"
    "D1,invoice,C1,2024-01-31,EUR,120.00\n"
)
Refusals = list[tuple[str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Without a connection; to look for one would start a server."""
    settings = Settings(home=tmp_path / "home")
    settings.inbox_dir.mkdir(parents=True)
    monkeypatch.setattr(accesses, "configured", lambda _settings: {})
    return settings


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    """What would be written to ops.extraction."""
    written: Refusals = []

    def record(_settings: Settings, source: str, _run_id: str, error: BadInput) -> None:
        written.append((source, str(error)))

    monkeypatch.setattr(ingest, "record_refusal", record)
    return written


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """DAGs and confs that a run would start; nothing runs."""
    seen: list[tuple[str, Any]] = []

    def run_dags(_settings: Settings, confs: list[Any], _log: Path, _progress: Any) -> None:
        seen.extend(confs)
        raise FatalError("nothing runs here")

    monkeypatch.setattr(in_process, "run_dags", run_dags)
    return seen


def run(home: Settings, **order: Any) -> runs.Report:
    return runs.run(home, runs.Order(**order), progress=lambda line: None)


def deliver(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "documents.csv").write_text(DOCUMENTS)
    return folder


# --- which DAGs --------------------------------------------------------------------------------


def test_sources_are_ingested_before_the_one_build_of_the_same_run(
    home: Settings, tmp_path: Path, ordered: list[tuple[str, Any]]
) -> None:
    fec = samples.write_fec(tmp_path)
    files = deliver(tmp_path / "books")

    report = run(home, fec=(fec,), files=files)

    assert [dag_id for dag_id, _ in ordered] == [
        "ingest_fec",
        "ingest_files",
        "build_receivables",
    ]
    assert {conf["run_id"] for _, conf in ordered} == {report.run_id}
    assert [conf.get("inputs") for _, conf in ordered] == [[str(fec)], [str(files)], None]


def test_dates_travel_with_the_build_as_they_were_asked(
    home: Settings, ordered: list[tuple[str, Any]]
) -> None:
    run(home, as_of_date=date(2024, 3, 31), known_on=datetime(2024, 4, 2, 18, tzinfo=UTC))

    ((_, conf),) = ordered
    assert conf["as_of_date"] == "2024-03-31"
    assert conf["known_on"] == "2024-04-02T18:00:00+00:00"


def test_run_without_inputs_takes_what_waits_in_the_inbox(
    home: Settings, ordered: list[tuple[str, Any]]
) -> None:
    waiting = samples.write_fec(home.inbox_dir)

    run(home)

    assert [(dag_id, conf.get("inputs")) for dag_id, conf in ordered] == [
        ("ingest_fec", [str(waiting)]),
        ("build_receivables", None),
    ]
    assert ordered[0][1]["from_inbox"] is True


def test_link_in_the_inbox_is_taken_itself_and_not_what_it_leads_to(
    home: Settings, tmp_path: Path, ordered: list[tuple[str, Any]]
) -> None:
    ledger = samples.write_fec(tmp_path)
    link = home.inbox_dir / ledger.name
    link.symlink_to(ledger)

    run(home)

    assert ordered[0][1]["inputs"] == [str(link)]


def test_inputs_on_the_command_leave_the_inbox_alone(
    home: Settings, tmp_path: Path, ordered: list[tuple[str, Any]]
) -> None:
    samples.write_fec(home.inbox_dir)

    run(home, files=deliver(tmp_path / "books"))

    assert [dag_id for dag_id, _ in ordered] == ["ingest_files", "build_receivables"]
    assert ordered[0][1]["from_inbox"] is False


def test_one_source_can_be_chosen(home: Settings, ordered: list[tuple[str, Any]]) -> None:
    samples.write_fec(home.inbox_dir)
    deliver(home.inbox_dir / "books")

    run(home, sources=("files",))

    assert [dag_id for dag_id, _ in ordered] == ["ingest_files", "build_receivables"]


def test_unknown_source_is_refused_with_the_known_ones(
    home: Settings, ordered: list[tuple[str, Any]]
) -> None:
    report = run(home, sources=("sage",))

    assert (report.status, report.exit_status) == ("failed", 2)
    assert report.error == f"unknown source 'sage' (one of {', '.join(SOURCES)})"
    assert ordered == []


# --- what is told at once ----------------------------------------------------------------------


def test_unusable_input_starts_nothing_and_is_recorded(
    home: Settings, tmp_path: Path, ordered: list[tuple[str, Any]], refusals: Refusals
) -> None:
    good = samples.write_fec(tmp_path)

    report = run(home, fec=(good, tmp_path / "gone.txt"))

    assert report.exit_status == 2
    assert report.error == f"{tmp_path / 'gone.txt'}: no such file (check the path)"
    assert refusals == [("fec", report.error)]
    assert ordered == []


def test_wrong_policy_starts_nothing(
    home: Settings, tmp_path: Path, ordered: list[tuple[str, Any]]
) -> None:
    (home.home / "policies.yml").write_text("fec_matching: newest\n")

    report = run(home, fec=(samples.write_fec(tmp_path),))

    assert report.exit_status == 2
    assert "fec_matching cannot be 'newest'" in str(report.error)
    assert ordered == []


def test_names_of_unknown_files_and_columns_become_notes(tmp_path: Path) -> None:
    folder = deliver(tmp_path / "books")
    (folder / "payment.csv").write_text("x\n")
    (folder / "archive").mkdir()
    text = DOCUMENTS.replace("amount_incl_tax", "amount_incl_tax,due_dates")
    (folder / "documents.csv").write_text(text.replace("120.00", "120.00,2024-03-01"))

    checked = ingest.check_inputs("files", [folder])

    assert [path.name for path in checked.files] == ["documents.csv"]
    assert checked.notes == (
        "payment.csv is not a file of the contract and was not read; did you mean payments.csv?",
        "documents.csv: column due_dates is kept as a custom attribute;"
        " if due_date is meant, rename it",
    )


def test_two_folders_at_a_time_are_refused(tmp_path: Path) -> None:
    folders = [deliver(tmp_path / "one"), deliver(tmp_path / "two")]

    with pytest.raises(BadInput, match="one folder of flat files at a time"):
        ingest.check_inputs("files", folders)


# --- how a run ends ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [(BadInput("no", where="a.txt"), 2), (FatalError("no"), 1), (RetryableError("no"), 1)],
)
def test_exit_status_follows_the_kind_of_error(
    home: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_arguments: Any) -> None:
        raise error

    monkeypatch.setattr(in_process, "run_dags", fail)

    report = run(home)

    assert (report.status, report.exit_status, report.error) == ("failed", status, str(error))


def test_error_that_nobody_foresaw_is_one_line_with_the_log_beside_it(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> None:
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(in_process, "run_dags", fail)

    report = run(home)

    log = home.runs_dir / report.run_id / "run.log"
    assert report.exit_status == 1
    assert report.error == (
        f"unexpected ZeroDivisionError: first line second line (details in {log})"
    )
    assert "Traceback" in log.read_text()


def test_report_as_json_has_the_keys_of_the_contract() -> None:
    report = runs.Report(
        "published",
        "run-1",
        publication_id="pub-000001",
        as_of_date=date(2024, 3, 31),
        known_on=datetime(2024, 4, 2, 18, tzinfo=UTC),
        carried_to=date(2024, 1, 31),
        checks={"passed": 3},
        seconds={"audit": 1.5},
        rows={"mart_dso": 4},
    )

    as_json = json.loads(json.dumps(report.to_json()))

    assert as_json == {
        "status": "published",
        "run_id": "run-1",
        "publication_id": "pub-000001",
        "as_of_date": "2024-03-31",
        "known_on": "2024-04-02T18:00:00+00:00",
        "carried_to": "2024-01-31",
        "checks": {"passed": 3, "warned": 0, "failed": 0, "not_checked": 0},
        "held_because": [],
        "warnings": [],
        "notes": [],
        "seconds": {"audit": 1.5},
        "rows": {"mart_dso": 4},
        "error": None,
    }


def test_held_run_says_why_and_how_to_release_it() -> None:
    report = runs.Report("held", "run-1", held_because=("mart_tie_out: differs",), exit_status=3)

    text = runs.render(report)

    assert "  - mart_tie_out: differs" in text.splitlines()
    assert 'encours release run-1 --reason "…"' in text


def test_notes_and_warnings_come_before_the_result() -> None:
    report = runs.Report(
        "published", "run-1", publication_id="pub-000001", notes=("a note",), warnings=("a doubt",)
    )

    lines = runs.render(report).splitlines()

    assert lines[:2] == ["note      a note", "warning   a doubt"]
    assert lines[2].startswith("published pub-000001")


def test_run_says_up_to_which_month_end_it_took_figures_over() -> None:
    carried = runs.Report("published", "run-1", carried_to=date(2024, 1, 31))
    whole = runs.Report("published", "run-1")

    assert "carried   month ends up to 2024-01-31, which nothing" in runs.render(carried)
    assert "carried" not in runs.render(whole)


# --- names and failures ------------------------------------------------------------------------


def test_run_ids_sort_by_time_and_differ_within_a_second() -> None:
    early = datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC)
    late = datetime(2024, 4, 1, tzinfo=UTC)

    assert new_run_id(early) < new_run_id(late)
    assert new_run_id(late) != new_run_id(late)


def test_failure_is_kept_as_one_line_with_its_exit_status(home: Settings) -> None:
    keep_failure(home, "run-1", BadInput("the line is\n torn", where="a.txt"))

    failure = read_failure(home, "run-1")

    assert failure is not None
    assert (failure.kind, failure.message, failure.exit_status) == (
        "BadInput",
        "a.txt: the line is torn",
        2,
    )


def test_failure_of_a_former_try_is_forgotten(home: Settings) -> None:
    keep_failure(home, "run-1", ValueError("no"))

    forget_failure(home, "run-1")

    assert read_failure(home, "run-1") is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (psycopg.errors.DiskFull(), "the disk of the database is full: free some space"),
        (psycopg.errors.AdminShutdown(), "the database went away: run again"),
        (psycopg.OperationalError("server closed\nthe connection"), "the database went away"),
    ],
)
def test_database_that_fails_is_told_in_words_for_a_person(
    error: psycopg.OperationalError, words: str
) -> None:
    told = database_failure(error)

    assert str(told).startswith(words)
    assert told.exit_status == 1


def test_failure_that_cannot_be_written_does_not_hide_the_error(home: Settings) -> None:
    home.runs_dir.write_text("a file where a folder should be")

    keep_failure(home, "run-1", ValueError("no"))

    assert read_failure(home, "run-1") is None


@pytest.mark.parametrize(
    "name", ["20260105T060000-a1b2c3", "manual__2026-01-05T06:00:00+00:00", "first", "1" * 120]
)
def test_name_of_a_run_can_be_given(name: str) -> None:
    assert checked_run_id(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../up", "/root", "a/b", "a\\b", "a..b", ".hidden", "-flag", "run\n"),
        *("o'brien", 'a"b', "a b", "a;b", "é", "1" * 121, None, 7, b"run"),
    ],
)
def test_what_leads_elsewhere_or_ends_a_text_names_no_run(name: object) -> None:
    with pytest.raises(BadInput, match=r"cannot name a run \(letters") as refusal:
        checked_run_id(name)

    assert "\n" not in str(refusal.value)
    assert not is_run_id(name)
