"""Words that stand for secrets, and every place of an installation where one could turn up."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from encours.orchestration.airflow_home import known_fernet_key, users_file
from encours.settings import Settings
from encours.warehouse import embedded, ownership

# What a home keeps beside its secrets: ports, and the name that it goes by in the warehouse.
NOT_SECRET = {"embedded.port", "airflow.port", ownership.MARK}
TABLES = """
select table_schema, table_name from information_schema.tables
where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'
order by table_schema, table_name
"""


def found_in(text: str, words: Iterable[str]) -> list[str]:
    """Which of the words a text holds, plainly or as bytes or base64 show in a database."""
    return [word for word in words if any(form in text for form in _forms(word))]


def tables_with(url: str, words: Iterable[str]) -> dict[str, list[str]]:
    """The tables of a database that hold some of the words, and which."""
    return {table: found for table, text in table_texts(url) if (found := found_in(text, words))}


def table_texts(url: str) -> Iterator[tuple[str, str]]:
    """Every table of a database with all it holds, as text."""
    with psycopg.connect(url) as connection:
        for schema, name in connection.execute(TABLES).fetchall():
            table = sql.Identifier(schema, name)
            rows = connection.execute(sql.SQL("select t::text from {} as t").format(table))
            yield f"{schema}.{name}", "\n".join(text for (text,) in rows.fetchall())


def files_with(folder: Path, words: Iterable[str]) -> dict[str, list[str]]:
    """The files below a folder that hold some of the words, packed ones unpacked."""
    return {
        str(path.relative_to(folder)): found
        for path in folder.rglob("*")
        if path.is_file() and (found := found_in(_text(path), words))
    }


def secrets_of(settings: Settings) -> dict[str, str]:
    """What a home made up to keep to itself, by its name: passwords, keys and what is derived of
    them."""
    found = {
        path.name: path.read_text().strip()
        for path in settings.secrets_dir.iterdir()
        if path.name not in NOT_SECRET
    }
    users = json.loads(found.pop(users_file(settings).name, "{}"))
    found.update({f"password of {user}": password for user, password in users.items()})
    key = known_fernet_key(settings, {})
    return found | ({"fernet key": key} if key else {})


def company_server(company: Settings, password: str) -> str:
    """A server that stands for a company's own, and the URL of a role on it."""
    server = embedded.ensure_started(company)
    owner = f"postgresql://{server.superuser}:{server.password}@{server.host}:{server.port}"
    with psycopg.connect(f"{owner}/postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role loader login createrole createdb password {}").format(
                sql.Literal(password)
            )
        )
        connection.execute("create database books owner loader")
    return f"postgresql://loader:{password}@{server.host}:{server.port}/books"


def _forms(word: str) -> Iterator[str]:
    yield word
    yield word.encode().hex()
    for offset in range(3):
        # Of what stands after other bytes, the part that does not depend on its neighbours.
        shifted = base64.b64encode(b"\0" * offset + word.encode()).decode()
        yield shifted[4 if offset else 0 : len(shifted) // 4 * 4 - 4]


def _text(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("latin-1")
