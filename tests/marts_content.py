"""What the published marts say, without what stamps a run: two runs can be compared with `==`."""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql

STAMPS = frozenset(
    {
        "publication_id",
        "run_id",
        "published_at",
        "known_on",
        "known_at",
        "last_extracted_at",
        "previous_publication_id",
        "previous_known_on",
    }
)
# What tells of the runs themselves: another attempt is another row.
HISTORIES = frozenset({"mart_data_quality"})
COLUMNS: LiteralString = """
select table_name, array_agg(column_name::text order by ordinal_position)
from information_schema.columns where table_schema = %s group by table_name
"""

# One value per column, as PostgreSQL writes it: 1.0 and 1.00 are not the same bytes.
Row = tuple[str | None, ...]


def marts_content(url: str, schema: str = "marts") -> dict[str, list[Row]]:
    """Every table of the schema with its sorted rows, stamps left out.

    All tables are read in one snapshot: a publication in between cannot mix two contents.
    """
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return schema_content(connection, schema)


def schema_content(connection: psycopg.Connection, schema: str) -> dict[str, list[Row]]:
    """The same by a connection that is already open."""
    tables = dict(connection.execute(COLUMNS, [schema]).fetchall())
    return {
        table: _rows(connection, schema, table, [name for name in columns if name not in STAMPS])
        for table, columns in sorted(tables.items())
        if table not in HISTORIES
    }


def _rows(connection: psycopg.Connection, schema: str, table: str, columns: list[str]) -> list[Row]:
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns),
        sql.Identifier(schema, table),
    )
    return sorted(connection.execute(query).fetchall(), key=str)
