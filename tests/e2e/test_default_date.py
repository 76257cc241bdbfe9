"""Which day a run is of when nobody says: by the calendar of the entities, not of the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import warehouse_steps as steps

from encours.errors import BadInput
from encours.loading.arrivals import last_extraction
from encours.orchestration import build
from encours.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("publication")]

DOCUMENTS = """
entity_id,document_id,document_number,document_type,customer_id,issue_date,currency_code,amount_incl_tax
paris,D1,D1,invoice,c1,2026-01-05,EUR,100
"""
CUSTOMERS = """
entity_id,customer_id,customer_name
paris,c1,Boulangerie du Port
"""


@pytest.fixture
def books(running_home: Settings) -> Settings:
    steps.empty(running_home)
    steps.prepare(running_home)
    return running_home


def deliver(settings: Settings, folder: Path, *zones: str) -> None:
    names = ("paris", "auckland", "honolulu")
    entities = "\n".join(
        f"{name},{name},EUR,{zone}" for name, zone in zip(names, zones, strict=False)
    )
    steps.deliver_files(
        settings,
        folder,
        {
            "entities": f"entity_id,entity_name,base_currency,time_zone\n{entities}\n",
            "customers": CUSTOMERS,
            "documents": DOCUMENTS,
        },
    )


def day_at(settings: Settings, clock: datetime) -> date:
    with steps.pipeline(settings) as connection:
        known_on = last_extraction(connection)
        assert known_on is not None
        return build.default_as_of_date(connection, known_on, clock)


def test_day_is_that_of_the_entity_and_not_of_utc(books: Settings, tmp_path: Path) -> None:
    deliver(books, tmp_path, "Europe/Paris")

    # Paris is an hour ahead in winter: 23:30 UTC is half past midnight there.
    assert day_at(books, datetime(2026, 2, 9, 23, 30, tzinfo=UTC)) == date(2026, 2, 10)
    assert day_at(books, datetime(2026, 2, 9, 22, 30, tzinfo=UTC)) == date(2026, 2, 9)


@pytest.mark.parametrize("first", ["Europe/Paris", ""])
def test_day_has_begun_for_every_entity(books: Settings, tmp_path: Path, first: str) -> None:
    deliver(books, tmp_path, first, "Pacific/Auckland")

    assert day_at(books, datetime(2026, 2, 10, 13, tzinfo=UTC)) == date(2026, 2, 10)
    assert day_at(books, datetime(2026, 2, 10, 23, 30, tzinfo=UTC)) == date(2026, 2, 11)


def test_text_that_is_no_time_zone_is_named(books: Settings, tmp_path: Path) -> None:
    deliver(books, tmp_path, "Europe/Paris", "Auckland time")

    with pytest.raises(BadInput, match="entity auckland: Auckland time is no time zone"):
        day_at(books, datetime(2026, 2, 10, 13, tzinfo=UTC))
