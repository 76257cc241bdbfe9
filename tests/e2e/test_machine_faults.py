"""What the machine or the database may do to a run: each fault ends in one line, BI keeps what it
had, and when the fault is gone the same step goes on.

Kills are in test_kill.py, two builds at once in test_publication.py, and what the embedded server
does about a full disk at its first start in test_embedded_server.py.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fec_samples
import psycopg
import pytest
import warehouse_steps as steps
from psycopg import sql

from canaries import company_server
from encours.errors import EncoursError, FatalError, RetryableError
from encours.orchestration import build, control, ingest, maintenance
from encours.settings import Settings
from encours.warehouse import connections, embedded, ownership, publication
from encours.warehouse.connections import open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("machine_faults")]

SHOWN = "select open_company_amount::int from marts.mart_aged_balance"
MEGABYTE = 1_000_000


@pytest.fixture
def books(running_home: Settings) -> Settings:
    """A home where run `first` is published and shows 1."""
    steps.empty(running_home)
    steps.publish_made_up(running_home, "first", 1)
    return running_home


def shown(settings: Settings) -> int:
    """What BI sees."""
    with psycopg.connect(open_warehouse(settings).reader_url) as connection:
        return int(connection.execute(SHOWN).fetchall()[0][0])


def propose(settings: Settings, run_id: str, amount: int) -> None:
    with steps.pipeline(settings) as connection:
        steps.make_candidate(connection, run_id, amount)
        steps.write_verdict(connection, run_id, "publish")


def publish(settings: Settings, run_id: str, amount: int) -> None:
    propose(settings, run_id, amount)
    build.publish_marts(settings, run_id)


def assert_one_line(error: BaseException) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) > 20


# --- the disk ----------------------------------------------------------------------------------


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="encours-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("mounting a small file system is not allowed here")
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path, *, leave: int) -> Path:
    """A file that takes all of the disk but so many bytes."""
    ballast = folder / "ballast"
    space = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - leave)
    return ballast


def test_disk_of_the_database_that_fills_up_while_loading_leaves_nothing_of_the_load(
    tmp_path: Path,
) -> None:
    ledger = fec_samples.ledger()
    lines = [
        {**line, "EcritureNum": f"{number}", "EcritureLib": "x" * 500}
        for number in range(1, 4_000)
        for line in ledger[:3]
    ]
    path = fec_samples.write_fec(tmp_path, lines)
    with small_disk(400) as disk:
        settings = Settings(disk / "home")
        try:
            steps.publish_made_up(settings, "first", 1)
            landed = ingest.land(settings, "fec", "second", [str(path)])
            ballast = fill(disk, leave=3 * MEGABYTE)

            with pytest.raises(EncoursError) as caught:
                ingest.load(settings, "fec", "second", landed)

            ballast.unlink()
            assert_one_line(caught.value)
            assert "disk" in str(caught.value) or isinstance(caught.value, RetryableError)
            assert steps.raw_counts(settings)["raw_fec.ledger_lines"] == 0
            assert shown(settings) == 1
            assert ingest.load(settings, "fec", "second", landed).row_count == len(lines)
        finally:
            embedded.stop(settings)


# --- the database --------------------------------------------------------------------------------


@pytest.fixture
def read_only(books: Settings) -> Iterator[Settings]:
    with steps.pipeline(books) as connection:
        role = sql.Identifier(connections.PIPELINE)
        turn = sql.SQL("alter role {} set default_transaction_read_only = {}")
        connection.execute(turn.format(role, sql.SQL("on")))
        yield books
        connection.execute("set default_transaction_read_only = off")
        connection.execute(turn.format(role, sql.SQL("off")))


def test_database_that_takes_no_writes_is_told_in_one_line(
    read_only: Settings, tmp_path: Path
) -> None:
    path = fec_samples.write_fec(tmp_path)

    with pytest.raises(FatalError, match="the database takes no writes") as while_landing:
        ingest.land(read_only, "fec", "second", [str(path)])
    with pytest.raises(FatalError, match="the database takes no writes"):
        build.open_build(read_only, build.Request("second"))

    assert_one_line(while_landing.value)
    assert shown(read_only) == 1


def test_rollback_on_a_database_that_takes_no_writes_ends_with_1_and_one_line(
    books: Settings, request: pytest.FixtureRequest
) -> None:
    publish(books, "second", 2)
    read_only = request.getfixturevalue("read_only")

    ran = steps.encours(read_only, "rollback", "--reason", "wrong file")

    assert ran.exit_status == 1
    assert ran.error.startswith("the database takes no writes")


@pytest.mark.parametrize(
    "said",
    [
        "FATAL:  sorry, too many clients already",
        'FATAL:  too many connections for role "loader"',
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "FATAL:  désolé, trop de clients sont déjà connectés",
    ],
)
def test_server_without_a_connection_left_says_what_to_do(said: str) -> None:
    error = connections.connection_error("db:5432", f"connection failed: {said}")

    assert isinstance(error, RetryableError)
    assert str(error).startswith("db:5432: the server has no connection left: close some")


@pytest.fixture(scope="module")
def company() -> Iterator[Settings]:
    """A home that writes to a PostgreSQL of the company's own."""
    with tempfile.TemporaryDirectory(prefix="encours-company-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Settings(folder / "server")
        try:
            url = company_server(server, "sesame")
            ownership.take_over(home := Settings(folder / "home", warehouse_url=url))
            yield home
        finally:
            embedded.stop(server)


@contextmanager
def all_slots_taken(company: Settings) -> Iterator[None]:
    """By BI tools that keep their connections open, until the server takes no more of them."""
    url = open_warehouse(company).metadata_url

    def take_all(opened: ExitStack) -> None:
        while True:
            opened.enter_context(psycopg.connect(url))

    with ExitStack() as opened:
        with pytest.raises(psycopg.OperationalError, match="FATAL"):
            take_all(opened)
        yield


@contextmanager
def limited(company: Settings, thing: sql.Composable) -> Iterator[None]:
    """As an administrator limits a role or a database, who is not the role of Encours."""
    server = embedded.ensure_started(Settings(company.home.with_name("server")))
    target = connections.parse_url(str(company.warehouse_url))
    url = target.url(user=server.superuser, password=server.password, database="postgres")
    turn = sql.SQL("alter {} connection limit {}")
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute(turn.format(thing, sql.Literal(0)))
        yield
        administrator.execute(turn.format(thing, sql.Literal(-1)))


@pytest.mark.parametrize("taken", ["server", "role loader", "database books"])
def test_run_on_a_server_of_ones_own_without_a_connection_left_ends_with_1_and_one_line(
    company: Settings, taken: str
) -> None:
    thing = sql.SQL(taken)  # type: ignore[arg-type] # (of the list above)

    with all_slots_taken(company) if taken == "server" else limited(company, thing):
        ran = steps.encours(company, "run", "--warehouse", str(company.warehouse_url))

    address = connections.parse_url(str(company.warehouse_url)).address
    assert ran.exit_status == 1
    assert ran.error.startswith(f"{address}: the server has no connection left: close some")
    assert "sesame" not in ran.stdout + ran.stderr
    with ingest.raw_connection(company) as connection:
        assert connection.execute("select count(*) from ops.run").fetchall() == [(0,)]


# --- the clock -----------------------------------------------------------------------------------


def test_delivery_after_the_clock_went_back_is_refused_until_it_is_right(
    books: Settings, tmp_path: Path
) -> None:
    """The newest delivery of a year stands for it: the old one would go on doing so."""
    first = steps.ingest_fec(books, fec_samples.write_fec(tmp_path))
    with steps.pipeline(books) as connection:
        connection.execute("update raw_fec.ledger_files set extracted_at = now() + interval '1 h'")
    landed = ingest.land(books, "fec", "second", [str(tmp_path / fec_samples.NAME)])

    with pytest.raises(RetryableError, match="later moment than now: check the clock") as caught:
        ingest.load(books, "fec", "second", landed)

    assert_one_line(caught.value)
    assert steps.rows(books, "select distinct run_id from raw_fec.ledger_files") == [(first,)]


# --- a reader that does not leave ----------------------------------------------------------------


def test_reader_that_holds_its_transaction_reads_on_and_holds_nothing_up(books: Settings) -> None:
    with psycopg.connect(open_warehouse(books).reader_url) as reading:
        rows = reading.cursor("report")
        rows.execute("select open_company_amount::int from mart_aged_balance, generate_series(1,9)")
        rows.fetchone()

        for number in range(2, 7):
            publish(books, f"run-{number}", number)
        maintenance.drop_retired_marts(books)
        maintenance.vacuum(books)
        control.roll_back(books, rolled_back_by="controller", reason="wrong rates")
        publish(books, "run-7", 7)

        assert rows.fetchall() == [(1,)] * 8
        assert reading.execute(SHOWN).fetchall() == [(7,)]
    with steps.pipeline(books) as connection:
        publication.drop_retired(connection)
        kept = connection.execute(
            "select count(*) from pg_namespace where nspname like 'marts\\_retired\\_%'"
        ).fetchall()
    assert kept == [(publication.KEPT_RETIRED_SCHEMAS,)]
