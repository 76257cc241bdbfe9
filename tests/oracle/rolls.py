"""The oracle's mart_roll_rates: DECISIONS 42 and the page of figures.

What of each bucket of a month end was paid, credited or written off by the next one, and where the
rest of it is then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from oracle import settled
from oracle.balances import ZERO, Books, OpenItem, bucket_of, oldest_buckets_first
from oracle.tables import Quotient, Rows, Table

TABLE = Table(
    "mart_roll_rates",
    ("period_end_date", "from_bucket", "to_state", "to_bucket"),
    (
        "period_start_date",
        "company_currency_code",
        "item_count",
        "rolled_company_amount",
        "from_company_amount",
        "roll_rate",
    ),
)
# What is gone is taken for the first of these that settled it, in this order.
GONE = (("write_off", "written_off"), ("credit_note", "credited"), ("payment", "paid"))


def rolls(books: Books, dates: Sequence[date]) -> Rows:
    rows: Rows = {}
    for start, end in pairwise(dates):
        whole: dict[str, Decimal] = defaultdict(Decimal)
        parts: dict[tuple[str, str, str | None], list[Decimal]] = defaultdict(list)
        for one in books.open_items(start):
            if one.item.item_type == "invoice":
                bucket = bucket_of(one.item, start, books.choices)
                whole[bucket] += one.company_amount
                for state, to_bucket, amount in destinations(books, one, start, end):
                    parts[bucket, state, to_bucket].append(amount)
        for (bucket, state, to_bucket), amounts in parts.items():
            # What is worth less than half a cent rolls nowhere.
            if whole[bucket]:
                rolled = sum(amounts, ZERO)
                rows[end, bucket, state, to_bucket] = {
                    "period_start_date": start,
                    "company_currency_code": books.ledger.base_currency,
                    "item_count": len(amounts),
                    "rolled_company_amount": rolled,
                    "from_company_amount": whole[bucket],
                    "roll_rate": Quotient(rolled, whole[bucket]),
                }
    return rows


def destinations(
    books: Books, one: OpenItem, start: date, end: date
) -> Iterator[tuple[str, str | None, Decimal]]:
    """State, bucket at the end and amount of each part of what was open at the start."""
    item, still_open = one.item, books.open_amounts(end).get(one.item, ZERO)
    rest = min(one.company_amount, books.company(item, still_open))
    gone = one.company_amount - rest
    before, after = (settled.by_item(books, day)[item] for day in (start, end))
    for kind, state in GONE:
        settled_since = max(after[kind] - before[kind], ZERO)
        # Whatever is left of it was paid: nothing else takes off a debt.
        part = gone if kind == "payment" else min(gone, settled_since)
        if part:
            yield state, None, part
        gone -= part
    if still_open:
        bucket_before, bucket = (bucket_of(item, day, books.choices) for day in (start, end))
        yield moved(books, bucket_before, bucket), bucket, rest


def moved(books: Books, before: str, after: str) -> str:
    if before == after:
        return "same"
    oldest_first = oldest_buckets_first(books.choices.bucket_limits)
    return "worse" if oldest_first.index(after) < oldest_first.index(before) else "better"
