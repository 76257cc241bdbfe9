"""When DAGs start, as an installation chooses."""

from __future__ import annotations

import pytest

from encours.errors import BadInput
from encours.orchestration import timetable


def chosen(text: str) -> dict[str, str]:
    return {timetable.VARIABLE: text}


def test_schedule_is_the_default_where_nothing_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(timetable.VARIABLE, raising=False)

    assert timetable.schedule_of("odoo") == "15 3 * * *"
    assert timetable.schedule_of("maintain_warehouse") == "30 2 * * *"


def test_source_is_read_when_the_installation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(timetable.VARIABLE, " odoo = 0 4 * * 1-5 ; xero=off ;")

    assert timetable.schedule_of("odoo") == "0 4 * * 1-5"
    assert timetable.schedule_of("xero") is None
    assert timetable.schedule_of("pennylane") == "15 3 * * *"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("odoo", "'odoo' names no schedule"),
        ("odoo=", "'odoo=' names no schedule"),
        ("fec=0 4 * * *", "'fec' has no schedule"),
        ("odoo=every night", "odoo: 'every night' is no cron expression"),
        ("odoo=0 25 * * *", "is no cron expression"),
    ],
)
def test_schedule_that_cannot_be_read_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(BadInput, match="ENCOURS_SCHEDULES") as refused:
        timetable.check_schedules(chosen(text))

    assert words in str(refused.value)


def test_schedules_that_can_be_read_are_counted() -> None:
    assert timetable.check_schedules(chosen("odoo=*/30 * * * *; reconcile_sources=off")) == 2
