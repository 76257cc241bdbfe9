"""The Airflow connections through which API sources are read.

A connection `encours_<source>` opens one company, `encours_<source>__<entity>` another one. It is
defined as anywhere in Airflow: by an environment variable (AIRFLOW_CONN_ENCOURS_<SOURCE>), or in
Airflow's own store, where the secret is encrypted (`encours connect`, or the page Admin >
Connections). A run in process has a metadata file of its own: the stored connections are copied
into it as they are, encrypted, and end with it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.rows import dict_row

from encours.clients.api import Access
from encours.clients.oauth import Tokens
from encours.errors import BadInput
from encours.orchestration.tokens import (
    TOKEN_FIELDS,
    GivenTokens,
    StoredTokens,
    as_fields,
    store_cipher,
)
from encours.settings import Settings
from encours.sources.registry import API_SOURCES
from encours.sources.source import ApiSource
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.ownership import claim_warehouse

PREFIX = "encours_"
VARIABLE = "AIRFLOW_CONN_"
STORED = """
select conn_id, conn_type, description, host, schema, login, password, port, is_encrypted,
    is_extra_encrypted, extra
from connection where conn_id like 'encours\\_%%' order by conn_id
"""


def connection_id(source: str, entity_id: str | None) -> str:
    return f"{PREFIX}{source}__{entity_id}" if entity_id else f"{PREFIX}{source}"


def configured(settings: Settings) -> dict[str, list[str]]:
    """The ids of the connections of each API source that has any, in order."""
    ids = sorted({*given_ids(os.environ), *(row["conn_id"] for row in _stored(settings))})
    found: dict[str, list[str]] = {}
    for name in ids:
        source = source_of(name)
        if source is not None:
            found.setdefault(source.key, []).append(name)
    return found


def source_of(name: str) -> ApiSource | None:
    return API_SOURCES.get(name.removeprefix(PREFIX).partition("__")[0])


def read_access(settings: Settings, name: str) -> Access:
    """The connection, resolved by Airflow (inside a task). BadInput where it cannot be used."""
    from airflow.sdk import Connection

    connection = Connection.get(name)
    access = make_access(
        name,
        host=connection.host,
        login=connection.login,
        password=connection.password,
        extra=connection.extra,
    )
    given = _content(name, connection.extra).get("access_token")
    if given and variable_of(name) in os.environ:
        return replace(access, tokens=GivenTokens(name, str(given)))
    return with_tokens(settings, access)


def with_tokens(settings: Settings, access: Access) -> Access:
    """The same, with the store of its tokens where the source renews them."""
    source = source_of(access.connection_id)
    if source is None or source.application(access) is None:
        return access
    return replace(access, tokens=StoredTokens(settings, access.connection_id))


def variable_of(name: str) -> str:
    """The environment variable that defines a connection: Airflow upper-cases the id."""
    return f"{VARIABLE}{name.upper()}"


def make_access(
    name: str,
    *,
    host: str | None,
    login: str | None,
    password: str | None,
    extra: str | None,
) -> Access:
    options = _options(name, extra)
    source = source_of(name)
    if source is None:
        raise BadInput(f"connection {name} belongs to no source", mend="encours connect SOURCE")
    suffix = name.partition("__")[2]
    return Access(
        connection_id=name,
        # Two companies must not flow into one entity because nobody named them.
        entity_id=options.pop("entity_id", "") or suffix or source.key,
        base_url=(host or "").rstrip("/"),
        login=login or "",
        secret=password or "",
        options=options,
    )


def read_passwords(settings: Settings, prefix: str) -> dict[str, str]:
    """The passwords of the connections whose ids begin so, wherever they are defined; by id.

    Outside a task Airflow is not asked: it would look into the metadata of another installation.
    """
    rows = [row for row in _stored(settings) if row["conn_id"].startswith(prefix)]
    found = {row["conn_id"]: _password(settings, row) for row in rows}
    for name in given_ids(os.environ):
        if name.startswith(prefix):
            found[name] = _password_in(name, os.environ[variable_of(name)])
    return dict(sorted(found.items()))


def _password(settings: Settings, row: Mapping[str, Any]) -> str:
    if not row["is_encrypted"] or not row["password"]:
        return row["password"] or ""
    from encours.orchestration.airflow_home import airflow_environment

    # Airflow reads its configuration, and with it the key of its store, when it is imported.
    for key, value in airflow_environment(settings, open_warehouse(settings)).items():
        os.environ.setdefault(key, value)
    plain = store_cipher(row["conn_id"]).decrypt(row["password"].encode())
    return str(plain.decode())


def _password_in(name: str, value: str) -> str:
    """Of a connection that a variable defines: as JSON, or as Airflow's URI."""
    if value.lstrip().startswith("{"):
        return str(_content(name, value).get("password") or "")
    return unquote(urlsplit(value).password or "")


def prove_access(access: Access) -> str:
    """Ask the source whose books these are: its id of the company. Errors say what is wrong."""
    source = source_of(access.connection_id)
    assert source is not None
    with closing(source.open_client(access)) as client:
        return client.company_id()


def store_access(settings: Settings, access: Access, tokens: Tokens | None = None) -> None:
    """Write the connection into Airflow's store, in place of one of the same id."""
    from encours.orchestration.airflow_home import airflow_environment, prepare_airflow

    warehouse = open_warehouse(settings)
    claim_warehouse(settings)
    prepare_airflow(settings, warehouse)
    # Airflow reads its configuration, and with it the key of its store, when it is imported.
    os.environ.update(airflow_environment(settings, warehouse))
    from airflow.models.connection import Connection

    store_cipher(access.connection_id)
    stored = Connection(
        conn_id=access.connection_id,
        conn_type="http",
        description="made by encours connect",
        host=access.base_url,
        login=access.login,
        password=access.secret,
        extra=json.dumps(
            {
                **access.options,
                "entity_id": access.entity_id,
                **(as_fields(tokens) if tokens else {}),
            }
        ),
    )
    with connect(warehouse.metadata_url) as connection, connection.transaction():
        connection.execute("delete from connection where conn_id = %s", [access.connection_id])
        connection.execute(
            "insert into connection (conn_id, conn_type, description, host, login, password,"
            " is_encrypted, is_extra_encrypted, extra)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                stored.conn_id,
                stored.conn_type,
                stored.description,
                stored.host,
                stored.login,
                stored._password,
                # Airflow leaves it open where there is no password.
                bool(stored.is_encrypted),
                bool(stored.is_extra_encrypted),
                stored._extra,
            ],
        )


def forget_access(settings: Settings, name: str) -> bool:
    """Remove a stored connection; whether there was one."""
    with connect(open_warehouse(settings).metadata_url) as connection:
        if not _has_store(connection):
            return False
        return connection.execute("delete from connection where conn_id = %s", [name]).rowcount > 0


def copy_stored(settings: Settings, database: Path) -> None:
    """Copy the stored connections into a run's own metadata file, encrypted as they are."""
    rows = _stored(settings)
    if not rows:
        return
    columns = list(rows[0])
    statement = (
        f"insert into connection ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
    )
    with closing(sqlite3.connect(database)) as file, file:
        file.executemany(statement, [tuple(row.values()) for row in rows])


@contextmanager
def given_connections(
    connections: Iterable[Mapping[str, Any]],
) -> Iterator[Mapping[str, Sequence[str]]]:
    """Connections for this process and its children only, as environment variables; `source` and
    `extra.entity_id` of each make its id. Gives the ids by source."""
    variables = {}
    found: dict[str, list[str]] = {}
    for fields in connections:
        name = connection_id(fields["source"], fields["extra"]["entity_id"])
        found.setdefault(fields["source"], []).append(name)
        variables[variable_of(name)] = json.dumps(
            {key: value for key, value in fields.items() if key != "source"}
        )
    os.environ.update(variables)
    try:
        yield found
    finally:
        for variable in variables:
            os.environ.pop(variable, None)


def given_ids(environment: Mapping[str, str]) -> Iterable[str]:
    """The ids of the connections that variables define. Airflow upper-cases an id to find its
    variable, so ours are lower-case."""
    for name in environment:
        if re.fullmatch(rf"{VARIABLE}{PREFIX.upper()}\w+", name):
            yield name.removeprefix(VARIABLE).lower()


def _stored(settings: Settings) -> list[dict[str, Any]]:
    with connect(open_warehouse(settings).metadata_url) as connection:
        if not _has_store(connection):
            return []
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(STORED).fetchall()


def _has_store(connection: psycopg.Connection) -> bool:
    row = connection.execute("select to_regclass('connection') is not null").fetchone()
    return bool(row and row[0])


def _options(name: str, extra: str | None) -> dict[str, str]:
    return {
        str(key): str(value)
        for key, value in _content(name, extra).items()
        if value is not None and key not in TOKEN_FIELDS
    }


def _content(name: str, extra: str | None) -> dict[str, Any]:
    try:
        content = json.loads(extra or "{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise BadInput(f"the extra of connection {name} is no JSON object", mend="encours connect")
    return content
