"""Tokens in Airflow's own store: encrypted, and renewed by one process at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from token_endpoint import TokenEndpoint, serving

from encours.settings import Settings
from encours.warehouse.connections import connect, open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stored_tokens")]

NAME = "encours_sage_accounting"
# Airflow reads the key of its store when it is imported: so each step is a process, as in life.
PRELUDE = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
from encours.clients.api import Access
from encours.clients.oauth import Application, RenewedToken, Tokens
from encours.orchestration import accesses
from encours.orchestration.airflow_home import airflow_environment
from encours.orchestration.tokens import StoredTokens
from encours.settings import Settings
from encours.warehouse.connections import open_warehouse

home, url = sys.argv[1:]
settings = Settings(home=Path(home))
os.environ.update(airflow_environment(settings, open_warehouse(settings)))
name = "encours_sage_accounting"
access = Access(name, "main", url, "app", "canary-secret", {"redirect_uri": "https://x.test/"})
app = Application("https://x.test/", url, "app", "canary-secret", wants_basic=False)
"""
STORE = """
accesses.store_access(settings, access, Tokens("canary-access-0", "canary-refresh-0"))
"""
RENEW = """
token = RenewedToken(name, StoredTokens(settings, name), app)
print("ready", flush=True)
sys.stdin.readline()
token.renew()
print(json.dumps(token.headers()))
"""
READ = """
from airflow.models.connection import Connection
from airflow.utils.session import create_session
with create_session() as session:
    extra = session.query(Connection).filter_by(conn_id=name).one().extra
tokens = StoredTokens(settings, name).read()
print(json.dumps([tokens.access_token, tokens.refresh_token, json.loads(extra)["redirect_uri"]]))
"""
STORE_WITHOUT_PASSWORD = """
name = "encours_sage_100"
accesses.store_access(settings, Access(name, "main", "mssql+pymssql://server/COMPTA"))
stored = accesses.configured(settings)["sage_100"]
print(json.dumps([stored, accesses.forget_access(settings, name)]))
"""
WITHOUT_KEY = """
os.environ["AIRFLOW__CORE__FERNET_KEY"] = ""
try:
    StoredTokens(settings, name).renew(Tokens("canary-access-0", "canary-refresh-0"), None)
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


def start(settings: Settings, endpoint: TokenEndpoint, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, str(settings.home), endpoint.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate("go\n", timeout=120)
    assert process.returncode == 0, err[-2000:]
    assert "canary" not in err
    return out.strip().splitlines()[-1] if out.strip() else ""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[TokenEndpoint]:
    with serving(TokenEndpoint()) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def renewed(warehouse_home: Settings, endpoint: TokenEndpoint) -> list[str]:
    """What two processes hold that renewed the same stored pair at the same moment."""
    said(start(warehouse_home, endpoint, STORE))
    both = [start(warehouse_home, endpoint, RENEW) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(said(process))["Authorization"] for process in both]


def test_two_processes_renew_once(renewed: list[str], endpoint: TokenEndpoint) -> None:
    assert renewed == ["Bearer canary-access-1"] * 2
    assert len(endpoint.asked) == 1


def test_new_pair_is_stored_beside_the_options(
    renewed: list[str], warehouse_home: Settings, endpoint: TokenEndpoint
) -> None:
    assert json.loads(said(start(warehouse_home, endpoint, READ))) == [
        "canary-access-1",
        "canary-refresh-1",
        "https://x.test/",
    ]


def test_nothing_secret_is_readable_in_the_store(
    renewed: list[str], warehouse_home: Settings
) -> None:
    with connect(open_warehouse(warehouse_home).metadata_url) as connection:
        row = connection.execute(
            "select connection::text from connection where conn_id = %s", [NAME]
        ).fetchone()

    assert row is not None
    assert NAME in row[0]
    assert "canary" not in row[0]


def test_store_without_a_key_keeps_no_tokens(
    renewed: list[str], warehouse_home: Settings, endpoint: TokenEndpoint
) -> None:
    kind, line = json.loads(said(start(warehouse_home, endpoint, WITHOUT_KEY)))

    assert kind == "FatalError"
    assert "has no key" in line


def test_connection_without_a_password_is_stored(
    warehouse_home: Settings, endpoint: TokenEndpoint
) -> None:
    told = json.loads(said(start(warehouse_home, endpoint, STORE_WITHOUT_PASSWORD)))

    assert told == [["encours_sage_100"], True]
