"""The schemas that models are worked out in. What stands there is made anew by each build, but for
what cannot differ: seeds, and the views of sources of which nothing has ever arrived.

The tables in between are not logged: a server that crashes comes back with all of them empty. What
works them out begins with a row that is lost with them, and asks for it afterwards."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

WORK = "work_in_progress"


def take_over(connection: psycopg.Connection, schemas: Iterable[str], models_hash: str) -> bool:
    """Whether a whole build of the same models made what stands in all of these schemas; else they
    are dropped, with what other models or half a build left in them. Takes their mark away."""
    names = sorted(set(schemas))
    with connection.transaction():
        rows = connection.execute(
            "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = any(%s)",
            [names],
        ).fetchall()
        stands = [row[0] for row in rows] == [_mark(models_hash)] * len(names)
        for name in names:
            connection.execute(
                sql.SQL(
                    "comment on schema {} is null" if stands else "drop schema if exists {} cascade"
                ).format(sql.Identifier(name))
            )
    return stands


def mark_made(connection: psycopg.Connection, schemas: Iterable[str], models_hash: str) -> None:
    """What stands in these schemas was made by a whole build of these models."""
    with connection.transaction():
        for name in sorted(set(schemas)):
            connection.execute(
                sql.SQL("comment on schema {} is {}").format(
                    sql.Identifier(name), sql.Literal(_mark(models_hash))
                )
            )


def begin_work(connection: psycopg.Connection, schema: str, run_id: str) -> None:
    """Note which run works in the schema, in a table that a crash of the server empties."""
    table = sql.Identifier(schema, WORK)
    with connection.transaction():
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        connection.execute(sql.SQL("drop table if exists {}").format(table))
        connection.execute(
            sql.SQL("create unlogged table {} as select {}::text as run_id").format(
                table, sql.Literal(run_id)
            )
        )


def is_work_of(connection: psycopg.Connection, schema: str, run_id: str) -> bool:
    """Whether what this run has worked out in the schema is still there."""
    with connection.transaction():
        row = connection.execute(
            "select to_regclass(%s) is not null", [f"{schema}.{WORK}"]
        ).fetchone()
        if row is None or not row[0]:
            return False
        rows = connection.execute(
            sql.SQL("select run_id from {}").format(sql.Identifier(schema, WORK))
        ).fetchall()
    return rows == [(run_id,)]


def _mark(models_hash: str) -> str:
    return f"made by models {models_hash}"
