"""The flat files of the demo company: their columns and the rows that a life gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from encours.demo.customers import Customer
from encours.demo.days import Days
from encours.demo.events import Document, Life, Payment
from encours.demo.rates import BASE_CURRENCY, rate_text

Row = tuple[str, ...]
Rows = list[Row]

TEXT = "text"
DATE = "date"
MONEY = "money"
RATE = "rate"
WHOLE = "whole"
FLAG = "flag"


class Column(NamedTuple):
    name: str
    kind: str = TEXT


def _columns(layout: str) -> tuple[Column, ...]:
    return tuple(Column(*word.split(":")) for word in layout.split())


# Column order is that of the flat-file contract; custom attributes come last.
TABLES: dict[str, tuple[Column, ...]] = {
    "entities": _columns("entity_id entity_name siren base_currency time_zone"),
    "customers": _columns(
        "entity_id customer_id customer_name siren vat_number country_code sector region size_band"
        " payment_terms portfolio parent_customer_id credit_limit:money"
        " segment acquisition_channel"
    ),
    "documents": _columns(
        "entity_id document_id document_type document_number customer_id issue_date:date"
        " due_date:date currency_code amount_incl_tax:money amount_excl_tax:money"
        " exchange_rate:rate credited_document_id status business_unit order_channel"
    ),
    "instalments": _columns("entity_id document_id instalment_no:whole due_date:date amount:money"),
    "payments": _columns(
        "entity_id payment_id customer_id payment_type payment_date:date currency_code amount:money"
        " exchange_rate:rate method reference"
    ),
    "allocations": _columns(
        "entity_id allocation_id source_type source_id document_id instalment_no:whole"
        " amount:money reversed_on:date"
    ),
    "write_offs": _columns(
        "entity_id write_off_id document_id instalment_no:whole write_off_date:date amount:money"
        " reason"
    ),
    "disputes": _columns(
        "entity_id dispute_id document_id amount:money opened_on:date closed_on:date reason"
    ),
    "promises": _columns(
        "entity_id promise_id customer_id document_id amount:money promised_date:date"
        " recorded_on:date"
    ),
    "collection_cases": _columns(
        "entity_id case_id document_id stage opened_on:date closed_on:date"
    ),
    "dunning_actions": _columns(
        "entity_id action_id customer_id document_id level:whole channel is_automatic:flag"
        " action_date:date collector minutes_spent:whole cost:money"
    ),
    "credit_decisions": _columns(
        "buyer_id buyer_id_type provider policy_ref decision_status amount:money currency_code"
        " valid_from:date valid_to:date grade score:whole event_type event_at"
    ),
    "ledger_balances": _columns("entity_id account balance_date:date balance:money"),
    "exchange_rates": _columns("currency_code base_currency rate_date:date rate:rate"),
}


# Half of what is written is amounts: looking up the decimals is three times faster than padding.
_DECIMALS = tuple(f".{cents:02d}" for cents in range(100))


def money(cents: int) -> str:
    if cents < 0:
        return "-" + money(-cents)
    return f"{cents // 100}{_DECIMALS[cents % 100]}"


def customer_row(customer: Customer) -> Row:
    company = customer.company
    limit = customer.credit_limit
    return (
        customer.entity.entity_id, customer.customer_id, company.name, company.siren,
        company.vat_number, company.country_code, company.sector, company.region,
        customer.size_band, customer.terms, customer.portfolio, customer.parent_id,
        "" if limit is None else money(limit * 100), customer.segment,
        customer.acquisition_channel,
    )  # fmt: skip


def life_rows(customer: Customer, life: Life, days: Days) -> Iterable[tuple[str, Rows]]:
    """(table, rows) of one customer's life; tables without rows are left out."""
    entity, key = customer.entity.entity_id, customer.customer_id
    yield "documents", [_document_row(entity, key, d, days.iso) for d in life.documents]
    yield "instalments", _instalment_rows(entity, life, days.iso)
    yield "payments", [_payment_row(entity, key, p, days.iso) for p in life.payments]
    yield "allocations", _allocation_rows(entity, life, days.iso)
    if life.actions:
        yield "dunning_actions", _action_rows(entity, key, life, days.iso)
    yield from _rare_rows(entity, key, life, days.iso)


def _document_row(entity: str, customer_id: str, d: Document, iso: list[str]) -> Row:
    return (
        entity, d.document_id, d.kind, d.number, customer_id, iso[d.issue],
        "" if d.due is None else iso[d.due], d.currency, money(d.gross), money(d.net),
        "" if d.currency == BASE_CURRENCY else rate_text(d.rate), d.credited, d.status,
        d.unit, d.channel,
    )  # fmt: skip


def _payment_row(entity: str, customer_id: str, p: Payment, iso: list[str]) -> Row:
    return (
        entity, p.payment_id, customer_id, p.kind, iso[p.day], p.currency, money(p.amount),
        "" if p.currency == BASE_CURRENCY else rate_text(p.rate), p.method, p.reference,
    )  # fmt: skip


def _instalment_rows(entity: str, life: Life, iso: list[str]) -> Rows:
    return [
        (entity, document.document_id, str(part.number), iso[part.due], money(part.amount))
        for document in life.documents
        if len(document.parts) > 1
        for part in document.parts
    ]


def _allocation_rows(entity: str, life: Life, iso: list[str]) -> Rows:
    return [
        (
            entity, a.allocation_id, a.source_type, a.source_id, a.document_id,
            str(a.part) if a.part else "", money(a.amount),
            "" if a.reversed_on is None else iso[a.reversed_on],
        )
        for a in life.allocations
    ]  # fmt: skip


def _action_rows(entity: str, customer_id: str, life: Life, iso: list[str]) -> Rows:
    return [
        (
            entity, a.action_id, customer_id, a.document_id, str(a.level), a.channel,
            "true" if a.automatic else "false", iso[a.day], a.collector, str(a.minutes),
            money(a.cost),
        )
        for a in life.actions
    ]  # fmt: skip


def _rare_rows(
    entity: str, customer_id: str, life: Life, iso: list[str]
) -> Iterable[tuple[str, Rows]]:
    if life.write_offs:
        yield "write_offs", [
            (entity, w.write_off_id, w.document_id, str(w.part) if w.part else "", iso[w.day],
             money(w.amount), w.reason)
            for w in life.write_offs
        ]  # fmt: skip
    if life.disputes:
        yield "disputes", [
            (entity, d.dispute_id, d.document_id, "" if d.amount is None else money(d.amount),
             iso[d.opened], "" if d.closed is None else iso[d.closed], d.reason)
            for d in life.disputes
        ]  # fmt: skip
    if life.promises:
        yield "promises", [
            (entity, p.promise_id, customer_id, p.document_id, money(p.amount), iso[p.promised],
             iso[p.recorded])
            for p in life.promises
        ]  # fmt: skip
    if life.cases:
        yield "collection_cases", [
            (entity, c.case_id, c.document_id, c.stage, iso[c.opened],
             "" if c.closed is None else iso[c.closed])
            for c in life.cases
        ]  # fmt: skip
