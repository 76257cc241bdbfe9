"""The exchange rates of every delivery of this folder: they belong to no entity.

As-of dates of the tests fall on a published day, between two, and before the first; nobody ever
publishes dinars in euros.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Rate:
    """One unit of the currency in the base currency, from that day until the next rate."""

    currency_code: str
    base_currency: str
    rate_date: date
    rate: Decimal


PUBLISHED = tuple(
    Rate(currency, base, date.fromisoformat(day), Decimal(rate))
    for currency, base, day, rate in (
        ("USD", "EUR", "2024-02-28", "0.9229"),
        ("USD", "EUR", "2024-02-29", "0.9237"),
        ("USD", "EUR", "2024-03-01", "0.9240"),
        ("USD", "EUR", "2024-06-14", "0.93501"),
        ("USD", "EUR", "2024-06-17", "0.9330"),
        ("USD", "EUR", "2025-04-10", "0.85"),
        ("USD", "EUR", "2025-04-20", "0.99"),
        ("JPY", "EUR", "2024-06-15", "0.005931"),
        ("JPY", "EUR", "2024-12-31", "0.00613345"),
        ("USD", "JPY", "2024-06-14", "157.29"),
        ("EUR", "TND", "2024-05-31", "3.3744"),
        ("EUR", "TND", "2024-07-01", "3.37"),
    )
)


def last_published(currency_code: str, base_currency: str, day: date) -> Rate | None:
    """The last rate on or before the day; None, never 1, where there is none."""
    known = [
        rate
        for rate in PUBLISHED
        if (rate.currency_code, rate.base_currency) == (currency_code, base_currency)
        and rate.rate_date <= day
    ]
    return max(known, key=lambda rate: rate.rate_date, default=None)
