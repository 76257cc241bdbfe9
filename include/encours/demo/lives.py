"""The whole demo company, customer by customer: each one lives its life from its own draws.

Two passes over the invoice dates: the first only counts invoices by entity and day, so that the
second can give each invoice its legal number, rising with the date over all customers, without
holding the invoices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from encours.demo.companies import Entity
from encours.demo.customers import (
    Customer,
    Share,
    count_customers,
    describe_customer,
    entity_of,
    share_out,
)
from encours.demo.days import Days, issue_slots
from encours.demo.events import POSTED, Life
from encours.demo.pursuit import Pursuit
from encours.demo.randomness import Draw, unit_draw
from encours.demo.sales import Seller
from encours.demo.settlements import Settlement
from encours.demo.world import World

# Drafts are recent: what is not posted after a month has been thrown away.
_DRAFT_DAYS = 30
_DRAFT_SHARE = 0.08


@dataclass(frozen=True)
class Volume:
    """How much to generate."""

    invoices: int
    months: int


class Dating:
    """The issue days of each customer's invoices, the same ones at each pass."""

    def __init__(self, world: World) -> None:
        self._draw: Draw = unit_draw(world.seed, "dates")
        self._slots = issue_slots(world.days)
        self._draft_from = world.days.end - _DRAFT_DAYS

    def next_customer(self, share: Share) -> list[tuple[int, bool]]:
        """(day, is a draft) of each invoice, in date order."""
        draw, slots = self._draw, self._slots
        low = share.first * len(slots)
        width = (share.last - share.first) * len(slots)
        limit = len(slots) - 1
        issued = sorted(
            [slots[min(limit, int(low + width * draw()))] for _ in range(share.invoices)]
        )
        return [(day, day > self._draft_from and draw() < _DRAFT_SHARE) for day in issued]


class Numbering:
    """Invoice numbers of one entity: they restart each year and rise with the date."""

    def __init__(self, entity: Entity, days: Days) -> None:
        self._prefix = entity.number_prefix
        self._days = days
        self._next = [0] * (days.end + 1)

    def count(self, day: int) -> None:
        self._next[day] += 1

    def open(self) -> None:
        """Turns the counts of each day into the first number of that day."""
        last, year = 0, 0
        for day, count in enumerate(self._next):
            if self._days.year[day] != year:
                last, year = 0, self._days.year[day]
            self._next[day] = last + 1
            last += count

    def take(self, day: int) -> str:
        number = self._next[day]
        self._next[day] = number + 1
        return f"{self._prefix}{self._days.year[day]}-{number:07d}"


def customer_lives(world: World, volume: Volume) -> Iterator[tuple[Customer, Life]]:
    """Each customer with its life; entity by entity, in the order of the customer ids."""
    customers = count_customers(volume.invoices)
    numberings = _count_numbers(world, volume, customers)
    dating = Dating(world)
    for index, share in enumerate(share_out(world.seed, volume.invoices, customers)):
        customer = describe_customer(world, index, customers, share, volume.months)
        numbering = numberings[customer.entity.entity_id]
        yield customer, live(world, customer, dating.next_customer(share), numbering)


def live(
    world: World, customer: Customer, sales: list[tuple[int, bool]], numbering: Numbering
) -> Life:
    """One customer from its first invoice to the end of the history."""
    life = Life()
    draw = unit_draw(world.seed, "life", customer.index)
    seller = Seller(world, customer, life, draw)
    pursuit = Pursuit(world, life, draw, customer.index % 6)
    settlement = Settlement(world, customer, life, draw, seller, pursuit)
    for rank, (day, draft) in enumerate(sales):
        # A draft has no legal number yet: it must not leave a hole in the sequence.
        number = f"PROV-{customer.customer_id}-{rank + 1:04d}" if draft else numbering.take(day)
        invoice = seller.invoice(day, number, draft=draft)
        if invoice.status == POSTED:
            settlement.plan(invoice)
    settlement.pay_out()
    return life


def _count_numbers(world: World, volume: Volume, customers: int) -> dict[str, Numbering]:
    numberings = {entity.entity_id: Numbering(entity, world.days) for entity in world.entities}
    dating = Dating(world)
    for index, share in enumerate(share_out(world.seed, volume.invoices, customers)):
        numbering = numberings[entity_of(world.entities, index, customers).entity_id]
        for day, draft in dating.next_customer(share):
            if not draft:
                numbering.count(day)
    for numbering in numberings.values():
        numbering.open()
    return numberings
