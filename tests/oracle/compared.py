"""Which marts are compared row by row, and what the oracle says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from oracle.balances import Books
from oracle.behaviour import LATE_PAYMENTS, PAYERS, late_payments, payers
from oracle.bridge import TABLE as BRIDGE
from oracle.bridge import bridge
from oracle.cei import TABLE as CEI
from oracle.cei import cei_without_write_offs
from oracle.cohorts import TABLE as COHORTS
from oracle.cohorts import cohorts
from oracle.kpis import TABLE as KPIS
from oracle.kpis import kpis
from oracle.ratios import Scope
from oracle.rolls import TABLE as ROLLS
from oracle.rolls import rolls
from oracle.tables import Owner, Rows, row_differences

TABLES = (BRIDGE, CEI, COHORTS, KPIS, LATE_PAYMENTS, PAYERS, ROLLS)
# Table → whose rows → rows.
Tables = Mapping[str, Mapping[Owner, Rows]]


def entity_row_differences(
    entity: str,
    books: Books,
    customers: Mapping[str, Scope],
    published: Tables,
    dates: Sequence[date],
) -> Iterator[str]:
    """Of marts that have no scopes; `customers` by the id that the marts have."""
    for table, ours in (
        (KPIS, kpis(books, dates)),
        (ROLLS, rolls(books, dates)),
        (COHORTS, cohorts(books, dates[-1])),
        (PAYERS, payers(books, customers, dates)),
    ):
        theirs = published[table.name].get(("entity", entity), {})
        yield from row_differences(table.name, ours, theirs)


def scope_row_differences(
    owner: Owner, scope: Scope, published: Tables, dates: Sequence[date]
) -> Iterator[str]:
    """Of marts that have scopes, but none of single customers."""
    for table, ours in (
        (BRIDGE, bridge(scope, dates)),
        (CEI, cei_without_write_offs(scope, dates)),
        (LATE_PAYMENTS, late_payments(scope, dates)),
    ):
        theirs = published[table.name].get(owner, {})
        yield from row_differences(f"{table.name} of {' '.join(owner)}", ours, theirs)
