"""Exchange rates of the demo company: euros for one dollar, on business days only."""

from __future__ import annotations

from encours.demo.days import Days
from encours.demo.randomness import unit_draw

BASE_CURRENCY = "EUR"
FOREIGN_CURRENCY = "USD"
# Rates are whole millionths, so that conversion is exact integer arithmetic.
RATE_UNIT = 1_000_000

_MEAN_RATE = 915_000
_DAILY_STEP = 7_000


def convert(cents: int, rate: int) -> int:
    """Cents at a rate in millionths: half away from zero (amounts here are never negative)."""
    return (cents * rate + RATE_UNIT // 2) // RATE_UNIT


def dollar_rates(seed: int, days: Days) -> list[int]:
    """The rate of each day offset up to the end; days without a rate carry the last one."""
    draw = unit_draw(seed, "rates")
    rate = _MEAN_RATE
    table = []
    for day in range(days.end + 1):
        if days.target_days[day]:
            rate += int((draw() - 0.5) * _DAILY_STEP) + (_MEAN_RATE - rate) // 64
        table.append(rate)
    return table


def rate_text(rate: int) -> str:
    return f"{rate // RATE_UNIT}.{rate % RATE_UNIT:06d}"
