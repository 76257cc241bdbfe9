"""Ledgers that are drawn and built together, and how a batch agrees with the oracle or tells where
it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from oracle.balances import Books
from oracle.choices import Chosen, in_force
from oracle.comparison import Case, differences, report, spanning_differences
from oracle.ledger import Ledger
from oracle.published import Marts
from oracle.ratios import reporting_dates
from oracle.shrinking import shrink, shrink_together
from oracle.workshop import Workshop


@dataclass(frozen=True)
class Batch:
    """Ledgers that are built together, in a home that made these choices.

    One base currency makes the scopes exist that span entities.
    """

    as_of: date
    seed: int
    # What is drawn, and how often.
    of: tuple[tuple[SearchStrategy[Case], int], ...]
    home: Chosen = ()
    # What few ledgers drawn at random have.
    made: tuple[Ledger, ...] = ()

    @property
    def dates(self) -> list[date]:
        return reporting_dates(self.as_of, in_force(self.home).month_ends)


@cache
def drawn_cases(batch: Batch) -> dict[Case, str]:
    """Case → entity that it becomes.

    The same ones for the same seed and the same modules loaded: hypothesis also draws constants
    that it finds in our modules, so another order of tests may make other ledgers.
    """
    drawn = {
        Case(ledger, (), batch.home): f"M{number}"
        for number, ledger in enumerate(batch.made, start=1)
    }
    for strategy, ledgers in batch.of:
        for case in draw_cases(strategy, ledgers, batch.seed):
            drawn.setdefault(case, f"L{len(drawn) + 1}")
    return drawn


def draw_cases(strategy: SearchStrategy[Case], ledgers: int, number: int) -> list[Case]:
    """So many of them, by the seed of this number; some can be the same."""
    drawn: list[Case] = []

    @seed(number)
    @settings(
        max_examples=ledgers,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    return drawn


@dataclass(frozen=True)
class BuiltBatch:
    """The cases of a batch by entity, and what one build published of them."""

    batch: Batch
    entities: dict[Case, str]
    marts: Marts

    def books(self) -> dict[str, Books]:
        return {entity: case.books() for case, entity in self.entities.items()}

    def differences(self) -> Iterator[str]:
        """Of single ledgers."""
        for case, entity in self.entities.items():
            yield from differences(case, self.marts, entity, self.batch.dates)

    def spanning_differences(self) -> Iterator[str]:
        """Of the group, of segments and of custom attributes."""
        yield from spanning_differences(self.books(), self.marts, self.batch.home, self.batch.dates)


def build(batch: Batch, workshop: Workshop) -> BuiltBatch:
    drawn = drawn_cases(batch)
    ledgers = {entity: case.ledger for case, entity in drawn.items()}
    days = {entity: case.days for case, entity in drawn.items()}
    marts = workshop.build_ledgers(ledgers, batch.as_of, days, home=batch.home)
    return BuiltBatch(batch, drawn, marts)


def agree(built: BuiltBatch, workshop: Workshop) -> None:
    """Every ledger of the batch; the first that differs is shrunk and told."""
    batch = built.batch
    for case, entity in built.entities.items():
        if any(differences(case, built.marts, entity, batch.dates)):
            smallest, found = shrink(workshop, case, batch.as_of, batch.dates)
            raise AssertionError(report([smallest], found))


def agree_together(built: BuiltBatch, workshop: Workshop) -> None:
    """What spans the ledgers of the batch; those that it takes to differ are shrunk and told."""
    if any(built.spanning_differences()):
        batch = built.batch
        smallest, found = shrink_together(workshop, list(built.entities), batch.as_of, batch.dates)
        raise AssertionError(report(smallest, found))
