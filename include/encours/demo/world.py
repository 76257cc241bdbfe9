"""What all customers of one generation share."""

from __future__ import annotations

from dataclasses import dataclass

from encours.demo.companies import Entity
from encours.demo.days import Days
from encours.demo.events import Ids
from encours.demo.rates import BASE_CURRENCY, RATE_UNIT


@dataclass(frozen=True)
class World:
    """The first of the `entities` has most of the customers, which are companies from the
    `first_company` on."""

    seed: int
    days: Days
    rates: list[int]
    ids: Ids
    entities: tuple[Entity, ...]
    first_company: int = 0

    def rate(self, currency: str, day: int) -> int:
        return RATE_UNIT if currency == BASE_CURRENCY else self.rates[day]
