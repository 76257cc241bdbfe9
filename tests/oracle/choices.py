"""Accounting choices of a company, as `<home>/policies.yml` has them and as they hold.

An entity's own choice wins over the home's, and that over the default (DECISIONS 34). Defaults are
those of contracts §3, written down here a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

# Policy and value as they are written; of the home, or of one entity.
Chosen = tuple[tuple[str, str], ...]

DEFAULTS = {
    "default_payment_days": "30",
    "month_ends": "36",
    "bucket_limits": "30|60|90|120",
    "unapplied": "separate",
    "zero_month": "pass",
    "countback_period": "month",
    "credit_note_month": "own",
    "disputed_in_dso": "in",
    "unapplied_in_dso": "in",
    "display_residue": "0",
    "attribute_values": "1000",
}
# Policy → why no random ledger can show it.
NOT_COVERED = {
    "fec_matching": "flat files name what settles what; tests/e2e/test_run_fec.py",
    "doubtful_in_dso": "only a FEC has an account 416; unit tests of int_aged_items",
    "stale_after_days": "of data_coverage, no figure of the receivables",
    "revaluation": "whether a missing rate holds; tests/e2e/test_exchange_rates.py",
    "rate_warn_after_days": "whether an old rate is reported; tests/e2e/test_exchange_rates.py",
    "rate_hold_after_days": "whether an old rate holds; tests/e2e/test_exchange_rates.py",
    "alert_dso_days": "of mart_alerts, no figure; unit tests of mart_alerts",
    "alert_overdue_ratio": "of mart_alerts, no figure; unit tests of mart_alerts",
    "alert_concentration_ratio": "of mart_alerts, no figure; unit tests of mart_alerts",
    "alert_delay_days": "of mart_alerts, no figure; unit tests of mart_alerts",
    "alert_days_overdue": "of mart_alerts, no figure; unit tests of mart_alerts",
}


@dataclass(frozen=True)
class Choices:
    """What holds for one entity, or for what spans entities."""

    default_payment_days: int
    month_ends: int
    bucket_limits: tuple[int, ...]
    unapplied: str
    zero_month: str
    countback_period: str
    credit_note_month: str
    disputed_in_dso: str
    unapplied_in_dso: str
    display_residue: Decimal
    attribute_values: int


def in_force(*chosen: Iterable[tuple[str, str]]) -> Choices:
    """The defaults, and over them what was chosen; the last one wins."""
    values = dict(DEFAULTS)
    for choices in chosen:
        values.update(choices)
    return Choices(
        default_payment_days=int(values["default_payment_days"]),
        month_ends=int(values["month_ends"]),
        bucket_limits=tuple(int(limit) for limit in values["bucket_limits"].split("|")),
        unapplied=values["unapplied"],
        zero_month=values["zero_month"],
        countback_period=values["countback_period"],
        credit_note_month=values["credit_note_month"],
        disputed_in_dso=values["disputed_in_dso"],
        unapplied_in_dso=values["unapplied_in_dso"],
        display_residue=Decimal(values["display_residue"]),
        attribute_values=int(values["attribute_values"]),
    )
