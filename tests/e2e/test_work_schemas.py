"""What stands in the schemas of the models from one build to the next."""

from __future__ import annotations

import os
import signal
from datetime import date

import psycopg
import pytest
import warehouse_steps as steps
from plain_books import write_plain_books

from encours.orchestration import build
from encours.settings import Settings
from encours.transform import dbt
from encours.warehouse import work_schemas
from encours.warehouse.connections import open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("work_schemas")]

AS_OF = date(2026, 6, 30)
# A relation keeps its number for as long as it is not made anew.
NUMBER = "select to_regclass(%s)::oid::bigint"

SESSIONS = "select sessions from pg_stat_database where datname = current_database()"


def number_of(home: Settings, relation: str) -> int | None:
    number: int | None = steps.rows(home, NUMBER, relation)[0][0]
    return number


@pytest.fixture(scope="module")
def sessions_of_a_build(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many connections the building of a first candidate opened."""
    books = tmp_path_factory.mktemp("books")
    write_plain_books(40, AS_OF, books / "demo", books / "plain")
    steps.ingest_files(home, books / "plain")
    before = steps.rows(home, SESSIONS)[0][0]
    steps.build_candidate(home, as_of=AS_OF)
    sessions: int = steps.rows(home, SESSIONS)[0][0] - before
    return sessions


@pytest.fixture(scope="module")
def built(home: Settings, sessions_of_a_build: int) -> Settings:
    return home


def mark(home: Settings, models_hash: str) -> None:
    with steps.pipeline(home) as connection:
        work_schemas.mark_made(connection, ("staging", "reference", "intermediate"), models_hash)


def test_models_of_a_layer_share_their_connections(sessions_of_a_build: int) -> None:
    # dbt opens one for each of three hundred models.
    assert sessions_of_a_build < 60


@pytest.mark.soak
def test_second_build_leaves_seeds_and_makes_tables_anew(built: Settings) -> None:
    seed, table = "reference.currencies", "intermediate.int_documents_checked"
    before = [number_of(built, name) for name in (seed, table)]

    steps.build_candidate(built, as_of=AS_OF)

    assert number_of(built, seed) == before[0] is not None
    assert number_of(built, table) not in (before[1], None)


@pytest.mark.soak
def test_views_of_a_source_that_was_never_read_are_left(built: Settings) -> None:
    with steps.pipeline(built) as connection:
        connection.execute("comment on view staging.stg_odoo__documents is 'left'")
        connection.execute("drop view staging.stg_files__promises cascade")

    steps.build_candidate(built, as_of=AS_OF)

    left = "select obj_description('staging.stg_odoo__documents'::regclass)"
    assert steps.rows(built, left) == [("left",)]
    assert number_of(built, "staging.stg_files__promises") is not None


@pytest.mark.soak
def test_what_other_models_made_is_dropped(built: Settings) -> None:
    mark(built, "others")
    with steps.pipeline(built) as connection:
        connection.execute("create table intermediate.int_of_another_release (one text)")
        connection.execute("drop view staging.stg_odoo__documents cascade")
        connection.execute("create table staging.stg_odoo__documents (one text)")

    steps.build_candidate(built, as_of=AS_OF)

    assert number_of(built, "intermediate.int_of_another_release") is None
    assert steps.rows(built, "select count(*) from staging.stg_odoo__documents") == [(0,)]


@pytest.mark.soak
def test_what_half_a_build_left_is_dropped(built: Settings) -> None:
    with steps.pipeline(built) as connection:
        taken = work_schemas.take_over(
            connection, ("staging", "reference", "intermediate"), dbt.models_hash()
        )
        assert taken
        connection.execute("create table intermediate.int_half_made (one text)")

    steps.build_candidate(built, as_of=AS_OF)

    assert number_of(built, "intermediate.int_half_made") is None


def crash_server(home: Settings) -> None:
    """kill -9 of one session, which makes the server restart and recover."""
    with steps.pipeline(home) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    open_warehouse(home)


def test_a_step_after_a_crash_first_works_out_again_what_was_lost(built: Settings) -> None:
    opened = steps.build_candidate(built, as_of=AS_OF)
    movements = "select count(*), sum(amount) from marts_candidate.fct_receivable_movements"
    before = steps.rows(built, movements)
    crash_server(built)
    assert steps.rows(built, "select count(*) from intermediate.int_items") == [(0,)]

    build.build_layer(built, opened, "core")

    assert steps.rows(built, movements) == before
    assert steps.rows(built, "select count(*) > 0 from intermediate.int_items") == [(True,)]
