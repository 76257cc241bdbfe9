"""What the warehouse publishes of each ledger, read by SQL in the shape that the oracle answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from oracle.balances import TakenOff
from oracle.compared import TABLES, Tables

CUSTOMER_KEY = "files:{entity}:{customer}"

# Any past date by the predicate that the contract promises to answer it.
POSITIONS = """
select positions.entity_id, days.day, positions.open_item_id, positions.open_amount,
    positions.open_company_amount
from {schema}.fct_open_item_positions as positions
inner join unnest(%s::text[], %s::date[]) as days (entity_id, day)
    on positions.entity_id = days.entity_id
    and positions.valid_from <= days.day
    and (positions.valid_to is null or positions.valid_to > days.day)
where positions.open_amount <> 0
"""
# The aged balance of any past date, as a reader of the positions writes it.
AGED_POSITIONS = """
select positions.entity_id, days.day, positions.customer_id, positions.currency_code,
    case
        when positions.item_type <> 'invoice' then 'unapplied_credit'
        when days.day <= positions.due_date then 'not_due'
        when days.day - positions.due_date <= 30 then 'overdue_1_30'
        when days.day - positions.due_date <= 60 then 'overdue_31_60'
        when days.day - positions.due_date <= 90 then 'overdue_61_90'
        when days.day - positions.due_date <= 120 then 'overdue_91_120'
        else 'overdue_over_120'
    end as bucket,
    sum(positions.open_amount), sum(positions.open_company_amount), count(*)
from {schema}.fct_open_item_positions as positions
inner join unnest(%s::text[], %s::date[]) as days (entity_id, day)
    on positions.entity_id = days.entity_id
    and positions.valid_from <= days.day
    and (positions.valid_to is null or positions.valid_to > days.day)
group by positions.entity_id, days.day, positions.customer_id, positions.currency_code, bucket
"""
# The same by issue date: the statement of docs/figures.md.
ISSUED_POSITIONS = """
select positions.entity_id, days.day, positions.customer_id, positions.currency_code,
    case
        when positions.item_type <> 'invoice' then 'unapplied_credit'
        when days.day - positions.issue_date <= 30 then 'issued_0_30'
        when days.day - positions.issue_date <= 60 then 'issued_31_60'
        when days.day - positions.issue_date <= 90 then 'issued_61_90'
        when days.day - positions.issue_date <= 120 then 'issued_91_120'
        else 'issued_over_120'
    end as issue_bucket,
    sum(positions.open_amount), sum(positions.open_company_amount), count(*)
from {schema}.fct_open_item_positions as positions
inner join unnest(%s::text[], %s::date[]) as days (entity_id, day)
    on positions.entity_id = days.entity_id
    and positions.valid_from <= days.day
    and (positions.valid_to is null or positions.valid_to > days.day)
group by
    positions.entity_id, days.day, positions.customer_id, positions.currency_code, issue_bucket
"""
MOVEMENTS = """
select movements.entity_id, days.day, movements.open_item_id, sum(movements.amount),
    sum(movements.company_amount)
from {schema}.fct_receivable_movements as movements
inner join unnest(%s::text[], %s::date[]) as days (entity_id, day)
    on movements.entity_id = days.entity_id
    and movements.movement_date <= days.day
group by movements.entity_id, days.day, movements.open_item_id
having sum(movements.amount) <> 0
"""
OPEN_ITEMS = """
select entity_id, open_item_id, open_amount, open_company_amount, open_revalued_amount,
    revaluation_rate_date, bucket, due_date, promised_date, days_since_issue, issue_bucket,
    paid_amount, credited_amount, written_off_amount, paid_after_asof_amount, first_paid_on
from {schema}.fct_open_items
"""
AGED_BALANCE = """
select entity_id, as_of_date, customer_id, currency_code, bucket, open_amount, open_company_amount,
    item_count
from {schema}.mart_aged_balance
where open_amount <> 0 or open_company_amount <> 0 or item_count <> 0
"""
AGED_BY_ISSUE_DATE = """
select entity_id, as_of_date, customer_id, currency_code, issue_bucket, open_amount,
    open_company_amount, item_count
from {schema}.mart_aged_balance_by_issue_date
"""
OUTSTANDING = """
select entity_id, as_of_date, customer_id, status, open_company_amount, item_count
from {schema}.mart_outstanding
where open_company_amount <> 0 or item_count <> 0
"""
DSO = """
select dso.scope_type, dso.scope_value, dso.as_of_date, dso.outstanding_company_amount,
    dso.dso_receivables_company_amount, dso.overdue_company_amount, dso.dso_countback,
    dso.dso_status, dso.dso_remainder_amount, dso.dso_best_possible, dso.average_days_delinquent,
    dso.dso_accounting_90, dso.dso_accounting_365, dso.cei, dso.overdue_ratio_amount,
    dso.overdue_ratio_count
from {schema}.mart_dso as dso
"""
EXPLAIN = """
select explain.scope_type, explain.scope_value, explain.as_of_date, explain.month_start,
    explain.revenue_company_amount, explain.consumed_company_amount, explain.days_added
from {schema}.mart_dso_explain as explain
"""
AGED_BY_SCOPE = """
select scope_type, scope_value, as_of_date, currency_code, bucket, open_amount,
    open_company_amount, item_count
from {schema}.mart_aged_balance_by_scope
"""
FUTURE_DOCUMENTS = """
select entity_id, source_document_id, original_amount
from {schema}.mart_future_dated_documents
"""
TOP_DEBTORS = """
select company_currency_code, entity_id, customer_id, open_company_amount, days_overdue
from {schema}.mart_top_debtors
order by company_currency_code, rank
"""
TOP_OVERDUE_INVOICES = """
select company_currency_code, entity_id, open_item_id, open_company_amount, days_overdue
from {schema}.mart_top_overdue_invoices
order by company_currency_code, rank
"""

Amounts = tuple[Decimal, Decimal]
# Date → customer, currency and bucket → open amount, company amount, items.
AgedBalances = dict[date, dict[tuple[str, str, str], tuple[Decimal, Decimal, int]]]
ScopeKey = tuple[str, str]


@dataclass
class Published:
    """The marts of one ledger. Customers and items bear the ids that they have in the ledger."""

    positions: dict[date, dict[str, Amounts]] = field(default_factory=dict)
    movements: dict[date, dict[str, Amounts]] = field(default_factory=dict)
    open_items: dict[str, Amounts] = field(default_factory=dict)
    revalued: dict[str, tuple[Decimal | None, date | None]] = field(default_factory=dict)
    ageing: dict[str, tuple[str, date | None, date | None]] = field(default_factory=dict)
    issue_ageing: dict[str, tuple[int, str]] = field(default_factory=dict)
    taken_off: dict[str, TakenOff] = field(default_factory=dict)
    aged_balance: AgedBalances = field(default_factory=dict)
    aged_by_issue_date: AgedBalances = field(default_factory=dict)
    aged_positions: AgedBalances = field(default_factory=dict)
    issued_positions: AgedBalances = field(default_factory=dict)
    outstanding: dict[date, dict[tuple[str, str], tuple[Decimal, int]]] = field(
        default_factory=dict
    )
    debtors: dict[str, tuple[Decimal, int | None]] = field(default_factory=dict)
    overdue_invoices: dict[str, tuple[Decimal, int | None]] = field(default_factory=dict)
    future_documents: dict[str, Decimal] = field(default_factory=dict)


@dataclass
class ScopeFigures:
    """mart_dso, mart_dso_explain and mart_aged_balance_by_scope of one scope."""

    dso: dict[date, dict[str, Any]] = field(default_factory=dict)
    explain: dict[date, dict[date, tuple[Decimal, Decimal, Decimal]]] = field(default_factory=dict)
    aged_balance: dict[date, dict[tuple[str, str], tuple[Decimal, Decimal, int]]] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Marts:
    """A whole build: ledgers by entity, and the scopes by type and value."""

    ledgers: Mapping[str, Published]
    scopes: Mapping[ScopeKey, ScopeFigures]
    # Company currency → amounts by rank.
    ranked_debtors: Mapping[str, list[Decimal]]
    ranked_overdue_invoices: Mapping[str, list[Decimal]]
    tables: Tables
    # Entity and reason of every row that the warehouse could not use.
    refused: tuple[tuple[str, str], ...] = ()

    def customer_scope(self, entity: str, customer_id: str) -> ScopeFigures:
        value = CUSTOMER_KEY.format(entity=entity, customer=customer_id)
        return self.scopes.get(("customer", value), ScopeFigures())

    def scope(self, scope_type: str, value: str) -> ScopeFigures:
        return self.scopes.get((scope_type, value), ScopeFigures())


def read_marts(
    connection: psycopg.Connection, schema: str, days: Mapping[str, Iterable[date]]
) -> Marts:
    """Everything that is compared; positions and movements at the given days of each entity."""
    pairs = [(entity, day) for entity, of_entity in days.items() for day in of_entity]
    wanted = [[entity for entity, _ in pairs], [day for _, day in pairs]]
    ledgers: dict[str, Published] = {entity: Published() for entity in days}

    def rows(query: LiteralString, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        text = sql.SQL(query).format(schema=sql.Identifier(schema))
        return connection.execute(text, parameters).fetchall()

    for entity, day, item, *amounts in rows(POSITIONS, wanted):
        ledgers[entity].positions.setdefault(day, {})[_item(item)] = (amounts[0], amounts[1])
    _put_aged(rows(AGED_POSITIONS, wanted), lambda entity: ledgers[entity].aged_positions)
    _put_aged(rows(ISSUED_POSITIONS, wanted), lambda entity: ledgers[entity].issued_positions)
    for entity, day, item, *amounts in rows(MOVEMENTS, wanted):
        ledgers[entity].movements.setdefault(day, {})[_item(item)] = (amounts[0], amounts[1])
    for entity, item, *amounts in rows(OPEN_ITEMS):
        ledgers[entity].open_items[_item(item)] = (amounts[0], amounts[1])
        ledgers[entity].revalued[_item(item)] = (amounts[2], amounts[3])
        ledgers[entity].ageing[_item(item)] = (amounts[4], amounts[5], amounts[6])
        ledgers[entity].issue_ageing[_item(item)] = (amounts[7], amounts[8])
        ledgers[entity].taken_off[_item(item)] = TakenOff(*amounts[9:])
    _put_aged(rows(AGED_BALANCE), lambda entity: ledgers[entity].aged_balance)
    _put_aged(rows(AGED_BY_ISSUE_DATE), lambda entity: ledgers[entity].aged_by_issue_date)
    for entity, day, customer, status, amount, count in rows(OUTSTANDING):
        ledgers[entity].outstanding.setdefault(day, {})[_customer(customer), status] = (
            amount,
            count,
        )
    for entity, document, amount in rows(FUTURE_DOCUMENTS):
        ledgers[entity].future_documents[document] = amount
    debtors: dict[str, list[Decimal]] = defaultdict(list)
    for currency, entity, customer, amount, days_overdue in rows(TOP_DEBTORS):
        debtors[currency].append(amount)
        ledgers[entity].debtors[_customer(customer)] = (amount, days_overdue)
    overdue_invoices: dict[str, list[Decimal]] = defaultdict(list)
    for currency, entity, item, amount, days_overdue in rows(TOP_OVERDUE_INVOICES):
        overdue_invoices[currency].append(amount)
        ledgers[entity].overdue_invoices[_item(item)] = (amount, days_overdue)
    scopes = _read_scopes(rows(DSO), rows(EXPLAIN), rows(AGED_BY_SCOPE))
    tables = {table.name: table.read(connection, schema) for table in TABLES}
    return Marts(ledgers, scopes, dict(debtors), dict(overdue_invoices), tables)


def _put_aged(rows: Iterable[tuple[Any, ...]], place: Callable[[str], AgedBalances]) -> None:
    for entity, day, customer, currency, bucket, *sums in rows:
        key = (_customer(customer), currency, bucket)
        place(entity).setdefault(day, {})[key] = (sums[0], sums[1], sums[2])


def _read_scopes(
    dso: list[tuple[Any, ...]], explain: list[tuple[Any, ...]], aged: list[tuple[Any, ...]]
) -> dict[ScopeKey, ScopeFigures]:
    names = (
        "outstanding",
        "dso_receivables",
        "overdue",
        "dso_countback",
        "dso_status",
        "dso_remainder_amount",
        "dso_best_possible",
        "average_days_delinquent",
        "dso_accounting_90",
        "dso_accounting_365",
        "cei",
        "overdue_ratio_amount",
        "overdue_ratio_count",
    )
    scopes: dict[ScopeKey, ScopeFigures] = defaultdict(ScopeFigures)
    for scope_type, value, day, *figures in dso:
        scopes[scope_type, value].dso[day] = dict(zip(names, figures, strict=True))
    for scope_type, value, day, month, revenue, consumed, added in explain:
        scopes[scope_type, value].explain.setdefault(day, {})[month] = (revenue, consumed, added)
    for scope_type, value, day, currency, bucket, *sums in aged:
        of_day = scopes[scope_type, value].aged_balance.setdefault(day, {})
        of_day[currency, bucket] = (sums[0], sums[1], sums[2])
    return dict(scopes)


def _item(open_item_id: str) -> str:
    """`files:E:document:I1:2` → `I1/2`, `files:E:payment:P1` → `P1/payment`."""
    _, _, kind, name, *instalment = open_item_id.split(":")
    return (
        f"{name}/{instalment[0] if instalment else 1}" if kind == "document" else f"{name}/{kind}"
    )


def _customer(customer_id: str) -> str:
    return customer_id.rpartition(":")[2]
