"""A hundred publications under readers: no statement sees half of one, or is refused.

A statement looks its tables up one after the other, and its rights after that. Readers ask for many
marts in one statement, in two orders, by connections that are kept and by new ones, without a
pause; at some of the publications, another has kept its transaction open.

make soak
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import warehouse_steps as steps

from encours.settings import Settings
from encours.warehouse import embedded, publication, quiet_moment
from encours.warehouse.connections import open_warehouse
from killed_runs import Tally
from readers import Readers

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

PUBLICATIONS = 100
UNDER_AN_OPEN_TRANSACTION = 12
# The last table again and again: a statement that takes a while to look up.
AMOUNTS = ", ".join(["(select open_company_amount::int from mart_aged_balance)"] * 30)
SEEN = f"""
select (select publication_id from publication_info) as publication_id,
    array[{AMOUNTS}] as amounts,
    (select publication_id from publication_info as again) as publication_again
"""
SEEN_FROM_THE_OTHER_END = f"""
select (select 'pub-' || lpad(open_company_amount::int::text, 6, '0') from mart_aged_balance),
    array[{AMOUNTS}] as amounts,
    (select publication_id from publication_info) as publication_id
"""


@pytest.fixture
def books() -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="encours-swap-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        settings = Settings(folder / "home")
        try:
            steps.prepare(settings)
            yield settings
        finally:
            embedded.stop(settings)


def test_no_statement_sees_half_a_publication(books: Settings, tally: Tally) -> None:
    steps.publish_made_up(books, "run-1", 1)
    url = open_warehouse(books).reader_url
    forth, back = (
        Readers(url, statement, half_of_one, polls_per_second=math.inf)
        for statement in (SEEN, SEEN_FROM_THE_OTHER_END)
    )
    seconds: list[float] = []

    with forth, back, steps.pipeline(books) as pipeline:
        for number in range(2, PUBLICATIONS + 1):
            steps.make_candidate(pipeline, f"run-{number}", number)
            steps.write_verdict(pipeline, f"run-{number}", "publish")
            with psycopg.connect(url) as stays:
                if number <= UNDER_AN_OPEN_TRANSACTION:
                    stays.execute("select from publication_info")
                started = time.monotonic()
                publication.publish_candidate(pipeline, f"run-{number}", published_by="test")
                seconds.append(time.monotonic() - started)

    reads, anomalies = forth.reads + back.reads, forth.anomalies + back.anomalies
    print(
        f"\n{PUBLICATIONS} publications, {reads:,} reads; a publication took"
        f" {statistics.median(seconds):.2f} s in the middle, {max(seconds):.2f} s at most"
    )
    tally.reads += reads
    tally.anomalies += len(anomalies)
    assert all(pace.reads > PUBLICATIONS for pace in (*forth.paces, *back.paces))
    assert forth.held_up == back.held_up == []
    assert anomalies == []
    assert max(seconds) < quiet_moment.PATIENCE_SECONDS


def half_of_one(row: tuple[Any, ...]) -> str:
    first, amounts, again = row
    is_whole = first == again and {f"pub-{amount:06d}" for amount in amounts} == {first}
    return "" if is_whole else f"{first}, {again}, {set(amounts)}"
