"""An aged balance at a past date, asked of the published positions by one statement."""

from __future__ import annotations

import statistics
import time

from encours.settings import Settings
from encours.warehouse.connections import connect, open_warehouse

DATES = ("2024-03-15", "2024-11-30", "2025-07-14", "2026-02-27", "2026-06-30")
STATEMENT = """
    select
        customer_id,
        currency_code,
        case
            when item_type <> 'invoice' then 'unapplied_credit'
            when %(day)s::date - due_date <= 0 then 'not_due'
            when %(day)s::date - due_date <= 30 then 'overdue_1_30'
            when %(day)s::date - due_date <= 60 then 'overdue_31_60'
            when %(day)s::date - due_date <= 90 then 'overdue_61_90'
            else 'overdue_over_90'
        end as bucket,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        count(*) as item_count
    from marts.fct_open_item_positions
    where
        valid_from <= %(day)s::date
        and (valid_to is null or valid_to > %(day)s::date)
    group by 1, 2, 3
"""
SIZE = "select count(*), count(distinct open_item_id) from marts.fct_open_item_positions"
PUBLISHED = """
    select sum(open_company_amount) from marts.mart_aged_balance
    where as_of_date = %s having count(*) > 0
"""


def measure(settings: Settings) -> dict[str, float]:
    """Seconds by customer, currency and bucket: the first question and the median of five dates.

    ValueError where the statement and the published aged balance of a month end differ.
    """
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ((positions, items),) = connection.execute(SIZE).fetchall()
        seconds = []
        for day in DATES:
            started = time.monotonic()
            rows = connection.execute(STATEMENT, {"day": day}).fetchall()
            seconds.append(time.monotonic() - started)
            for published in connection.execute(PUBLISHED, [day]).fetchall():
                if (asked := sum(row[4] for row in rows)) != published[0]:
                    raise ValueError(f"{day}: {asked} by positions, {published[0]} published")
    return {
        "positions": positions,
        # Each leaves something open, and so begins another position of its item.
        "partial_settlements": positions - items,
        "past_balance_first_s": seconds[0],
        "past_balance_s": statistics.median(seconds),
    }
