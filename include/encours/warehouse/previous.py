"""What the next build is compared with: the published marts, as views in schema `previous`.

A build states what changed about the past since the publication before it. The views always exist:
over the published marts, or empty before the first publication and after an upgrade whose marts
have other columns.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

SCHEMA = "previous"
PUBLISHED = "marts"
TABLES: Mapping[str, Mapping[str, str]] = {
    "publication_info": {
        "publication_id": "text",
        "as_of_date": "date",
        "known_on": "timestamp with time zone",
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
        "open_company_amount": "numeric",
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
}


def expose_previous(connection: psycopg.Connection) -> None:
    """Point the views at what is published now."""
    with connection.transaction():
        published = _published_columns(connection)
        complete = all(
            set(columns) <= published.get(name, set()) for name, columns in TABLES.items()
        )
        # A view keeps its table when that is renamed: it would go on showing what is retired.
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(SCHEMA))
        )
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
        for name, columns in TABLES.items():
            connection.execute(_view(name, columns, complete))


def _published_columns(connection: psycopg.Connection) -> dict[str, set[str]]:
    rows = connection.execute(
        "select table_name, array_agg(column_name::text) from information_schema.columns"
        " where table_schema = %s group by table_name",
        [PUBLISHED],
    ).fetchall()
    return {name: set(columns) for name, columns in rows}


def _view(name: str, columns: Mapping[str, str], complete: bool) -> sql.Composed:
    if complete:
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(PUBLISHED, name)
        )
    else:
        query = sql.SQL("select {} where false").format(
            sql.SQL(", ").join(
                sql.SQL("cast(null as {}) as {}").format(sql.SQL(kind), sql.Identifier(column))
                for column, kind in columns.items()
            )
        )
    return sql.SQL("create view {} as {}").format(sql.Identifier(SCHEMA, name), query)
