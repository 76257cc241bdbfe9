"""What the ledger no longer needs: runs, readings and check results of long ago.

Publications stay for ever, with the run and the verdict of each. So do refused rows, which the
models read, and the last attempt of every stream. Check results stay with what can still be looked
at: the publications whose marts are kept, and everything that a person released.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

import psycopg

# In the order of what depends on what; each names its table first.
PRUNED: tuple[tuple[str, LiteralString], ...] = (
    (
        "check_result",
        """
        delete from ops.check_result as old
        where old.checked_at < %(before)s
            and not exists (
                select from ops.publication as kept
                where kept.run_id = old.run_id
                    and (
                        kept.action = 'release'
                        or kept.published_at >= %(before)s
                        or kept.publication_row >= (
                            -- A publication names the schema of the marts that it replaced: the
                            -- oldest marts that are kept are those of the one before it.
                            select max(older.publication_row) from ops.publication as older
                            where older.publication_row < (
                                select min(publication_row) from ops.publication
                                where retired_schema is not null
                            )
                        )
                        or kept.publication_row = (select max(publication_row) from ops.publication)
                    )
            )
            and old.run_id not in (
                select obj_description(oid, 'pg_namespace') from pg_namespace
                where nspname = 'marts_candidate'
                    and obj_description(oid, 'pg_namespace') is not null
            )
        """,
    ),
    (
        "extraction",
        """
        delete from ops.extraction as old
        where old.finished_at < %(before)s
            and exists (
                select from ops.extraction as newer
                where newer.source = old.source and newer.stream = old.stream
                    and newer.entity_id is not distinct from old.entity_id
                    and newer.extraction_id > old.extraction_id
            )
        """,
    ),
    (
        "verdict",
        """
        delete from ops.verdict as old
        where old.decided_at < %(before)s
            and not exists (select from ops.publication as kept where kept.run_id = old.run_id)
            and not exists (select from ops.check_result as kept where kept.run_id = old.run_id)
        """,
    ),
    (
        "run",
        """
        delete from ops.run as old
        where old.finished_at < %(before)s
            and not exists (select from ops.publication as kept where kept.run_id = old.run_id)
            and not exists (select from ops.check_result as kept where kept.run_id = old.run_id)
            and not exists (select from ops.verdict as kept where kept.run_id = old.run_id)
            and not exists (select from ops.extraction as kept where kept.run_id = old.run_id)
            and not exists (select from ops.rejected_row as kept where kept.run_id = old.run_id)
        """,
    ),
)


def prune_history(connection: psycopg.Connection, before: datetime) -> dict[str, int]:
    """Delete what ended before that moment and nothing needs. Returns rows by table."""
    with connection.transaction():
        return {
            table: connection.execute(statement, {"before": before}).rowcount
            for table, statement in PRUNED
        }
