"""A hundred publications under readers: no statement sees half of one, or is refused.

A statement looks its tables up one after the other, and its rights after that. Readers ask for many
marts in one statement, by a connection that is kept and by new ones, without a pause.

make soak
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import warehouse_steps as steps

from encours.settings import Settings
from encours.warehouse import embedded, publication
from encours.warehouse.connections import open_warehouse
from killed_runs import Tally

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

PUBLICATIONS = 100
# The last table again and again: a statement that takes a while to look up.
AMOUNTS = ", ".join(["(select open_company_amount::int from mart_aged_balance)"] * 30)
SEEN = f"""
select (select publication_id from publication_info) as publication_id,
    array[{AMOUNTS}] as amounts,
    (select publication_id from publication_info as again) as publication_again
"""


@dataclass
class Impatient:
    """Readers that ask again at once."""

    url: str
    reads: int = 0
    anomalies: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Impatient:
        self._threads = [
            threading.Thread(target=self._poll, args=[stays]) for stays in (True, False)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, stays: bool) -> None:
        while not self._done.is_set():
            with psycopg.connect(self.url, autocommit=True) as connection:
                self._look(connection)
                while stays and not self._done.is_set():
                    self._look(connection)

    def _look(self, connection: psycopg.Connection) -> None:
        self.reads += 1
        try:
            ((first, amounts, again),) = connection.execute(SEEN).fetchall()
        except psycopg.Error as error:
            self.anomalies.append(f"{type(error).__name__}: {error}")
            return
        if first != again or {f"pub-{amount:06d}" for amount in amounts} != {first}:
            self.anomalies.append(f"{first}, {again}, {set(amounts)}")


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

    with Impatient(open_warehouse(books).reader_url) as readers, steps.pipeline(books) as pipeline:
        for number in range(2, PUBLICATIONS + 1):
            steps.make_candidate(pipeline, f"run-{number}", number)
            steps.write_verdict(pipeline, f"run-{number}", "publish")
            publication.publish_candidate(pipeline, f"run-{number}", published_by="test")

    print(f"\n{PUBLICATIONS} publications, {readers.reads:,} reads")
    tally.reads += readers.reads
    tally.anomalies += len(readers.anomalies)
    assert readers.reads > PUBLICATIONS
    assert readers.anomalies == []
