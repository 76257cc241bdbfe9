"""The home's own policy choices: checked against the seed before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from encours.errors import BadInput
from encours.policies import read_allowed_values, read_choices
from encours.settings import Settings


def home_with(folder: Path, text: str | bytes) -> Settings:
    content = text.encode() if isinstance(text, str) else text
    (folder / "policies.yml").write_bytes(content)
    return Settings(home=folder)


def test_home_without_a_file_has_no_choices(tmp_path: Path) -> None:
    assert read_choices(Settings(home=tmp_path)) == {}


@pytest.mark.parametrize("text", ["", "# nothing chosen\n", "{}"])
def test_empty_file_has_no_choices(tmp_path: Path, text: str) -> None:
    assert read_choices(home_with(tmp_path, text)) == {}


def test_choices_are_read_as_the_words_of_the_seed(tmp_path: Path) -> None:
    text = 'fec_matching: fifo\ndefault_payment_days: 45\nmonth_ends: "12"\ndoubtful_in_dso: in\n'

    assert read_choices(home_with(tmp_path, text)) == {
        "fec_matching": "fifo",
        "default_payment_days": "45",
        "month_ends": "12",
        "doubtful_in_dso": "in",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fec_match: fifo", "unknown policy 'fec_match'"),
        ("fec_matching: newest", "fec_matching cannot be 'newest' (use lettered|fifo)"),
        ("fec_matching: FIFO", "fec_matching cannot be 'FIFO'"),
        ("fec_matching:", "fec_matching cannot be 'None'"),
        ("default_payment_days: 366", "default_payment_days cannot be '366' (use 0..365)"),
        ("default_payment_days: -1", "default_payment_days cannot be '-1'"),
        ("default_payment_days: 30.5", "default_payment_days cannot be '30.5'"),
        ("default_payment_days: '²'", "default_payment_days cannot be '²'"),
        ("default_payment_days: [30]", "default_payment_days cannot be '[30]'"),
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


def test_every_policy_of_the_seed_says_what_it_may_be() -> None:
    allowed = read_allowed_values()

    assert "fec_matching" in allowed
    assert all(allowed.values())
