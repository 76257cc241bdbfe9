"""The home's own policy choices: checked against the seed before anything is loaded."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from encours.errors import BadInput
from encours.policies import (
    Announcement,
    Choice,
    read_announcements,
    read_choices,
    read_policies,
)
from encours.settings import Settings, project_root


def home_with(folder: Path, text: str | bytes) -> Settings:
    content = text.encode() if isinstance(text, str) else text
    (folder / "policies.yml").write_bytes(content)
    return Settings(home=folder)


def test_home_without_a_file_has_no_choices(tmp_path: Path) -> None:
    assert read_choices(Settings(home=tmp_path)) == ()


@pytest.mark.parametrize("text", ["", "# nothing chosen\n", "{}"])
def test_empty_file_has_no_choices(tmp_path: Path, text: str) -> None:
    assert read_choices(home_with(tmp_path, text)) == ()


def test_choices_are_read_as_the_words_of_the_seed(tmp_path: Path) -> None:
    text = 'fec_matching: fifo\ndefault_payment_days: 45\nmonth_ends: "12"\ndoubtful_in_dso: in\n'

    assert read_choices(home_with(tmp_path, text)) == (
        Choice(None, "fec_matching", "fifo"),
        Choice(None, "default_payment_days", "45"),
        Choice(None, "month_ends", "12"),
        Choice(None, "doubtful_in_dso", "in"),
    )


def test_choices_of_an_entity_stand_under_its_id_as_it_is_written(tmp_path: Path) -> None:
    text = """
        unapplied: own_date
        entities:
          012345670: {unapplied: oldest_first, bucket_limits: 15|30|60}
          main: {display_residue: 0.05}
    """

    assert read_choices(home_with(tmp_path, text)) == (
        Choice(None, "unapplied", "own_date"),
        Choice("012345670", "unapplied", "oldest_first"),
        Choice("012345670", "bucket_limits", "15|30|60"),
        Choice("main", "display_residue", "0.05"),
    )


@pytest.mark.parametrize(
    "limits", ["1", "30", "30|60|90|120", "|".join(str(n) for n in range(1, 13)), "99998|99999"]
)
def test_bucket_limits_are_one_to_twelve_rising_days(tmp_path: Path, limits: str) -> None:
    text = f"bucket_limits: {limits}"

    assert read_choices(home_with(tmp_path, text)) == (Choice(None, "bucket_limits", limits),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fec_match: fifo", "unknown policy 'fec_match'"),
        ("fec_matching: newest", "fec_matching cannot be 'newest' (use lettered|fifo)"),
        ("fec_matching: FIFO", "fec_matching cannot be 'FIFO'"),
        ("fec_matching:", "fec_matching cannot be ''"),
        ("default_payment_days: 366", "default_payment_days cannot be '366' (use 0..365)"),
        ("default_payment_days: -1", "default_payment_days cannot be '-1'"),
        ("default_payment_days: 30.5", "default_payment_days cannot be '30.5'"),
        ("default_payment_days: '²'", "default_payment_days cannot be '²'"),
        ("default_payment_days: [30]", "default_payment_days cannot be '['30']'"),
        ("bucket_limits: 30|60|60", "bucket_limits cannot be '30|60|60'"),
        ("bucket_limits: 60|30", "(use 1 to 12 rising limits such as 30|60|90|120)"),
        ("bucket_limits: 0|30", "bucket_limits cannot be '0|30'"),
        ("bucket_limits: 30|", "bucket_limits cannot be '30|'"),
        ("bucket_limits: 30,60", "bucket_limits cannot be '30,60'"),
        ("bucket_limits: 1|2|3|4|5|6|7|8|9|10|11|12|13", "bucket_limits cannot be"),
        ("display_residue: -1", "display_residue cannot be '-1'"),
        ("display_residue: 1e3", "display_residue cannot be '1e3'"),
        ("display_residue: NaN", "display_residue cannot be 'NaN'"),
        ("unapplied: oldest", "unapplied cannot be 'oldest'"),
        ("entities: main", "entities must map entity_ids to their choices"),
        ("entities: [main]", "entities must map entity_ids to their choices"),
        ("entities: {main: fifo}", "entities: 'main' must map policies to values"),
        ("entities: {'': {unapplied: own_date}}", "entities: '' must map policies to values"),
        ("entities: {main: {unaplied: x}}", "entities: main: unknown policy 'unaplied'"),
        ("entities: {main: {unapplied: x}}", "entities: main: unapplied cannot be 'x'"),
        ("entities: {main: {month_ends: 12}}", "entities: main: month_ends holds for the whole"),
        ("entities: {? [a] : {unapplied: own_date}}", "is not valid YAML"),
        ("- fec_matching", "must map policies to values"),
        ("fec_matching", "must map policies to values"),
        ("fec_matching: [", "is not valid YAML"),
        (b"fec_matching: \xff\xfe", "is not valid YAML"),
    ],
)
def test_choice_that_cannot_be_is_refused_in_one_line_with_the_file(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        read_choices(home_with(tmp_path, text))

    assert str(caught.value).startswith(f"{tmp_path / 'policies.yml'}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_default_of_the_seed_may_be_chosen(tmp_path: Path) -> None:
    seed = project_root() / "dbt_project" / "seeds" / "policies.csv"
    with open(seed, newline="") as file:
        defaults = {row["policy"]: row["value"] for row in csv.DictReader(file)}
    text = "\n".join(f"{policy}: '{value}'" for policy, value in defaults.items())

    choices = read_choices(home_with(tmp_path, text))

    assert {choice.policy: choice.value for choice in choices} == defaults
    assert sorted(defaults) == sorted(read_policies())


def test_limits_of_the_gate_are_choices(tmp_path: Path) -> None:
    text = "outstanding_hold_above: 3\nentities: {lyon: {open_items_warn_above: 0.75}}\n"

    assert read_choices(home_with(tmp_path, text)) == (
        Choice(None, "outstanding_hold_above", "3"),
        Choice("lyon", "open_items_warn_above", "0.75"),
    )


def test_limit_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="outstanding_hold_above cannot be 'never'"):
        read_choices(home_with(tmp_path, "outstanding_hold_above: never"))


ANNOUNCED = """
announced:
  - {measure: outstanding, entity: lyon, from: 2026-01-10, until: 2026-01-31, reason: a contract}
  - {measure: customers, from: 2026-01-10, until: 2026-01-10, reason: "bought\n a company"}
"""


def test_announced_jumps_are_of_one_company_or_of_all(tmp_path: Path) -> None:
    home = home_with(tmp_path, ANNOUNCED)

    assert read_announcements(home) == (
        Announcement("lyon", "outstanding", date(2026, 1, 10), date(2026, 1, 31), "a contract"),
        Announcement(None, "customers", date(2026, 1, 10), date(2026, 1, 10), "bought a company"),
    )
    assert read_choices(home) == ()


def test_home_that_announces_nothing_has_no_announcements(tmp_path: Path) -> None:
    assert read_announcements(home_with(tmp_path, "unapplied: own_date")) == ()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{measure: outstanding, from: 2026-01-10, until: 2026-01-31}", "is not complete"),
        (
            "{measure: outstanding, from: 2026-01-10, until: 2026-01-31, reason: ' '}",
            "holds an empty value",
        ),
        (
            "{measure: all, from: 2026-01-10, until: 2026-01-31, reason: x}",
            "'all' is no measure",
        ),
        (
            "{measure: table_rows, from: 2026-01-10, until: 2026-01-31, reason: x}",
            "'table_rows' cannot be announced",
        ),
        (
            "{measure: outstanding, from: 2026-01-10, until: 2026-02-30, reason: x}",
            "from and until are no dates",
        ),
        (
            "{measure: outstanding, from: 2026-01-10, until: 2026-04-13, reason: x}",
            "at most 92 days later",
        ),
        (
            "{measure: outstanding, from: 2026-01-10, until: 2026-01-09, reason: x}",
            "an end on or after the start",
        ),
        (
            "{measure: outstanding, from: 2026-01-10, until: 2026-01-31, reason: x, off: yes}",
            "is not complete",
        ),
        ("outstanding", "is not complete"),
    ],
)
def test_announcement_without_reason_or_end_is_refused_with_its_place(
    tmp_path: Path, entry: str, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        read_announcements(home_with(tmp_path, f"announced:\n  - {entry}\n"))

    assert "announced: entry 1: " in str(caught.value)
    assert words in str(caught.value)


def test_announcements_that_are_no_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="announced must be a list"):
        read_announcements(home_with(tmp_path, "announced: {outstanding: yes}"))
