"""What is dropped in the inbox: found by source, moved away when it was ingested or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from encours.errors import EXIT_BAD_INPUT, EXIT_FAILED, BadInput
from encours.orchestration.failures import Failure
from encours.orchestration.inbox_files import (
    check_inside,
    clear,
    fingerprint,
    move_away,
    waiting_inputs,
)
from encours.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.inbox_dir.mkdir()
    return settings


def drop(home: Settings, *names: str) -> list[Path]:
    paths = [home.inbox_dir / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    return paths


def waiting(home: Settings, source: str) -> list[str]:
    return [path.relative_to(home.home).as_posix() for path in waiting_inputs(home, source)]


def test_home_without_an_inbox_has_nothing_waiting(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    assert waiting_inputs(settings, "fec") == waiting_inputs(settings, "files") == []


def test_text_and_xml_files_are_ledgers(home: Settings) -> None:
    drop(home, "123456789FEC20231231.TXT", "123456789FEC20241231.xml", "notes.pdf", "x.csv")

    assert waiting(home, "fec") == [
        "inbox/123456789FEC20231231.TXT",
        "inbox/123456789FEC20241231.xml",
    ]


def test_folder_with_documents_is_a_delivery(home: Settings) -> None:
    drop(home, "books/documents.csv", "books/customers.csv")

    assert waiting(home, "files") == ["inbox/books"]
    assert waiting(home, "fec") == []


@pytest.mark.parametrize("name", ["documents.csv", "Documents.CSV", "documents.parquet"])
def test_tables_in_the_inbox_itself_are_a_delivery(home: Settings, name: str) -> None:
    drop(home, name)

    assert waiting(home, "files") == ["inbox"]


def test_tables_without_documents_wait_for_them(home: Settings) -> None:
    drop(home, "customers.csv", "books/payments.csv")

    assert waiting(home, "files") == []


def test_folders_are_taken_one_at_a_time_in_the_order_of_their_names(home: Settings) -> None:
    drop(home, "b/documents.csv", "a/documents.csv")

    assert waiting(home, "files") == ["inbox/a"]


def test_hidden_files_and_what_was_dealt_with_are_passed_over(home: Settings) -> None:
    drop(home, ".ledger.txt", ".books/documents.csv")
    drop(home, "done/run-1/documents.csv", "done/documents.csv", "refused/documents.csv")

    assert waiting(home, "fec") == waiting(home, "files") == []


def test_what_may_wait_in_the_inbox_lies_inside(home: Settings) -> None:
    inside = [home.inbox_dir, home.inbox_dir / "a.txt", home.inbox_dir / "books"]

    check_inside(home, [str(path) for path in inside])


@pytest.mark.parametrize(
    "name", ["..", "../a.txt", "done", "refused", ".hidden", "done/run-1/a.txt", "/etc/passwd"]
)
def test_other_paths_lie_outside_the_inbox(home: Settings, name: str) -> None:
    with pytest.raises(BadInput, match=r"is not in the inbox \(copy it into"):
        check_inside(home, [str(home.inbox_dir / name)])


def test_ingested_ledgers_move_to_done(home: Settings) -> None:
    ledgers = drop(home, "a.txt", "b.txt")
    drop(home, "late.txt")

    target = move_away(home, ledgers, "run-1")

    assert target == home.inbox_dir / "done" / "run-1"
    assert sorted(path.name for path in target.iterdir()) == ["a.txt", "b.txt"]
    assert waiting(home, "fec") == ["inbox/late.txt"]


def test_refused_inputs_move_away_with_the_reason(home: Settings) -> None:
    ledgers = drop(home, "a.txt")

    target = move_away(home, ledgers, "run-1", refused_because="a.txt: this is not a FEC")

    assert target == home.inbox_dir / "refused" / "run-1"
    assert (target / "REASON.txt").read_text() == "a.txt: this is not a FEC\n"
    assert (target / "a.txt").exists()
    assert waiting(home, "fec") == []


@pytest.mark.parametrize(
    ("is_loaded", "failure", "folder"),
    [
        (True, None, "inbox/done/run-1"),
        (False, Failure("BadInput", "a.txt: not a FEC", EXIT_BAD_INPUT), "inbox/refused/run-1"),
        (False, Failure("FatalError", "the disk is full", EXIT_FAILED), "inbox"),
        (False, None, "inbox"),
    ],
    ids=["loaded", "unusable", "failed for another reason", "killed"],
)
def test_input_leaves_the_inbox_only_when_it_was_loaded_or_never_can_be(
    home: Settings, is_loaded: bool, failure: Failure | None, folder: str
) -> None:
    ledgers = drop(home, "a.txt")

    clear(home, ledgers, "run-1", is_loaded=is_loaded, failure=failure)

    assert (home.home / folder / "a.txt").exists()


def test_delivery_in_the_inbox_itself_leaves_the_ledgers_where_they_are(home: Settings) -> None:
    drop(home, "documents.csv", "customers.csv", "ledger.txt")

    target = move_away(home, [home.inbox_dir], "run-1")

    assert sorted(path.name for path in target.iterdir()) == ["customers.csv", "documents.csv"]
    assert waiting(home, "files") == []
    assert waiting(home, "fec") == ["inbox/ledger.txt"]


def test_delivery_in_a_folder_moves_as_a_folder(home: Settings) -> None:
    drop(home, "books/documents.csv", "books/notes.pdf")

    target = move_away(home, [home.inbox_dir / "books"], "run-1")

    assert sorted(path.name for path in (target / "books").iterdir()) == [
        "documents.csv",
        "notes.pdf",
    ]


def test_inputs_that_are_gone_already_are_no_error(home: Settings) -> None:
    target = move_away(home, [home.inbox_dir / "gone.txt"], "run-1")

    assert list(target.iterdir()) == []


def test_fingerprint_changes_while_a_file_is_being_copied(home: Settings) -> None:
    (path,) = drop(home, "a.txt")
    before = fingerprint([path])

    with path.open("a") as stream:
        stream.write("more")

    assert fingerprint([path]) != before


def test_fingerprint_changes_when_a_file_is_dropped_again(home: Settings) -> None:
    (path,) = drop(home, "a.txt")
    before = fingerprint([path])

    os.utime(path, (1, 1))

    assert fingerprint([path]) != before


def test_fingerprint_of_a_folder_is_that_of_its_tables(home: Settings) -> None:
    drop(home, "books/documents.csv")
    folder = home.inbox_dir / "books"
    before = fingerprint([folder])

    drop(home, "books/customers.csv")

    assert fingerprint([folder]) != before
    assert fingerprint([folder]) == fingerprint([folder])
