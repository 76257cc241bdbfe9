"""Reading suites: a mistake in a file is named with its file and its entry."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from encours.errors import FatalError
from encours.quality.suites import expected_checks, load_suites, render_query
from encours.settings import project_root

ENTRY = """
  - name: items_are_present
    type: unexpected_rows
    kwargs: {query: "select open_item_id from {table}", sample_key: open_item_id}
    severity: critical
    why: Nothing is open.
"""
HEAD = "table: fct_open_items\nowner: finance\nexpectations:"


def write(root: Path, text: str, *, folder: str = "marts", table: str = "fct_open_items") -> Path:
    path = root / folder / f"{table}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def refusal(root: Path, text: str) -> str:
    write(root, text)
    with pytest.raises(FatalError) as caught:
        load_suites(root)
    message = str(caught.value)
    assert str(root / "marts" / "fct_open_items.yml") in message
    assert "\n" not in message
    return message


def test_a_suite_is_read_with_its_folder_and_entries(tmp_path: Path) -> None:
    write(tmp_path, HEAD + ENTRY)

    (suite,) = load_suites(tmp_path)

    (entry,) = suite.expectations
    assert (suite.folder, suite.table, suite.owner) == ("marts", "fct_open_items", "finance")
    assert (entry.name, entry.severity, entry.sample_key) == (
        "items_are_present",
        "critical",
        ("open_item_id",),
    )
    assert not entry.needs_publication


def test_arguments_of_a_library_expectation_are_kept_without_ours(tmp_path: Path) -> None:
    entry = """
      - name: days_are_few
        type: expect_column_values_to_be_between
        kwargs: {column: days_overdue, max_value: 10, sample_key: [entity_id, open_item_id]}
        severity: info
        why: >
          Late items are
          few.
    """
    write(tmp_path, HEAD + textwrap.dedent(entry))

    (suite,) = load_suites(tmp_path)

    assert suite.expectations[0].kwargs == {"column": "days_overdue", "max_value": 10}
    assert suite.expectations[0].sample_key == ("entity_id", "open_item_id")
    assert suite.expectations[0].why == "Late items are few."


def test_tables_of_raw_streams_carry_their_folder_in_results(tmp_path: Path) -> None:
    write(tmp_path, HEAD + ENTRY, folder="raw_files")

    suites = load_suites(tmp_path)

    assert expected_checks(suites) == (("raw_files.fct_open_items", "items_are_present"),)


def test_placeholders_are_filled_and_doubled_braces_are_braces() -> None:
    query = render_query(
        "select '{{}}' from {table}, {schema}.t, {published}.t",
        table="T",
        schema="S",
        published="P",
    )

    assert query == "select '{}' from T, S.t, P.t"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("severity: critical", "severity: fatal", "severity 'fatal'"),
        ("    why: Nothing is open.\n", "", "why missing"),
        ("why: Nothing is open.", 'why: ""', "why must be a text"),
        ("why: Nothing", "note: x\n    why: Nothing", "unknown key note"),
        ("name: items_are_present", "name: Items are present", "name must be snake_case"),
        ("type: unexpected_rows", "type: ExpectMiracles", "type must be"),
        ("type: unexpected_rows", "type: expect_miracles", "query belongs to type"),
        ("{query:", "{qeury:", "query missing"),
        ("sample_key:", "sample:", "unknown key sample"),
        ("sample_key: open_item_id", 'sample_key: "a; drop"', "sample_key 'a; drop'"),
        ("sample_key: open_item_id", "sample_key: 3", "sample_key must be"),
        ("from {table}", "from {tabel}", "query may use"),
        ("from {table}", "from {table!r}", "query may use"),
        ("from {table}", "from {table", "double a brace"),
        ("from {table}", "from marts.fct_open_items", "query names no schema"),
        ("from {table}", "from {published}.t", "{published} needs applies_when"),
        ("select open_item_id", "delete", "query must start with select or with"),
        ("why: Nothing", "applies_when: sunday\n    why: Nothing", "applies_when can only be"),
        (
            "why: Nothing",
            "applies_when: published_exists\n    why: Nothing",
            "nothing reads {published}",
        ),
        ("why: Nothing", "severity: info\n    why: Nothing", "key 'severity' stands twice"),
    ],
)
def test_a_mistake_in_an_entry_is_refused(
    old: str, new: str, complaint: str, tmp_path: Path
) -> None:
    assert old in ENTRY

    message = refusal(tmp_path, HEAD + ENTRY.replace(old, new))

    assert complaint in message
    assert "entry 1" in message or "line" in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected table, owner and expectations"),
        ("- a\n", "expected table, owner and expectations"),
        ("table: [\n", "not readable as YAML"),
        (HEAD.replace("owner: finance\n", "") + ENTRY, "owner missing"),
        (HEAD.replace("owner:", "boss: x\nowner:") + ENTRY, "unknown key boss"),
        (HEAD.replace("table: fct_open_items", "table: mart_dso") + ENTRY, "like its file"),
        (HEAD + " []\n", "at least one entry"),
        (HEAD + "\n  - just text\n", "entry 1: expected a mapping"),
        (HEAD + ENTRY + ENTRY, "entry 2 (items_are_present): this name is already taken"),
    ],
)
def test_a_mistake_in_a_file_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    assert complaint in refusal(tmp_path, text)


def test_a_file_beside_the_folders_is_refused(tmp_path: Path) -> None:
    write(tmp_path, HEAD + ENTRY)
    (tmp_path / "stray.yaml").write_text("", encoding="utf-8")

    with pytest.raises(FatalError, match="belongs in expectations/"):
        load_suites(tmp_path)


def test_a_root_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="no expectation file"):
        load_suites(tmp_path)


SHIPPED = load_suites(project_root() / "expectations")


def test_every_published_table_has_a_suite() -> None:
    models = project_root() / "dbt_project" / "models"
    published = {path.stem for name in ("core", "marts") for path in (models / name).rglob("*.sql")}

    assert len(published) > 25
    assert {suite.table for suite in SHIPPED if suite.folder == "marts"} == published


def test_every_shipped_why_is_one_sentence() -> None:
    whys = [one.why for suite in SHIPPED for one in suite.expectations]

    assert [why for why in whys if not why.endswith(".") or ". " in why] == []


def test_no_shipped_sample_key_is_a_name() -> None:
    keys = {key for suite in SHIPPED for one in suite.expectations for key in one.sample_key}

    # A refused row stands in a column of a file, and a table is one of ours.
    assert {key for key in keys if key.endswith("_name")} <= {
        "column_name",
        "file_name",
        "table_name",
    }
