"""How long the server works on the statements of a run, by its own count.

dbt's time per model is no measure of our SQL: it holds dbt's own work, and with several threads the
same second several times over.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from encours.settings import Settings
from encours.warehouse.connections import Target, connect, open_warehouse
from encours.warehouse.embedded import ensure_started, stop

# Loading is timed as a whole, with the reading that overlaps it: its statements go through tables
# of what comes in.
TOTAL = """
    select coalesce(sum(total_exec_time + total_plan_time), 0) / 1000
    from pg_stat_statements
    where
        query not ilike 'copy%' and query not like '%incoming\\_%'
        and query not ilike '%pg_stat_statements%'
"""
LOADING = """
    select coalesce(extract(epoch from sum(finished_at - started_at)), 0)
    from ops.extraction where run_id = %s
"""


@dataclass(frozen=True)
class Statements:
    """The statement statistics of one home's server."""

    settings: Settings

    @classmethod
    def start(cls, settings: Settings) -> Statements:
        """Restart the server with its statistics on."""
        open_warehouse(settings)
        counted = cls(settings)
        with counted._connect() as connection:
            connection.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
            connection.execute("alter system set pg_stat_statements.track_planning = on")
        stop(settings)
        with counted._connect() as connection:
            connection.execute("create extension if not exists pg_stat_statements")
        return counted

    def reset(self) -> None:
        with self._connect() as connection:
            connection.execute("select pg_stat_statements_reset()")

    def seconds(self) -> float:
        """Planning and execution since the last reset, all sessions added up."""
        with self._connect() as connection:
            row = connection.execute(TOTAL).fetchone()
        assert row is not None
        return float(row[0])

    def loading_seconds(self, run_id: str) -> float:
        """Reading, landing and loading in one run, all sources added up."""
        with connect(open_warehouse(self.settings).pipeline_url) as connection:
            row = connection.execute(LOADING, [run_id]).fetchone()
        assert row is not None
        return float(row[0])

    def _connect(self) -> psycopg.Connection:
        server = ensure_started(self.settings)
        owner = Target(server.host, server.port, server.superuser, server.password, "postgres")
        return psycopg.connect(owner.url(), autocommit=True)
