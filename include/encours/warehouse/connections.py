"""Who connects to the warehouse, where, and as which role.

Three roles, three URLs: the pipeline owns the database, Airflow owns its metadata database, and
`bi_reader` reads the published marts. The URLs carry passwords: they are never logged, and an error
names host and port only. Rights on the marts themselves are given when they are published.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import LiteralString
from urllib.parse import quote, urlencode

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

from encours.errors import BadInput, EncoursError, FatalError, RetryableError
from encours.settings import Settings
from encours.warehouse import embedded

PIPELINE = "encours_pipeline"
AIRFLOW = "encours_airflow"
READER = "bi_reader"
DATABASE = "encours"
METADATA_DATABASE = "airflow"
READER_VARIABLE = "ENCOURS_READER_PASSWORD"
READER_SETTINGS = {
    "default_transaction_read_only": "on",
    "search_path": "marts",
    "statement_timeout": "0",
}
WRITING_FUNCTIONS: tuple[LiteralString, ...] = (
    "lo_creat(integer)",
    "lo_create(oid)",
    "lo_from_bytea(oid, bytea)",
    "pg_logical_emit_message(boolean, text, text, boolean)",
    "pg_logical_emit_message(boolean, text, bytea, boolean)",
)
CONNECT_SECONDS = 10
IDENTIFIER_BYTES = 63

FULL = (
    "the server has no connection left: close some (BI tools keep theirs open), or raise"
    " max_connections, then run again"
)
# libpq gives no error code for a refused connection, only a text in the server's language
# (English and French here). Anything unknown counts as worth another try.
LASTING_REFUSALS = (
    ("password", "no password supplied"),
    ("password", "password authentication failed"),
    ("password", "authentification par mot de passe échouée"),
    ("missing", "does not exist"),
    ("missing", "n'existe pas"),
    ("admission", "no pg_hba.conf entry"),
    ("admission", "aucune entrée dans pg_hba.conf"),
    ("admission", "permission denied for database"),
    ("admission", "droit refusé pour la base de données"),
)
# Passing ones that a person can do something about.
PASSING_REFUSALS = (
    ("Connection refused", "connection refused: is the server running?"),
    ("timeout", "no answer in time"),
    ("failed to resolve", "the host name is unknown"),
    ("too many clients", FULL),
    ("too many connections", FULL),
    ("remaining connection slots", FULL),
    ("trop de clients", FULL),
    ("trop de connexions", FULL),
    ("emplacements de connexion", FULL),
)
REFUSAL_WORDS = {
    "password": "the password is refused",
    "missing": "the database or the role does not exist",
    "admission": "the server does not admit this role to this database",
}


@dataclass(frozen=True)
class Warehouse:
    """URLs of one home's warehouse; they hold passwords, hence no repr."""

    pipeline_url: str = field(repr=False)
    reader_url: str = field(repr=False)
    metadata_url: str = field(repr=False)


@dataclass(frozen=True)
class Target:
    """The parts of a connection URL."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self, *, user: str = "", password: str = "", database: str = "") -> str:
        """The libpq URL, with some parts replaced."""
        login = f"{_quoted(user or self.user)}:{_quoted(password or self.password)}"
        host = f"[{self.host}]" if ":" in self.host else _quoted(self.host)
        query = f"?{urlencode(self.options, quote_via=quote)}" if self.options else ""
        return (
            f"postgresql://{login}@{host}:{self.port}/{_quoted(database or self.database)}{query}"
        )


@dataclass(frozen=True)
class Standing:
    """What the catalogue says about the roles and databases that Encours needs."""

    role: str
    database: str
    owns_database: bool
    may_create_schemas: bool
    has_public_schema: bool
    reader_exists: bool
    reader_connects: bool
    reader_is_set_up: bool
    reader_may_do_more: bool
    reader_may_lock: bool
    metadata_exists: bool
    metadata_is_usable: bool

    @property
    def is_complete(self) -> bool:
        """PUBLIC's rights on a database that belongs to somebody else are not ours to judge."""
        return (
            self.may_create_schemas
            and self.reader_exists
            and self.reader_connects
            and self.reader_is_set_up
            and self.metadata_is_usable
            and not (self.owns_database and self.reader_may_do_more)
        )


def open_warehouse(settings: Settings, environment: Mapping[str, str] | None = None) -> Warehouse:
    """The URLs of a warehouse that is up and has its roles; makes what is missing."""
    if settings.warehouse_url is not None:
        given = (os.environ if environment is None else environment).get(READER_VARIABLE)
        return _open_existing(settings, parse_url(settings.warehouse_url), given or None)
    running = embedded.running_server(settings)
    warehouse = _embedded_warehouse(settings, running) if running else None
    if warehouse is not None and _is_embedded_complete(warehouse):
        return warehouse
    server = embedded.ensure_started(settings)
    with embedded.home_lock(settings):
        return _set_up_embedded(settings, server)


def known_warehouse(settings: Settings) -> Warehouse | None:
    """The URLs as this home knows them, to look with: nothing is started or made, and what they
    open may be down. None where the embedded server does not run or was never set up."""
    if settings.warehouse_url is None:
        running = embedded.running_server(settings)
        return _embedded_warehouse(settings, running) if running else None
    target = parse_url(settings.warehouse_url)
    reader = embedded.read_secret(settings, _reader_secret(target))
    return Warehouse(
        pipeline_url=target.url(),
        reader_url=target.url(user=READER, password=reader or "unknown"),
        metadata_url=target.url(database=metadata_database(target.database)),
    )


def open_reader(settings: Settings) -> str:
    """The URL of the BI role, proven. PostgreSQL lets every role change its own password: where
    somebody did, the embedded server is given back the one that BI tools know."""
    warehouse = open_warehouse(settings)
    try:
        connect(warehouse.reader_url).close()
    except FatalError as error:
        if settings.warehouse_url is not None:
            target = parse_url(settings.warehouse_url)
            raise FatalError(_ask_for_password(target, "refuses the one that is known")) from error
        server = embedded.ensure_started(settings)
        with embedded.home_lock(settings):
            warehouse = _set_up_embedded(settings, server)
    return warehouse.reader_url


def connect(
    url: str, *, application_name: str = "encours", autocommit: bool = False
) -> psycopg.Connection:
    """One attempt, bounded in time. RetryableError where the server may answer later."""
    target = parse_url(url)
    try:
        return psycopg.connect(
            url,
            application_name=application_name,
            autocommit=autocommit,
            connect_timeout=CONNECT_SECONDS,
        )
    except psycopg.OperationalError as error:
        raise connection_error(target.address, str(error)) from error


def connection_error(address: str, text: str) -> EncoursError:
    """One line for a failed connection: host and port, and the cause in our own words."""
    for kind, sign in LASTING_REFUSALS:
        if sign in text:
            return FatalError(f"{address}: {REFUSAL_WORDS[kind]}")
    for sign, reason in PASSING_REFUSALS:
        if sign in text:
            return RetryableError(f"{address}: {reason}")
    return RetryableError(f"{address}: the connection failed")


def parse_url(url: str) -> Target:
    """The parts of a libpq URL. An unusable one is not repeated: pieces of a password with
    unquoted characters end up in the host, the port or the database."""
    problem = BadInput(
        "the warehouse URL cannot be read",
        mend="postgresql://user:password@host:5432/database, with special characters of the"
        " password percent-encoded",
    )
    if not url.startswith(("postgresql://", "postgres://")):
        raise problem
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise problem from None
    host, port = parts.pop("host", ""), parts.pop("port", "5432")
    user, word = parts.pop("user", ""), parts.pop("password", "")
    database = parts.pop("dbname", "")
    usable = re.fullmatch(r"[A-Za-z0-9._:/-]+", host) and re.fullmatch(r"\d{1,5}", port)
    if not (usable and user and database):
        raise problem
    return Target(host, int(port), user, word, database, tuple(parts.items()))


# --- embedded server ---------------------------------------------------------------------------


def _embedded_warehouse(settings: Settings, server: embedded.Server) -> Warehouse | None:
    """None where a password is not there yet."""
    words = [embedded.read_secret(settings, f"embedded.{r}") for r in (PIPELINE, READER, AIRFLOW)]
    pipeline, reader, airflow = words
    if pipeline is None or reader is None or airflow is None:
        return None
    target = Target(server.host, server.port, PIPELINE, pipeline, DATABASE)
    return Warehouse(
        pipeline_url=target.url(),
        reader_url=target.url(user=READER, password=reader),
        metadata_url=target.url(user=AIRFLOW, password=airflow, database=METADATA_DATABASE),
    )


def _is_embedded_complete(warehouse: Warehouse) -> bool:
    try:
        connection = connect(warehouse.pipeline_url, autocommit=True)
    except EncoursError:  # the set-up connects as superuser and says what is wrong
        return False
    with connection:
        standing = _standing(connection, METADATA_DATABASE, AIRFLOW)
    return standing.is_complete and not standing.reader_may_lock


def _set_up_embedded(settings: Settings, server: embedded.Server) -> Warehouse:
    """Safe to repeat after a kill at any point: every step looks before it makes."""
    owner = Target(server.host, server.port, server.superuser, server.password, "postgres")
    with connect(owner.url(), autocommit=True) as connection:
        for role in (PIPELINE, AIRFLOW, READER):
            _make_role(connection, role, embedded.password(settings, f"embedded.{role}"))
        for database, role in ((DATABASE, PIPELINE), (METADATA_DATABASE, AIRFLOW)):
            _make_database(connection, database, role)
        for database in (METADATA_DATABASE, "postgres", "template1"):
            _run(connection, "revoke all on database {} from public", sql.Identifier(database))
        for role in (PIPELINE, AIRFLOW):
            _run(connection, "grant pg_use_reserved_connections to {}", sql.Identifier(role))
    with connect(owner.url(database=DATABASE)) as connection:
        _close_functions(connection)
        standing = _standing(connection, METADATA_DATABASE, AIRFLOW)
        for statement in reader_statements(standing, sql.SQL("null")):
            connection.execute(statement)
    warehouse = _embedded_warehouse(settings, server)
    if warehouse is None or not _is_embedded_complete(warehouse):
        raise FatalError("the embedded warehouse could not be set up: see logs/postgres.log")
    return warehouse


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    if not _exists(connection, "select from pg_roles where rolname = %s", role):
        _run(connection, "create role {}", sql.Identifier(role))
    _run(
        connection,
        "alter role {} login nosuperuser nocreaterole nocreatedb password {}",
        sql.Identifier(role),
        _verifier(connection, role, password),
    )


def _make_database(connection: psycopg.Connection, database: str, owner: str) -> None:
    if not _exists(connection, "select from pg_database where datname = %s", database):
        names = sql.Identifier(database), sql.Identifier(owner)
        _run(connection, "create database {} owner {}", *names)


def _close_functions(connection: psycopg.Connection) -> None:
    """What is left to a role without rights, which may lift its own read-only: to write large
    objects and to the log of changes, and to hold the locks by which builds and publications wait
    for each other. The pipeline needs the locks."""
    for function in WRITING_FUNCTIONS:
        _run(connection, "revoke execute on function {} from public", sql.SQL(function))
    for function in _advisory_locks(connection):
        name = sql.SQL(function)
        _run(connection, "revoke execute on function {} from public", name)
        _run(connection, "grant execute on function {} to {}", name, sql.Identifier(PIPELINE))


def _advisory_locks(connection: psycopg.Connection) -> list[LiteralString]:
    rows = connection.execute(
        "select oid::regprocedure::text from pg_proc"
        " where proname ~ '^pg_(try_)?advisory_(xact_)?lock'"
    ).fetchall()
    return [row[0] for row in rows]


# --- an existing server ------------------------------------------------------------------------


def metadata_database(database: str) -> str:
    """Airflow's own database beside the warehouse of the same name."""
    name = f"{database}_airflow"
    if len(name.encode()) > IDENTIFIER_BYTES:
        raise BadInput(f"the database name {database} is too long", mend="at most 55 bytes")
    return name


def _open_existing(settings: Settings, target: Target, given: str | None) -> Warehouse:
    metadata = metadata_database(target.database)
    with connect(target.url(), autocommit=True) as connection:
        is_complete = _standing(connection, metadata, target.user).is_complete
        # Only a password that has opened a connection is kept under this name.
        password = embedded.read_secret(settings, _reader_secret(target))
        if not is_complete or password is None or given not in (None, password):
            with embedded.home_lock(settings):
                password = _set_up_existing(settings, target, connection, given)
    return Warehouse(
        pipeline_url=target.url(),
        reader_url=target.url(user=READER, password=password),
        metadata_url=target.url(database=metadata),
    )


def _set_up_existing(
    settings: Settings, target: Target, connection: psycopg.Connection, given: str | None
) -> str:
    """Makes what this role may make there; returns the proven password of the reader.

    The reader is one role for the whole server and other homes may use it: where it exists, its
    password is asked for, never changed.
    """
    metadata = metadata_database(target.database)
    before = _standing(connection, metadata, target.user)
    secret = _reader_secret(target)
    draft = f"{secret}.unproven"
    password = given or embedded.read_secret(settings, secret)
    if password is None and not before.reader_exists:
        # Kept before the role is made: after a kill in between nobody would know it.
        password = embedded.password(settings, draft)
    password = password or embedded.read_secret(settings, draft)
    if password is None:
        raise FatalError(_ask_for_password(target, "this home does not know its password"))
    _make_what_is_missing(connection, before, metadata, password)
    after = _standing(connection, metadata, target.user)
    if not after.is_complete:
        raise FatalError(administrator_line(target.address, after, metadata))
    try:
        connect(target.url(user=READER, password=password)).close()
    except FatalError as error:
        raise FatalError(_ask_for_password(target, "it refuses the password given")) from error
    embedded.keep_secret(settings, secret, password)
    embedded.forget_secret(settings, draft)
    return password


def _reader_secret(target: Target) -> str:
    return f"{re.sub('[^A-Za-z0-9.-]', '_', target.address)}.{READER}"


def _ask_for_password(target: Target, why: str) -> str:
    return (
        f"{target.address}: role {READER} exists and {why}:"
        f" set {READER_VARIABLE} to its password and run again"
    )


def _make_what_is_missing(
    connection: psycopg.Connection, before: Standing, metadata: str, password: str
) -> None:
    try:
        with connection.transaction():
            for statement in reader_statements(before, _verifier(connection, READER, password)):
                connection.execute(statement)
        if not before.metadata_is_usable:
            _make_database(connection, metadata, before.role)
            _run(connection, "revoke all on database {} from public", sql.Identifier(metadata))
    except errors.InsufficientPrivilege:
        pass  # what is missing afterwards is told to the administrator as a whole
    except (
        errors.DuplicateObject,
        errors.DuplicateDatabase,
        errors.UniqueViolation,
        errors.ObjectInUse,
    ) as error:
        raise RetryableError("another home is setting up the same server: run again") from error


def metadata_name(settings: Settings) -> str:
    """The database that Airflow keeps its metadata in."""
    if settings.warehouse_url is None:
        return METADATA_DATABASE
    return metadata_database(parse_url(settings.warehouse_url).database)


def administrator_line(address: str, standing: Standing, metadata: str) -> str:
    """The SQL that somebody with more rights must run, without any password."""
    role, database = sql.Identifier(standing.role), sql.Identifier(standing.database)
    statements = list(reader_statements(standing, sql.SQL("'<password>'")))
    if not standing.may_create_schemas:
        statements.append(sql.SQL("grant create on database {} to {}").format(database, role))
    if not standing.metadata_is_usable:
        verb = (
            "alter database {} owner to {}"
            if standing.metadata_exists
            else ("create database {} owner {}")
        )
        statements.append(sql.SQL(verb).format(sql.Identifier(metadata), role))
    script = "; ".join(statement.as_string() for statement in statements)
    line = (
        f"{address}: role {standing.role} may not set up the warehouse; an administrator connected"
        f" to database {standing.database} must run: {script};"
    )
    if not standing.reader_exists:
        line += f" then set {READER_VARIABLE} to the password chosen for {READER}"
    return line


# --- what is there and what is missing ---------------------------------------------------------


def reader_statements(standing: Standing, password: sql.Composable) -> tuple[sql.Composed, ...]:
    """What makes the reader, bounds it to this database and keeps PUBLIC's rights from it.

    Its settings belong to the database, because another home may use the same role elsewhere.
    """
    reader, database = sql.Identifier(READER), sql.Identifier(standing.database)
    made: list[sql.Composed] = []
    if not standing.reader_exists:
        made.append(sql.SQL("create role {} login password {}").format(reader, password))
    if not standing.reader_is_set_up:
        for name, value in READER_SETTINGS.items():
            setting = sql.SQL(f"set {name} = {value}")
            alter = sql.SQL("alter role {} in database {} {}")
            made.append(alter.format(reader, database, setting))
    if standing.owns_database and standing.reader_may_do_more:
        made.append(sql.SQL("revoke all on database {} from public").format(database))
        if standing.has_public_schema:
            made.append(sql.SQL("revoke all on schema {} from public").format(_PUBLIC))
    if standing.owns_database or not standing.reader_connects:
        made.append(sql.SQL("grant connect on database {} to {}").format(database, reader))
    return tuple(made)


_PUBLIC = sql.Identifier("public")

# Before the reader exists, PUBLIC's rights answer for it: it will have those.
_STANDING = """
select
    u.rolname as role,
    d.datname as database,
    pg_has_role(u.oid, d.datdba, 'usage') as owns_database,
    has_database_privilege(u.oid, d.oid, 'create') as may_create_schemas,
    s.oid is not null as has_public_schema,
    r.oid is not null as reader_exists,
    has_database_privilege(coalesce(r.oid, 0), d.oid, 'connect') as reader_connects,
    coalesce(
        (
            select setconfig @> %(reader_settings)s
            from pg_db_role_setting
            where setdatabase = d.oid and setrole = r.oid
        ),
        false
    ) as reader_is_set_up,
    has_database_privilege(coalesce(r.oid, 0), d.oid, 'temporary')
        or coalesce(has_schema_privilege(coalesce(r.oid, 0), s.oid, 'usage, create'), false)
        as reader_may_do_more,
    has_function_privilege(coalesce(r.oid, 0), 'pg_advisory_lock(bigint)', 'execute')
        as reader_may_lock,
    m.oid is not null as metadata_exists,
    coalesce(
        has_database_privilege(o.oid, m.oid, 'connect')
            and has_database_privilege(o.oid, m.oid, 'create'),
        false
    ) as metadata_is_usable
from pg_database as d
inner join pg_roles as u on u.rolname = current_user
left join pg_roles as r on r.rolname = %(reader)s
left join pg_namespace as s on s.nspname = 'public'
left join pg_database as m on m.datname = %(metadata)s
left join pg_roles as o on o.rolname = %(owner)s
where d.datname = current_database()
"""


def read_standing(connection: psycopg.Connection, settings: Settings) -> Standing:
    """Of the role that the connection was opened with."""
    owner = AIRFLOW if settings.warehouse_url is None else connection.info.user
    return _standing(connection, metadata_name(settings), owner)


def _standing(connection: psycopg.Connection, metadata: str, owner: str) -> Standing:
    wanted = [f"{name}={value}" for name, value in READER_SETTINGS.items()]
    values = {"reader": READER, "reader_settings": wanted, "metadata": metadata, "owner": owner}
    with connection.cursor(row_factory=class_row(Standing)) as cursor:
        row = cursor.execute(_STANDING, values).fetchone()
    if row is None:
        raise FatalError(f"{connection.info.host}:{connection.info.port}: the catalogue is empty")
    return row


def _verifier(connection: psycopg.Connection, role: str, password: str) -> sql.Literal:
    """Sent instead of the password: a failing statement is logged whole."""
    made = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return sql.Literal(made.decode())


def _run(connection: psycopg.Connection, template: LiteralString, *parts: sql.Composable) -> None:
    connection.execute(sql.SQL(template).format(*parts))


def _exists(connection: psycopg.Connection, query: LiteralString, value: str) -> bool:
    return connection.execute(query, (value,)).fetchone() is not None


def _quoted(text: str) -> str:
    return quote(text, safe="")
