"""What the BI role may do: read the published marts, and nothing else, whatever was published.

It may lift its own read-only setting, so every attempt is made without it. The catalogue of
PostgreSQL shows to every role which tables there are; what is in them it shows to none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest
import warehouse_steps as steps

from encours.errors import FatalError
from encours.orchestration import control
from encours.settings import Settings
from encours.warehouse import connections, publication
from encours.warehouse.connections import open_reader, open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reader_rights")]

CANARY = "canary-customer"


def publish(home: Settings, number: int) -> None:
    propose(home, number, "publish")
    with steps.pipeline(home) as connection:
        publication.publish_candidate(connection, f"run-{number}", published_by="test")
        # So that the commonest values of every table stand in the statistics.
        connection.execute("analyze")


def propose(home: Settings, number: int, decision: str) -> None:
    with steps.pipeline(home) as connection:
        steps.make_candidate(connection, f"run-{number}", number)
        connection.execute(
            "create table marts_candidate.dim_customer as"
            " select %s::text as customer_name from generate_series(1, 300)",
            [f"{CANARY}-{number}"],
        )
        steps.write_verdict(connection, f"run-{number}", decision)


def release(home: Settings, number: int) -> None:
    propose(home, number, "hold")
    control.release(home, f"run-{number}", released_by="controller", reason="known difference")


def roll_back(home: Settings, _number: int) -> None:
    control.roll_back(home, rolled_back_by="controller", reason="wrong rates")


def hold(home: Settings, number: int) -> None:
    propose(home, number, "hold")


STAGES: dict[str, Callable[[Settings, int], None]] = {
    "first publication": publish,
    "second publication": publish,
    "third publication": publish,
    "release": release,
    "rollback": roll_back,
    "hold": hold,
}


@pytest.fixture(scope="module")
def books(home: Settings) -> Settings:
    """A home with something in raw that nobody outside may see."""
    steps.prepare(home)
    with steps.pipeline(home) as connection:
        connection.execute("create schema staging")
        connection.execute("create schema intermediate")
        for schema in ("staging", "intermediate", "raw_files"):
            connection.execute(
                f"create table {schema}.secret as select 'canary'::text as word".encode()
            )
    return home


@pytest.fixture(scope="module", params=list(STAGES))
def stage(books: Settings, request: pytest.FixtureRequest) -> Settings:
    """The home after this stage and those before it."""
    STAGES[request.param](books, list(STAGES).index(request.param) + 1)
    return books


@pytest.fixture
def reader(stage: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(open_warehouse(stage).reader_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        yield connection


# --- by the catalogue ---------------------------------------------------------------------------

NOTHING: dict[str, LiteralString] = {
    "schema": """
        select nspname from pg_namespace
        where has_schema_privilege(oid, 'usage, create')
            and nspname not in ('marts', 'pg_catalog', 'information_schema')
            or has_schema_privilege(oid, 'create')""",
    "table": """
        select relation.oid::regclass from pg_class as relation
        inner join pg_namespace as place on place.oid = relation.relnamespace
        where relation.relkind in ('r', 'v', 'm', 'p', 'f') and not (
                place.nspname in ('marts', 'pg_catalog', 'information_schema')
            )
            and has_any_column_privilege(relation.oid, 'select, insert, update, references')""",
    "more than reading": """
        select oid::regclass from pg_class
        where relkind in ('r', 'v', 'm', 'p', 'f') and has_table_privilege(
                oid, 'insert, update, delete, truncate, references, trigger, maintain'
            )
            and oid <> 'pg_settings'::regclass""",
    "sequence": """
        select oid::regclass from pg_class
        where case when relkind = 'S' then has_sequence_privilege(oid, 'usage, select, update')
            else false end""",
    "statistics of a table": """
        select schemaname, tablename from pg_stats
        where schemaname not in ('marts', 'pg_catalog', 'information_schema')""",
    "database": """
        select datname from pg_database
        where has_database_privilege(oid, 'create, temporary')
            or has_database_privilege(oid, 'connect') and datallowconn
            and datname <> current_database()""",
    "role": """
        select rolname from pg_roles
        where pg_has_role(oid, 'member') and rolname <> current_user""",
    "function of somebody's rights": """
        select oid::regprocedure from pg_proc
        where prosecdef and has_function_privilege(oid, 'execute')""",
    "object of its own": """
        select relname from pg_class where relowner = current_user::regrole""",
}


@pytest.mark.parametrize("kind", NOTHING)
def test_reader_has_rights_on_no(reader: psycopg.Connection, kind: str) -> None:
    assert reader.execute(NOTHING[kind]).fetchall() == []


def test_reader_reads_the_marts(reader: psycopg.Connection) -> None:
    rows = reader.execute("select count(*) from mart_aged_balance").fetchall()

    assert rows == [(1,)]


# --- by trying ----------------------------------------------------------------------------------

REFUSED: tuple[LiteralString, ...] = (
    "select * from raw_files.secret",
    "select * from raw_fec.ledger_lines",
    "select * from staging.secret",
    "select * from intermediate.secret",
    "select * from ops.run",
    "select nextval('ops.publication_number')",
    "select query_to_xml('select * from ops.run', true, true, '')",
    "select pg_get_viewdef('previous.publication_info'::regclass)",
    "delete from marts.mart_aged_balance",
    "truncate marts.mart_aged_balance",
    "do $$ begin lock table marts.mart_aged_balance in row exclusive mode; end $$",
    "alter schema marts rename to mine",
    "drop table marts.mart_aged_balance",
    "comment on table marts.mart_aged_balance is 'x'",
    "create table marts.mine (a integer)",
    "create table public.mine (a integer)",
    "create temporary table mine (a integer)",
    "create schema mine",
    "create role mine",
    "create extension dblink",
    "create extension postgres_fdw",
    "create function public.mine() returns integer language sql as 'select 1'",
    "create function pg_temp.mine() returns integer language sql as 'select 1'",
    "create subscription mine connection 'host=127.0.0.1' publication mine",
    "copy (select 1) to program 'true'",
    "copy (select 1) to '/tmp/encours-copied'",
    "copy marts.mart_aged_balance from '/etc/passwd'",
    "copy marts.mart_aged_balance from program 'true'",
    "select pg_read_file('postgresql.conf')",
    "select pg_read_binary_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "select pg_ls_logdir()",
    "select pg_stat_file('PG_VERSION')",
    "select pg_current_logfile()",
    "select * from pg_hba_file_rules",
    "select * from pg_file_settings",
    "select * from pg_authid",
    "select * from pg_user_mapping",
    "select * from pg_largeobject",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/encours-exported')",
    "select lo_create(0)",
    "select lo_creat(0)",
    "select lo_from_bytea(0, 'a')",
    "select pg_logical_emit_message(false, 'a', 'b')",
    "select pg_advisory_lock(hashtext('encours.publication'))",
    "select pg_advisory_xact_lock(1, 2)",
    "select pg_try_advisory_lock(hashtext('encours.build'))",
    "select pg_try_advisory_lock_shared(1)",
    "select pg_reload_conf()",
    "select pg_switch_wal()",
    "select pg_stat_reset()",
    "select pg_create_physical_replication_slot('mine')",
    "set role encours_pipeline",
    "set session authorization encours_pipeline",
    "set session_replication_role = replica",
    "set temp_file_limit = -1",
    "alter role encours_pipeline password 'x'",
    "alter role bi_reader superuser",
    "alter system set work_mem = '1GB'",
)


@pytest.mark.parametrize("statement", REFUSED)
def test_reader_is_refused(last_stage: psycopg.Connection, statement: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        last_stage.execute(statement)


@pytest.mark.parametrize("schema", ["marts_candidate", "marts_retired_2", "previous"])
def test_reader_enters_no_schema_beside_the_marts(
    last_stage: psycopg.Connection, schema: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema"):
        last_stage.execute(f"select * from {schema}.publication_info".encode())


@pytest.fixture(scope="module")
def last_stage(books: Settings) -> Iterator[psycopg.Connection]:
    """A reader where there are marts, a candidate that is held, and retired marts."""
    for number in (11, 12):
        publish(books, number)
    hold(books, 13)
    with psycopg.connect(open_warehouse(books).reader_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        yield connection


def test_reader_sees_no_statement_of_others(last_stage: psycopg.Connection) -> None:
    with psycopg.connect(last_stage.info.dsn, password=last_stage.info.password):
        found = last_stage.execute(
            "select query from pg_stat_activity where usename is distinct from current_user"
            " and query not in ('', '<insufficient privilege>')"
        ).fetchall()

    assert found == []


def test_reader_cannot_end_the_session_of_another(
    books: Settings, last_stage: psycopg.Connection
) -> None:
    with steps.pipeline(books) as connection:
        pid = connection.info.backend_pid
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            last_stage.execute("select pg_terminate_backend(%s)", [pid])


@pytest.mark.parametrize("database", ["postgres", "template1", "airflow"])
def test_reader_enters_no_other_database(books: Settings, database: str) -> None:
    url = connections.parse_url(open_warehouse(books).reader_url).url(database=database)

    with pytest.raises(FatalError, match="does not admit"):
        connections.connect(url)


# --- what PostgreSQL lets every role do to itself -----------------------------------------------


def test_password_that_the_reader_changed_is_given_back(books: Settings) -> None:
    url = open_warehouse(books).reader_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute("alter role bi_reader password 'mine-now'")
    with pytest.raises(FatalError, match="the password is refused"):
        connections.connect(url)

    assert open_reader(books) == url

    connections.connect(url).close()


def test_settings_that_the_reader_changed_are_given_back(books: Settings) -> None:
    with psycopg.connect(open_warehouse(books).reader_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(
            "alter role bi_reader in database encours set default_transaction_read_only = off"
        )

    url = open_warehouse(books).reader_url

    with psycopg.connect(url) as connection:
        assert connection.execute("show default_transaction_read_only").fetchall() == [("on",)]


def test_readers_that_take_every_connection_leave_some_to_the_pipeline(books: Settings) -> None:
    warehouse = open_warehouse(books)
    held: list[psycopg.Connection] = []
    try:
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
            held.extend(psycopg.connect(warehouse.reader_url) for _ in range(100))

        publish(books, 21)
    finally:
        for connection in held:
            connection.close()

    assert len(held) > 20
