"""By when the marts are published."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from encours.errors import BadInput
from encours.orchestration.deadlines import earliest_zone, is_published_by, watch_cron
from encours.settings import load_settings

PARIS = ZoneInfo("Europe/Paris")
WINTER = datetime(2026, 1, 1, tzinfo=UTC)


def test_marts_are_awaited_at_seven_in_paris_unless_told_otherwise() -> None:
    settings = load_settings(environment={})

    assert (settings.publish_by, settings.time_zones) == (time(7), ("Europe/Paris",))


def test_time_and_zones_are_settings() -> None:
    given = {"ENCOURS_PUBLISH_BY": "06:30", "ENCOURS_TIME_ZONES": "Europe/London, Asia/Tokyo"}

    settings = load_settings(environment=given)

    assert (settings.publish_by, settings.time_zones) == (
        time(6, 30),
        ("Europe/London", "Asia/Tokyo"),
    )


def test_nobody_waits_where_the_setting_says_never() -> None:
    assert load_settings(environment={"ENCOURS_PUBLISH_BY": "never"}).publish_by is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENCOURS_PUBLISH_BY", "7h"),
        ("ENCOURS_TIME_ZONES", "Europe/Atlantis"),
        ("ENCOURS_TIME_ZONES", ","),
    ],
)
def test_setting_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(BadInput, match=name):
        load_settings(environment={name: value})


def test_of_several_zones_the_first_morning_counts() -> None:
    zones = ("America/New_York", "Europe/Paris", "Europe/London")

    assert earliest_zone(zones, WINTER) == "Europe/Paris"


@pytest.mark.parametrize(
    ("publish_by", "cron"),
    [(time(7), "0 5 * * *"), (time(6, 30), "30 4 * * *"), (time(1, 15), "15 23 * * *")],
)
def test_watch_begins_two_hours_before(publish_by: time, cron: str) -> None:
    assert watch_cron(publish_by) == cron


@pytest.mark.parametrize(
    ("published_at", "is_met"),
    [
        (datetime(2026, 3, 30, 3, tzinfo=UTC), True),
        # 00:30 in Paris is still the day before in UTC.
        (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 21, 30, tzinfo=UTC), False),
        (None, False),
    ],
)
def test_publication_counts_from_midnight_of_the_day_where_people_wait(
    published_at: datetime | None, is_met: bool
) -> None:
    deadline = datetime(2026, 3, 30, 7, tzinfo=PARIS)

    assert is_published_by(published_at, deadline) is is_met
