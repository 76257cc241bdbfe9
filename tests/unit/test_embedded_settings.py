"""Pure parts of the embedded server and of the connections: text in, text out."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from psycopg import sql

from encours.errors import BadInput, FatalError, RetryableError
from encours.settings import Settings
from encours.warehouse import connections, embedded

NAME = "encours_19_2a"
DATA = Path("/srv/books/.encours/postgres/data")

CAPABLE = connections.Standing(
    role="loader",
    database="books",
    owns_database=True,
    may_create_schemas=True,
    has_public_schema=True,
    reader_exists=True,
    reader_connects=True,
    reader_is_set_up=True,
    reader_may_do_more=False,
    reader_may_lock=False,
    metadata_exists=True,
    metadata_is_usable=True,
)


def settings_of_server(**changes: str) -> tuple[str, ...]:
    kinds = {"shared_memory": "posix", "wal_compression": "off"} | changes
    return embedded.server_settings(20_001, NAME, **kinds)


def script(standing: connections.Standing) -> list[str]:
    statements = connections.reader_statements(standing, sql.SQL("'x'"))
    return [statement.as_string() for statement in statements]


def test_server_never_trades_committed_data_for_speed() -> None:
    chosen = settings_of_server()

    assert {"fsync=on", "synchronous_commit=on", "full_page_writes=on"} <= set(chosen)


def test_server_listens_on_loopback_and_on_no_socket_file() -> None:
    chosen = settings_of_server()

    assert "listen_addresses=127.0.0.1" in chosen
    assert "unix_socket_directories=" in chosen


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder for shared memory")
@pytest.mark.parametrize(("needed", "chosen"), [(0, "posix"), (10**24, "mmap")])
def test_shared_memory_that_is_too_small_is_replaced_by_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, needed: int, chosen: str
) -> None:
    monkeypatch.setattr(embedded, "SHARED_MEMORY_BYTES", needed)

    assert embedded._shared_memory(tmp_path) == chosen


def test_last_port_is_tried_first() -> None:
    ports = embedded.candidate_ports(Path("/srv/books"), 20_777)

    assert next(ports) == 20_777


def test_a_home_gets_the_same_ports_again_and_another_home_others() -> None:
    first = list(islice(embedded.candidate_ports(Path("/srv/a"), None), 5))

    assert first == list(islice(embedded.candidate_ports(Path("/srv/a"), None), 5))
    assert first != list(islice(embedded.candidate_ports(Path("/srv/b"), None), 5))


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    ports = list(embedded.candidate_ports(Path("/srv/a"), None))

    assert len(set(ports)) == 500
    assert all(20_000 <= port < 30_000 for port in ports)


@pytest.mark.parametrize(
    "command_line",
    [
        ("/opt/pg/bin/postgres", "-D", "/proc/self/fd/4", "-c", f"cluster_name={NAME}"),
        ("/usr/bin/postgres", "-D", str(DATA)),
        (f"postgres: {NAME}: checkpointer ",),
    ],
)
def test_a_process_of_this_data_folder_is_recognised(command_line: tuple[str, ...]) -> None:
    assert embedded.works_on(command_line, NAME, DATA)


@pytest.mark.parametrize(
    "command_line",
    [
        (),
        ("/bin/sleep", "100"),
        ("/opt/pg/bin/postgres", "-D", "/srv/other", "-c", f"cluster_name={NAME}b"),
        (f"postgres: {NAME}b: checkpointer ",),
        ("/bin/sh", "-c", '"$@" &', "sh", "/bin/postgres", "-c", f"cluster_name={NAME}"),
        ("vi", str(DATA)),
    ],
)
def test_any_other_process_is_left_alone(command_line: tuple[str, ...]) -> None:
    assert not embedded.works_on(command_line, NAME, DATA)


def test_a_copied_data_folder_is_another_cluster(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "copy").mkdir()

    assert embedded.cluster_name(tmp_path / "data") != embedded.cluster_name(tmp_path / "copy")


def test_a_moved_data_folder_stays_the_same_cluster(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    before = embedded.cluster_name(tmp_path / "data")

    (tmp_path / "data").rename(tmp_path / "moved")

    assert embedded.cluster_name(tmp_path / "moved") == before


def test_the_fatal_line_tells_why_not_the_shutdown_after_it() -> None:
    text = (
        "2024-01-01 UTC [7] LOG:  starting PostgreSQL\n"
        '2024-01-01 UTC [7] FATAL:  could not open file "global/pg_control": Permission denied\n'
        "2024-01-01 UTC [7] LOG:  database system is shut down\n"
    )

    assert embedded.failure_line(text) == (
        'FATAL:  could not open file "global/pg_control": Permission denied'
    )


def test_an_empty_log_is_said_to_be_empty() -> None:
    assert embedded.failure_line("\n") == "no output"


def test_a_full_disk_is_named_with_what_is_left(tmp_path: Path) -> None:
    text = 'FATAL:  could not write file "pg_wal/x": No space left on device'

    line = str(embedded._failure(Settings(home=tmp_path), "start failed", text))

    assert f"the disk that holds {tmp_path} is full (" in line
    assert " MB free)" in line


def test_secrets_are_made_once_and_safe_in_a_url(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    first = embedded.password(settings, "role")

    assert embedded.password(settings, "role") == first
    assert connections._quoted(first) == first
    assert len(first) >= 32


def test_secret_files_are_private_even_in_an_open_folder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.secrets_dir.mkdir(mode=0o755)

    embedded.keep_secret(settings, "role", "x")

    assert settings.secrets_dir.stat().st_mode & 0o777 == 0o700
    assert (settings.secrets_dir / "role").stat().st_mode & 0o777 == 0o600


def test_a_folder_without_control_file_but_with_databases_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "data" / "base" / "16384").mkdir(parents=True)

    with pytest.raises(FatalError, match="restore a backup"):
        embedded._remove_shell(tmp_path / "data")

    assert (tmp_path / "data" / "base" / "16384").exists()


def test_a_url_with_every_special_character_survives_the_round_trip() -> None:
    target = connections.Target("db.example", 5433, "a@b", "p/w:@?#%é", "b k", (("sslmode", "a"),))

    assert connections.parse_url(target.url()) == target


def test_a_plain_url_is_given_back_unchanged() -> None:
    url = "postgresql://loader:word@db.example:5433/books?sslmode=require"

    assert connections.parse_url(url).url() == url


def test_an_address_of_version_six_keeps_its_brackets() -> None:
    url = "postgresql://loader:word@[::1]:5433/books"

    assert connections.parse_url(url).url() == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://loader:sesame/open@db/books",
        "postgresql://loader:sesame@open@db/books",
        "postgresql://loader:sesame%open@db/books",
        "postgresql://loader:sesame@db:port/books",
        "postgresql://loader:sesame@db",
        "mysql://loader:sesame@db/books",
        "host=db user=loader password=sesame dbname=books",
    ],
)
def test_an_unusable_url_is_refused_without_a_piece_of_its_password(url: str) -> None:
    with pytest.raises(BadInput, match="percent-encoded") as caught:
        connections.parse_url(url)

    assert "sesame" not in str(caught.value)
    assert "open" not in str(caught.value)


def test_urls_do_not_show_in_a_printed_warehouse() -> None:
    warehouse = connections.Warehouse("postgresql://a:sesame@h:1/d", "sesame", "sesame")

    assert "sesame" not in repr(warehouse)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('FATAL:  password authentication failed for user "x"', FatalError),
        ('FATAL:  database "x" does not exist', FatalError),
        ("FATAL:  la base de données « x » n'existe pas", FatalError),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', FatalError),
        ("port 5432 failed: Connection refused", RetryableError),
        ("FATAL:  the database system is starting up", RetryableError),
        ("FATAL:  sorry, too many clients already", RetryableError),
    ],
)
def test_only_a_refusal_that_lasts_forbids_another_try(text: str, kind: type[Exception]) -> None:
    error = connections.connection_error("db.example:5432", text)

    assert type(error) is kind
    assert str(error).startswith("db.example:5432: ")


def test_a_complete_server_needs_nothing() -> None:
    assert CAPABLE.is_complete


@pytest.mark.parametrize(
    "gap",
    [
        replace(CAPABLE, may_create_schemas=False),
        replace(CAPABLE, reader_exists=False),
        replace(CAPABLE, reader_connects=False),
        replace(CAPABLE, reader_is_set_up=False),
        replace(CAPABLE, reader_may_do_more=True),
        replace(CAPABLE, metadata_is_usable=False),
    ],
)
def test_each_gap_makes_the_server_incomplete(gap: connections.Standing) -> None:
    assert not gap.is_complete


def test_rights_of_public_on_a_database_of_others_are_not_touched() -> None:
    guest = replace(CAPABLE, owns_database=False, reader_may_do_more=True)

    assert guest.is_complete
    assert script(guest) == []


def test_public_loses_its_rights_before_the_reader_gets_its_own() -> None:
    statements = script(replace(CAPABLE, reader_may_do_more=True))

    assert statements == [
        'revoke all on database "books" from public',
        'revoke all on schema "public" from public',
        'grant connect on database "books" to "bi_reader"',
    ]


def test_the_administrator_is_told_every_missing_statement_and_how_to_hand_over() -> None:
    bare = replace(
        CAPABLE,
        owns_database=False,
        may_create_schemas=False,
        reader_exists=False,
        reader_is_set_up=False,
        metadata_exists=False,
        metadata_is_usable=False,
    )

    line = connections.administrator_line("db:5432", bare, "books_airflow")

    assert "\n" not in line
    assert "create role \"bi_reader\" login password '<password>';" in line
    assert 'grant create on database "books" to "loader";' in line
    assert 'create database "books_airflow" owner "loader";' in line
    assert "ENCOURS_READER_PASSWORD" in line


def test_a_database_name_without_room_for_the_suffix_is_refused() -> None:
    with pytest.raises(BadInput, match="too long"):
        connections.metadata_database("b" * 56)
