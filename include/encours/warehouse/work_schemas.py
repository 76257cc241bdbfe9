"""The schemas that models are worked out in. What stands there is made anew by each build, but for
what cannot differ: seeds, and the views of sources of which nothing has ever arrived."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql


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


def _mark(models_hash: str) -> str:
    return f"made by models {models_hash}"
