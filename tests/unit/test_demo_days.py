"""The calendar of the demo company."""

from __future__ import annotations

from datetime import date

import pytest

from encours.demo.days import build_days, easter, first_day, issue_slots


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (1981, date(1981, 4, 19)),
        (2000, date(2000, 4, 23)),
        (2008, date(2008, 3, 23)),
        (2024, date(2024, 3, 31)),
        (2025, date(2025, 4, 20)),
        (2026, date(2026, 4, 5)),
        (2038, date(2038, 4, 25)),
    ],
)
def test_easter_falls_on_the_known_sundays(year: int, sunday: date) -> None:
    assert easter(year) == sunday


def test_history_counts_calendar_months_with_the_one_of_the_end() -> None:
    assert first_day(date(2026, 6, 30), 36) == date(2023, 7, 1)
    assert first_day(date(2026, 1, 15), 1) == date(2026, 1, 1)


def test_month_end_is_found_in_a_leap_february() -> None:
    days = build_days(date(2024, 3, 31), 3)

    assert days.iso[days.month_end[days.offset(date(2024, 2, 10))]] == "2024-02-29"


def test_control_days_are_month_ends_and_the_end() -> None:
    days = build_days(date(2024, 3, 15), 3)

    assert [days.iso[day] for day in days.control_days()] == [
        "2024-01-31", "2024-02-29", "2024-03-15",
    ]  # fmt: skip


def test_payment_run_on_a_holiday_moves_to_the_next_working_day() -> None:
    days = build_days(date(2025, 12, 31), 12)
    semi_monthly = days.payment_runs[3]

    # 25 December is a Thursday in 2025.
    assert days.iso[semi_monthly[days.offset(date(2025, 12, 20))]] == "2025-12-26"


def test_history_without_a_working_day_still_has_a_slot() -> None:
    days = build_days(date(2023, 1, 1), 1)

    assert issue_slots(days) == [days.end]
