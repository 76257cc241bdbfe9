"""The published figures of one entity, told so that they can be compared whatever their source.

One set of books keeps its names, dates and amounts through every system; ids are each system's own.
So an id is replaced by what a person calls the thing: the customer's name, the document's number,
the day and amount of a payment.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from marts_content import STAMPS, Row

Figures = dict[str, list[Row]]

# Tables of figures; the others describe the source itself, or rank across all entities.
TABLES = (
    "fct_open_items",
    "fct_open_item_positions",
    "fct_receivable_movements",
    "mart_aged_balance",
    "mart_outstanding",
    "mart_dso",
    "mart_dso_explain",
    "mart_dso_bridge",
    "mart_payer_behaviour",
    "mart_kpi_monthly",
    "mart_late_payments",
    "mart_invoice_cohorts",
    "mart_roll_rates",
)
# What each system numbers or words in its own way.
OWN = frozenset(
    {
        "source",
        "document_id",
        "source_document_id",
        "source_customer_id",
        "movement_id",
        "document_number",
    }
)
NAMES = """
select entity_id, 'the entity' from marts.dim_entity where entity_id = %(entity)s
union all
select customer_id, 'customer ' || customer_name from marts.dim_customer
where entity_id = %(entity)s
union all
select
    items.open_item_id,
    case
        when items.item_type in ('invoice', 'credit_note')
            then items.item_type || ' ' || items.document_number || ' '
                || coalesce(items.instalment_no, 1)::text
        else items.item_type || ' ' || customers.customer_name || ' ' || items.booking_date::text
            || ' ' || trim_scale(items.original_amount)::text
    end
from marts.fct_items as items
inner join marts.dim_customer as customers on items.customer_id = customers.customer_id
where items.entity_id = %(entity)s
"""


def figures(url: str, entity_id: str, *, without: Iterable[str] = ()) -> Figures:
    """The sorted rows of each table that are about this entity, with amounts by value (1.0 is
    1.00); `without` are columns that its source cannot know."""
    left_out = STAMPS | OWN | set(without)
    with psycopg.connect(url) as connection:
        names = dict(connection.execute(NAMES, {"entity": entity_id}).fetchall())
        return {
            table: sorted(
                (
                    tuple(names.get(value or "", value) for value in row)
                    for row in _rows(connection, table, left_out)
                    if not names.keys().isdisjoint(row)
                ),
                key=str,
            )
            for table in TABLES
        }


def _rows(connection: psycopg.Connection, table: str, left_out: set[str]) -> list[Row]:
    columns = connection.execute(
        "select column_name::text, data_type = 'numeric' from information_schema.columns"
        " where table_schema = 'marts' and table_name = %s order by ordinal_position",
        [table],
    ).fetchall()
    values = [
        sql.SQL("trim_scale({})::text" if is_numeric else "{}::text").format(sql.Identifier(name))
        for name, is_numeric in columns
        if name not in left_out
    ]
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(values), sql.Identifier("marts", table)
    )
    return connection.execute(query).fetchall()


def difference(ours: Figures, theirs: Figures) -> list[str]:
    """Of each table that differs a few rows of either side; empty where none does."""
    lines = []
    for table, rows in ours.items():
        only_here = sorted(set(rows) - set(theirs[table]), key=str)
        only_there = sorted(set(theirs[table]) - set(rows), key=str)
        if rows != theirs[table]:
            lines.append(f"{table}: {len(rows)} rows here, {len(theirs[table])} there")
            lines.extend(f"  only here  {row}" for row in only_here[:5])
            lines.extend(f"  only there {row}" for row in only_there[:5])
    return lines
