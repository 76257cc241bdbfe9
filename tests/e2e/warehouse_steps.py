"""The steps of a run as plain calls, and what a test looks at afterwards.

`encours run` costs seconds of imports; the steps behind it cost what they do.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from encours.loading.raw_schema import ensure_raw
from encours.orchestration import build, ingest
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings
from encours.transform import dbt
from encours.warehouse import ledger, publication
from encours.warehouse.connections import open_warehouse

COMMAND_SECONDS = 400
STREAMS = ("stdout", "stderr")
OWN_SCHEMAS = """
select nspname from pg_namespace
where nspname !~ '^(pg_|information_schema$|public$)'
"""
RAW_TABLES = """
select table_schema, table_name from information_schema.tables
where table_schema like 'raw\\_%' and table_type = 'BASE TABLE'
"""


def pipeline(settings: Settings) -> psycopg.Connection:
    """As the pipeline's role: it sees everything."""
    return psycopg.connect(open_warehouse(settings).pipeline_url, autocommit=True)


def rows(settings: Settings, query: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
    with pipeline(settings) as connection:
        return connection.execute(query, parameters or None).fetchall()


def empty(settings: Settings) -> None:
    """Back to a new home, without the seconds of starting a server."""
    with pipeline(settings) as connection:
        connection.execute("set lock_timeout = '20s'")
        for (name,) in connection.execute(OWN_SCHEMAS).fetchall():
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))
    for folder in (settings.landing_dir, settings.runs_dir, settings.inbox_dir):
        shutil.rmtree(folder, ignore_errors=True)
    (settings.home / "policies.yml").unlink(missing_ok=True)


def prepare(settings: Settings) -> None:
    """The schemas of a home that has run once."""
    with pipeline(settings) as connection:
        ledger.ensure_ledger(connection)
        ensure_raw(connection)


# --- ingest ------------------------------------------------------------------------------------


def ingest_fec(settings: Settings, *paths: Path) -> str:
    """Land and load; returns the run."""
    return ingest_source(settings, "fec", paths)


def ingest_files(settings: Settings, folder: Path) -> str:
    return ingest_source(settings, "files", [folder])


def ingest_source(settings: Settings, source: str, inputs: Sequence[Path]) -> str:
    run_id = new_run_id()
    landed = ingest.land(settings, source, run_id, [str(path) for path in inputs])
    ingest.load(settings, source, run_id, landed)
    return run_id


def raw_counts(settings: Settings) -> dict[str, int]:
    """Rows of every raw table."""
    with pipeline(settings) as connection:
        return {
            f"{schema}.{table}": connection.execute(
                sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
            ).fetchall()[0][0]
            for schema, table in connection.execute(RAW_TABLES).fetchall()
        }


# --- build and publish -------------------------------------------------------------------------


def build_candidate(
    settings: Settings,
    run_id: str = "",
    *,
    as_of: date | None = None,
    known_on: datetime | None = None,
) -> dbt.Build:
    """Date the run and build all layers, unaudited."""
    request = build.Request(run_id or new_run_id(), as_of, known_on)
    opened = build.open_build(settings, request)
    for layer in dbt.LAYERS:
        build.build_layer(settings, opened, layer)
    return opened


def judge(settings: Settings, opened: dbt.Build) -> str:
    """Audit and decide: `publish` or `hold`."""
    build.audit_candidate(settings, opened)
    return build.decide_publication(settings, opened.run_id)


def deliver_files(settings: Settings, folder: Path, files: Mapping[str, str]) -> str:
    """Write the files (stream → CSV) into the folder, land and load them; returns the run."""
    for stream, text in files.items():
        (folder / f"{stream}.csv").write_text(text.lstrip())
    return ingest_files(settings, folder)


def publish_files(
    settings: Settings, folder: Path, files: Mapping[str, str], as_of: date
) -> dbt.Build:
    """From files to marts: every step of a run."""
    run_id = deliver_files(settings, folder, files)
    opened = build_candidate(settings, run_id, as_of=as_of)
    assert judge(settings, opened) == "publish"
    build.publish_marts(settings, run_id)
    return opened


def publish_made_up(settings: Settings, run_id: str, amount: int) -> publication.Publication:
    """Publish marts made by hand: `mart_aged_balance` holds one amount."""
    prepare(settings)
    with pipeline(settings) as connection:
        make_candidate(connection, run_id, amount)
        write_verdict(connection, run_id, "publish")
        return publication.publish_candidate(connection, run_id, published_by="test")


def make_candidate(connection: psycopg.Connection, run_id: str, amount: int) -> None:
    ledger.start_run(connection, run_id)
    publication.prepare_candidate(connection, run_id)
    connection.execute(
        "create table marts_candidate.publication_info as select null::text as publication_id,"
        " %s::text as run_id, date '2024-12-31' as as_of_date,"
        " timestamptz '2025-01-02 08:00:00+00' as known_on, null::timestamptz as published_at",
        [run_id],
    )
    connection.execute(
        "create table marts_candidate.data_coverage (entity_id text, source text, stream text,"
        " first_business_date date, last_business_date date, last_extracted_at timestamptz,"
        " row_count bigint, is_stale boolean)"
    )
    connection.execute("create table marts_candidate.dim_entity (entity_id text, time_zone text)")
    connection.execute(
        "create table marts_candidate.mart_data_quality as"
        " select * from ops.judged_check with no data"
    )
    connection.execute(
        "create table marts_candidate.mart_aged_balance as"
        " select 'not_due'::text as bucket, %s::numeric(20, 2) as open_company_amount",
        [amount],
    )


def write_verdict(connection: psycopg.Connection, run_id: str, decision: str) -> None:
    connection.execute(
        "insert into ops.verdict (run_id, decision, reasons, decided_by)"
        " values (%s, %s, %s, 'gate')",
        [run_id, decision, [] if decision == "publish" else ["a control total differs"]],
    )


# --- the command -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    exit_status: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object of --json: the last line of stdout."""
        result: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return result

    @property
    def error(self) -> str:
        """The one line that says what is wrong; stderr holds progress besides."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("encours: ")]
        assert len(lines) == 1, self.stderr
        return lines[0].removeprefix("encours: ")


def encours(settings: Settings, *arguments: str | Path) -> Ran:
    """The command as a person runs it, in a process of its own that finds its libraries imported:
    they take ten seconds of a core, and tests run a hundred commands."""
    words = ("encours", *map(str, arguments), "--home", str(settings.home))
    surroundings = {name: value for name, value in os.environ.items() if "ENCOURS" not in name}
    with tempfile.TemporaryDirectory() as folder:
        process = _forkserver().Process(
            target=_run_command, args=(words, surroundings, Path(folder))
        )
        process.start()
        process.join(COMMAND_SECONDS)
        if process.is_alive():
            process.kill()
            raise TimeoutError(" ".join(words))
        output, errors = ((Path(folder) / name).read_text() for name in STREAMS)
    assert process.exitcode is not None
    return Ran(process.exitcode, output, errors)


@cache
def _forkserver() -> ForkServerContext:
    """Processes forked from one that has imported what `warm_imports` names."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm_imports"])
    with pytest.MonkeyPatch.context() as patch:
        # It does not take over the import path of the tests.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        forkserver.ensure_running()
    return context


def _run_command(words: Sequence[str], surroundings: Mapping[str, str], folder: Path) -> None:
    """The body of such a process."""
    os.chdir(words[-1])
    os.environ.clear()
    os.environ.update(surroundings)
    for descriptor, name in enumerate(STREAMS, start=1):
        stream = os.open(folder / name, os.O_WRONLY | os.O_CREAT)
        os.dup2(stream, descriptor)
        os.close(stream)
    sys.argv = list(words)
    # It keeps a copy of the stderr that it finds.
    from encours import cli

    cli.main()
