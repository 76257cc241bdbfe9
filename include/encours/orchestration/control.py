"""What a person decides: release a held run, roll a publication back, rebuild a past date."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime

import psycopg

from encours.errors import BadInput, RetryableError
from encours.loading.arrivals import last_extraction
from encours.loading.raw_schema import ensure_raw
from encours.orchestration import alerting, announcement
from encours.orchestration.choices import read_chosen, write_chosen
from encours.orchestration.run_ids import checked_run_id
from encours.settings import Settings
from encours.transform import dbt
from encours.warehouse import ownership, publication, work_schemas
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.previous import expose_previous
from encours.warehouse.publication import Publication

log = logging.getLogger(__name__)
Announce = Callable[[Publication], None]
SHORTEST_REASON = 3
LONGEST_REASON = 1000
RESERVED_SCHEMAS = frozenset(
    {
        "marts",
        "marts_candidate",
        "ops",
        "previous",
        "public",
        "staging",
        "reference",
        "intermediate",
    }
)


def release(
    settings: Settings,
    run_id: str,
    *,
    released_by: str,
    reason: str,
    seen: int | None = None,
    announce: Announce | None = None,
) -> Publication:
    """`seen`: the row of the publication that the person saw when deciding, if it was shown.
    `announce` tells those who wait for new marts, where the process has a way of its own."""
    why = stated(reason)
    checked_run_id(run_id)
    with _connection(settings) as connection:
        publication.lock_build(connection)
        released = publication.release_candidate(
            connection, run_id, released_by=released_by, reason=why, seen=seen
        )
    # People first: the event of a command takes a process of its own.
    alerting.report_publication(settings)
    _announce(settings, released, announce)
    return released


def roll_back(
    settings: Settings,
    *,
    rolled_back_by: str,
    reason: str,
    seen: int | None = None,
    announce: Announce | None = None,
) -> Publication:
    """As `release`; nothing that was loaded changes, and nothing that is open has ended: what is
    held or late still is."""
    why = stated(reason)
    with _connection(settings) as connection:
        restored = publication.rollback_publication(
            connection, rolled_back_by=rolled_back_by, reason=why, seen=seen
        )
    _announce(settings, restored, announce)
    return restored


def stated(reason: str) -> str:
    """The reason as the ledger keeps it: one line. BadInput when there is none."""
    line = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    if len(line) < SHORTEST_REASON:
        raise BadInput("the reason is empty", mend="say why in a few words")
    if len(line) > LONGEST_REASON:
        raise BadInput("the reason is too long", mend=f"at most {LONGEST_REASON} characters")
    return line


def rebuild(
    settings: Settings, run_id: str, as_of_date: date, known_on: datetime | None, schema: str
) -> dbt.Build:
    """Build the marts of a past pair of dates into `schema`; the published ones stay as they are.

    The schema must be new or an earlier rebuild. Nothing is gated: it is for looking. Every date is
    worked out from the books; nothing is taken over from what is published. The choices are those
    of policies.yml as it stands, in tables of the rebuild's own.
    """
    chosen = read_chosen(settings)
    with _connection(settings) as connection:
        _claim_schema(connection, schema)
        known = known_on or last_extraction(connection)
        if known is None:
            raise BadInput("nothing is loaded yet", mend="encours run --fec FILE, or --files DIR")
        build = dbt.rebuild_of(dbt.Build(run_id, as_of_date, known), schema)
        write_chosen(connection, chosen, build.choices_schema)
        expose_previous(connection, None, build.previous_schema)
        warehouse_url = open_warehouse(settings).pipeline_url
        work_schemas.begin_work(connection, build.intermediate_schema, run_id)
        for layer in dbt.LAYERS:
            dbt.run_layer(settings, warehouse_url, build, layer)
        if not work_schemas.is_work_of(connection, build.intermediate_schema, run_id):
            raise RetryableError("the database crashed meanwhile: rebuild again")
    return build


def _announce(settings: Settings, published: Publication, announce: Announce | None) -> None:
    """What was published stands, whatever comes of announcing it."""
    try:
        if announce is None:
            announcement.announce(settings, published.publication_id, published.as_of_date)
        else:
            announce(published)
    except Exception:
        log.exception("%s is published, but was not announced", published.publication_id)


def _claim_schema(connection: psycopg.Connection, schema: str) -> None:
    if schema in RESERVED_SCHEMAS or schema.startswith(("raw_", "pg_", "marts_retired_")):
        raise BadInput(f"schema {schema} is not free for a rebuild", mend="choose another name")
    if not schema.isidentifier() or not schema.islower() or len(schema) > 50:
        raise BadInput(
            f"'{schema}' cannot be a schema name", mend="lower-case letters, digits and _"
        )
    mark = "encours rebuild"
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s",
        [schema],
    ).fetchone()
    # Else the schema made below is not there yet for dbt, which waits for it without end.
    connection.commit()
    if row is not None and row[0] != mark:
        raise BadInput(f"schema {schema} holds something else", mend="choose another name")
    with connection.transaction():
        for name in (schema, f"{schema}_work", f"{schema}_previous"):
            identifier = psycopg.sql.Identifier(name)
            connection.execute(
                psycopg.sql.SQL("drop schema if exists {} cascade").format(identifier)
            )
            connection.execute(psycopg.sql.SQL("create schema {}").format(identifier))
            connection.execute(
                psycopg.sql.SQL("comment on schema {} is {}").format(
                    identifier, psycopg.sql.Literal(mark)
                )
            )


def _connection(settings: Settings) -> psycopg.Connection:
    connection = connect(open_warehouse(settings).pipeline_url)
    ownership.claim(settings, connection)
    ensure_raw(connection)
    return connection
