"""Corruptions of files and answers that are found before they are loaded: raw stays as it was, or
the rows at fault are refused, which holds; and the person is told what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps
from plain_books import write_plain_books

from corruptions.good_books import good_books, write_delivery
from corruptions.in_the_files import DAY, REFUSED, Bench, Refused
from encours.errors import EncoursError
from encours.sandbox.books import World, read_world
from encours.sandbox.server import Sandbox
from encours.settings import Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.catalogue,
    pytest.mark.xdist_group("refused_at_loading"),
]


@pytest.fixture(scope="module")
def loaded(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that has loaded the good books of a company."""
    folder = tmp_path_factory.mktemp("good")
    steps.ingest_files(home, write_delivery([good_books("good", DAY)], DAY, folder))
    return home


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("served")
    write_plain_books(15, DAY, folder / "demo", folder / "plain")
    rows = list(read_world(folder / "plain").everything())
    with Sandbox(World(rows), limits=False) as sandbox:
        yield sandbox


@pytest.mark.parametrize("corruption", REFUSED, ids=lambda one: one.name)
def test_corruption_is_refused_and_told(
    loaded: Settings, served: Sandbox, tmp_path: Path, corruption: Refused, record_property: Any
) -> None:
    record_property("corruption", corruption.name)
    served.faults.clear()
    deliveries = _count(loaded)

    told = _told(Bench(loaded, tmp_path, served), corruption)

    assert corruption.told in told
    assert "\n" not in told
    assert told
    if _count(loaded) != deliveries:
        assert _held_rows(loaded) > 0


def _told(bench: Bench, corruption: Refused) -> str:
    """The error, or the reasons of the rows that were refused."""
    try:
        corruption.act(bench)
    except EncoursError as error:
        return str(error)
    return "; ".join(
        reason
        for (reason,) in steps.rows(
            bench.home,
            "select reason from ops.rejected_row where run_id ="
            " (select run_id from raw_files.deliveries order by extracted_at desc limit 1)",
        )
    )


def _count(home: Settings) -> int:
    """Deliveries and ledgers in raw."""
    ((count,),) = steps.rows(
        home,
        "select (select count(*) from raw_files.deliveries)"
        " + (select count(*) from raw_fec.ledger_files)",
    )
    return int(count)


def _held_rows(home: Settings) -> int:
    """Refused rows of the last delivery, any of which holds the publication."""
    ((count,),) = steps.rows(
        home,
        "select count(*) from ops.rejected_row where run_id ="
        " (select run_id from raw_files.deliveries order by extracted_at desc limit 1)",
    )
    return int(count)
