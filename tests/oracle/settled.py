"""What settled which invoice by a day, in the base currency: DECISIONS 5 and 22."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

from oracle.balances import Books, Item, Placed

# Kind of settlement → amount.
ByKind = dict[str, Decimal]


@lru_cache(maxsize=10_000)
def in_force(books: Books, day: date) -> list[tuple[Placed, Decimal]]:
    """What is settled of invoices at `day`, and what of the company amount that is."""
    return [
        (placed, amount)
        for placed, amount in company_amounts(books, books.placed(day))
        if placed.item.item_type == "invoice"
    ]


@lru_cache(maxsize=10_000)
def by_item(books: Books, day: date) -> dict[Item, ByKind]:
    """Invoice item → what payments, credit notes and write-offs have settled of it by `day`."""
    amounts: dict[Item, ByKind] = defaultdict(lambda: defaultdict(Decimal))
    for placed, amount in in_force(books, day):
        amounts[placed.item][placed.settlement.kind] += amount
    return amounts


def written_off(books: Books, after: date, until: date) -> Iterator[tuple[Placed, Decimal]]:
    """What write-offs took off in (after, until], each when it took effect."""
    days = {settlement.starts for settlement in books.settlements if settlement.kind == "write_off"}
    for day in sorted(day for day in days if after < day <= until):
        for placed, amount in in_force(books, day):
            if placed.settlement.kind == "write_off" and placed.settlement.starts == day:
                yield placed, amount


def company_amounts(books: Books, placed: Iterable[Placed]) -> list[tuple[Placed, Decimal]]:
    """What each took off the rounded balance of its item, oldest first, so that they add up."""
    room: dict[Item, Decimal] = {}
    amounts = []
    for one in sorted(placed, key=lambda p: (p.settlement.starts, p.settlement.settlement_id)):
        before = room.get(one.item, abs(one.item.original_amount))
        room[one.item] = before - one.amount
        company = books.company(one.item, before) - books.company(one.item, room[one.item])
        amounts.append((one, company))
    return amounts
