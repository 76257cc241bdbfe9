"""What the next build follows: the published marts, as views in schema `previous`.

A build states what changed about the past since the publication before it, and takes over the items
of customers and the month ends whose facts did not change (warehouse/carrying.py). The views that
models read always exist: over the published marts, or empty before the first publication and after
an upgrade whose marts have other columns. Anything is taken over only from marts that the same
models built and that the gate let through by itself: else the views `carried_<table>` are empty,
and `day_digests` lacks what holds for every day, which then counts as changed.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from encours.contract import core_columns
from encours.warehouse.ledger import read_current

SCHEMA = "previous"
PUBLISHED = "marts"
DIGESTS = "day_digests"
OF_SOME_DAY = "business_date > date '0001-01-01'"
TABLES: Mapping[str, Mapping[str, str]] = {
    "publication_info": {
        "publication_id": "text",
        "as_of_date": "date",
        "known_on": "timestamp with time zone",
    },
    "data_coverage": {
        "entity_id": "text",
        "source": "text",
        "stream": "text",
        "last_business_date": "date",
        "last_extracted_at": "timestamp with time zone",
    },
    "data_profile": {
        "entity_id": "text",
        "measure": "text",
        "item": "text",
        "measured_value": "numeric",
        "row_count": "bigint",
    },
    "fct_receivable_movements": {
        "open_item_id": "text",
        "entity_id": "text",
        "customer_id": "text",
        "item_type": "text",
        "movement_date": "date",
        "movement_type": "text",
        "currency_code": "text",
        "amount": "numeric",
        "company_currency_code": "text",
        "company_amount": "numeric",
    },
    "fct_open_item_positions": {
        "open_item_id": "text",
        "customer_id": "text",
        "due_date": "date",
        "valid_from": "date",
        "valid_to": "date",
        "open_amount": "numeric",
        "open_company_amount": "numeric",
    },
    "mart_aged_balance": {
        "as_of_date": "date",
        "entity_id": "text",
        "customer_id": "text",
        "bucket": "text",
        "bucket_order": "integer",
        "open_company_amount": "numeric",
    },
    "mart_dso": {
        "as_of_date": "date",
        "scope_type": "text",
        "scope_value": "text",
        "dso_countback": "numeric",
        "dso_status": "text",
        "overdue_ratio_amount": "numeric",
    },
    "mart_payer_behaviour": {
        "as_of_date": "date",
        "entity_id": "text",
        "customer_id": "text",
        "avg_days_late_3m": "numeric",
    },
    "mart_restatements": {
        "as_of_date": "date",
        "entity_id": "text",
        "customer_id": "text",
        "open_item_id": "text",
        "item_type": "text",
        "document_number": "text",
        "cause": "text",
        "previous_due_date": "date",
        "due_date": "date",
        "currency_code": "text",
        "previous_open_amount": "numeric",
        "open_amount": "numeric",
        "company_currency_code": "text",
        "previous_open_company_amount": "numeric",
        "open_company_amount": "numeric",
        "change_company_amount": "numeric",
        "previous_publication_id": "text",
        "previous_known_on": "timestamp with time zone",
    },
    DIGESTS: {
        "fact_type": "text",
        "business_date": "date",
        "fact_count": "bigint",
        "digest": "numeric",
    },
}
# Facts of which rows are taken over, as `carried_<table>`: those of a customer of whom nothing
# changed, those of the months before the first change. Empty where nothing may be taken over.
CARRIED_FACTS = (
    "customer_digests",
    "document_attributes",
    "fct_documents",
    "fct_invoice_settlements",
    "fct_item_states",
    "fct_items",
    "fct_open_item_positions",
    "fct_open_items",
    "fct_receivable_movements",
    "scope_revenue_months",
)
# Marts with figures of past month ends, and the column with the date of the figures.
CARRIED: Mapping[str, str] = {
    "mart_aged_balance": "as_of_date",
    "mart_aged_balance_by_scope": "as_of_date",
    "mart_dso": "as_of_date",
    "mart_dso_bridge": "as_of_date",
    "mart_dso_explain": "as_of_date",
    "mart_kpi_monthly": "as_of_date",
    "mart_late_payments": "as_of_date",
    "mart_outstanding": "as_of_date",
    "mart_payer_behaviour": "as_of_date",
    "mart_roll_rates": "period_end_date",
    "mart_tie_out": "as_of_date",
}


def expose_previous(
    connection: psycopg.Connection, models_hash: str | None, schema: str = SCHEMA
) -> None:
    """Make the schema anew, its views pointing at what is published now.

    `models_hash` names the models of the build; None when it is to work out every date itself.
    """
    with connection.transaction():
        published = _published_columns(connection)
        complete = all(
            set(columns) <= published.get(name, set()) for name, columns in TABLES.items()
        )
        can_carry = complete and models_hash is not None and _built_by(connection) == models_hash
        if complete:
            _make_anew(connection, schema)
            show_marts(connection, PUBLISHED, schema, can_carry=can_carry)
        else:
            expose_nothing(connection, schema)


def expose_nothing(connection: psycopg.Connection, schema: str = SCHEMA) -> None:
    """As `expose_previous`, for a build that goes on from nothing: its views are empty."""
    with connection.transaction():
        _make_anew(connection, schema)
        _show_nothing(connection, schema)


def _make_anew(connection: psycopg.Connection, schema: str) -> None:
    """A view keeps its table when that is renamed: it would go on showing what is retired."""
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))


def show_marts(
    connection: psycopg.Connection, published: str, schema: str, *, can_carry: bool
) -> None:
    """Views over marts to follow: what models read, and what may be carried over."""
    for name in sorted({*TABLES, *(CARRIED if can_carry else ())}):
        is_cut = name == DIGESTS and not can_carry
        _show(
            connection, schema, name, _rows_of(published, name, OF_SOME_DAY if is_cut else "true")
        )
    for name in CARRIED_FACTS:
        rows = _rows_of(published, name) if can_carry else _no_rows(core_columns()[name])
        _show(connection, schema, f"carried_{name}", rows)


def _show_nothing(connection: psycopg.Connection, schema: str) -> None:
    empty = {**TABLES, **{f"carried_{name}": core_columns()[name] for name in CARRIED_FACTS}}
    for name, columns in empty.items():
        _show(connection, schema, name, _no_rows(columns))


def _show(connection: psycopg.Connection, schema: str, name: str, rows: sql.Composable) -> None:
    connection.execute(sql.SQL("create view {} as {}").format(sql.Identifier(schema, name), rows))


def _rows_of(published: str, name: str, condition: str = "true") -> sql.Composable:
    return sql.SQL("select * from {} where {}").format(
        sql.Identifier(published, name), sql.SQL(condition)
    )


def _no_rows(columns: Mapping[str, str]) -> sql.Composable:
    nothing = sql.SQL(", ").join(
        sql.SQL("cast(null as {}) as {}").format(sql.SQL(kind), sql.Identifier(column))
        for column, kind in columns.items()
    )
    return sql.SQL("select {} where false").format(nothing)


def _built_by(connection: psycopg.Connection) -> str | None:
    """The models behind the published marts; None where a person released or brought them back."""
    current = read_current(connection)
    if current is None or current["action"] != "publish":
        return None
    row = connection.execute(
        "select models_hash from ops.run where run_id = %s", [current["run_id"]]
    ).fetchone()
    return row[0] if row else None


def _published_columns(connection: psycopg.Connection) -> dict[str, set[str]]:
    rows = connection.execute(
        "select table_name, array_agg(column_name::text) from information_schema.columns"
        " where table_schema = %s group by table_name",
        [PUBLISHED],
    ).fetchall()
    return {name: set(columns) for name, columns in rows}
