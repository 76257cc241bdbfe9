"""A few credit decisions of a made-up provider, keyed by the void SIREN of the customer."""

from __future__ import annotations

from encours.demo.customers import Customer
from encours.demo.days import Days
from encours.demo.randomness import unit_draw, whole
from encours.demo.rates import BASE_CURRENCY
from encours.demo.tables import Row, Rows, money

PROVIDER = "demo"
_POLICY = "DEMO-POL-1"
_EVERY = 25
_GRADES = ("A", "B", "C", "D", "E")
_GRADE_OF_PAYER = {"exemplary": 0, "regular": 1, "slow": 2, "bad": 3, "failing": 4}


def decision_rows(seed: int, customer: Customer, days: Days) -> Rows:
    """One customer in 25 has a limit; for the bad payers among them it was cut later on.

    An insurer decides on a company once: on behalf of the first of two entities that sell to it.
    """
    if customer.index % _EVERY or not customer.company.siren or customer.repeats_company:
        return []
    draw = unit_draw(seed, "credit", customer.index)
    length = days.end - days.start
    granted = days.start + whole(draw, max(1, length // 2))
    rank = _GRADE_OF_PAYER[customer.payer.kind]
    grade = _GRADES[min(4, max(0, rank + whole(draw, 3) - 1))]
    score = 88 - 17 * rank + whole(draw, 10)
    amount = (customer.credit_limit or 5_000) * 100
    if rank < 3:
        return [_row(customer, days, (granted, None), ("granted", "limit_granted"), amount,
                     (grade, score))]  # fmt: skip
    cut = granted + whole(draw, max(1, days.end - granted))
    change = ("refused", "limit_withdrawn") if rank == 4 else ("partial", "limit_reduced")
    left = 0 if rank == 4 else amount // 2
    return [
        _row(customer, days, (granted, cut), ("granted", "limit_granted"), amount, ("B", 70)),
        _row(customer, days, (cut, None), change, left, (grade, score)),
    ]


def _row(
    customer: Customer,
    days: Days,
    valid: tuple[int, int | None],
    decision: tuple[str, str],
    amount: int,
    opinion: tuple[str, int],
) -> Row:
    since, until = valid
    status, event = decision
    grade, score = opinion
    return (
        customer.company.siren, "siren", PROVIDER, _POLICY, status, money(amount), BASE_CURRENCY,
        days.iso[since], "" if until is None else days.iso[until], grade, str(score), event,
        f"{days.iso[since]}T08:00:00Z",
    )  # fmt: skip
