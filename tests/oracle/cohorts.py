"""The oracle's mart_invoice_cohorts: DECISIONS 43 and the page of figures.

What became of the invoices of each month by the end of that month and of each one after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from oracle import settled
from oracle.balances import ZERO, Books, Item, month_end
from oracle.tables import Quotient, Rows, Table

TABLE = Table(
    "mart_invoice_cohorts",
    ("issue_month", "age_months"),
    (
        "period_end_date",
        "is_complete",
        "company_currency_code",
        "billed_company_amount",
        "collected_company_amount",
        "collected_share",
        "credited_company_amount",
        "credited_share",
        "written_off_company_amount",
        "written_off_share",
        "open_company_amount",
    ),
)


def cohorts(books: Books, as_of: date) -> Rows:
    issued: dict[date, list[Item]] = defaultdict(list)
    for item in books.items:
        if item.item_type == "invoice" and item.issue_date <= as_of:
            issued[item.issue_date.replace(day=1)].append(item)
    rows: Rows = {}
    for month, items in issued.items():
        billed = billed_amount(books, items)
        day, age = min(month_end(month), as_of), 0
        while True:
            by_item = settled.by_item(books, day)
            collected, credited, written_off = (
                sum((by_item[item][kind] for item in items), ZERO)
                for kind in ("payment", "credit_note", "write_off")
            )
            rows[month, age] = {
                "period_end_date": day,
                "is_complete": day == month_end(day),
                "company_currency_code": books.ledger.base_currency,
                "billed_company_amount": billed,
                "collected_company_amount": collected,
                "collected_share": Quotient(collected, billed),
                "credited_company_amount": credited,
                "credited_share": Quotient(credited, billed),
                "written_off_company_amount": written_off,
                "written_off_share": Quotient(written_off, billed),
                "open_company_amount": billed - collected - credited - written_off,
            }
            if day == as_of:
                break
            day, age = min(month_end(day + timedelta(days=1)), as_of), age + 1
    return rows


def billed_amount(books: Books, items: Iterable[Item]) -> Decimal:
    """As issued: credit notes reduce what is left, not what was billed."""
    return sum((books.company(item, item.original_amount) for item in items), ZERO)
