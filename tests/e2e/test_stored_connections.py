"""Connections in Airflow's own store: made by `encours connect`, and their tokens, renewed by one
process at a time."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
import requests
import sandbox_books as small
import warehouse_steps as steps
from token_endpoint import TokenEndpoint, serving

from encours.sandbox.running import connect_command
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.warehouse.connections import connect, open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stored_connections")]

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


# --- a person at a terminal --------------------------------------------------------------------

Answers = Sequence[tuple[str, Callable[[str], str]]]


@dataclass(frozen=True)
class Screen:
    """What a terminal showed, and how the command ended."""

    exit_status: int
    text: str


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(small.books(small.invoice())) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def by_key(warehouse_home: Settings, sandbox: Sandbox) -> Screen:
    key = sandbox.connection("pennylane")["password"]
    return typed(
        warehouse_home, told_to_connect(sandbox, "pennylane"), [("company token", lambda _: key)]
    )


@pytest.fixture(scope="module")
def by_authorising(warehouse_home: Settings, sandbox: Sandbox) -> Screen:
    secret = sandbox.connection("sage_accounting")["password"]
    command = told_to_connect(sandbox, "sage_accounting")
    return typed(
        warehouse_home, command, [("secret", lambda _: secret), ("shows or not", page_sent_to)]
    )


def told_to_connect(sandbox: Sandbox, source: str) -> list[str]:
    """The command that `encours sandbox` tells, without its first word."""
    return connect_command(source, sandbox.connection(source))[1:]


def page_sent_to(screen: str) -> str:
    """Where the vendor's page sends a person who allows the reading."""
    (page,) = [line.strip() for line in screen.splitlines() if "/oauth/authorize" in line]
    return requests.get(page, allow_redirects=False, timeout=20).headers["Location"]


def typed(settings: Settings, arguments: Sequence[str], answers: Answers) -> Screen:
    """The command at a terminal: each question is answered as told, or by an empty line."""
    command = [sys.executable, "-m", "encours.cli", *arguments, "--home", str(settings.home)]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, command)
    screen, answered = "", 0
    try:
        while shown := shown_on(terminal):
            screen += shown
            question = screen[answered:].rstrip()
            if question.endswith(":"):
                answer = next((say for word, say in answers if word in question), None)
                os.write(terminal, (answer(screen) if answer else "").encode() + b"\n")
                answered = len(screen)
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    return Screen(os.waitstatus_to_exitcode(status), screen.replace("\r\n", "\n"))


def shown_on(terminal: int) -> str:
    """Nothing once the command has ended: a terminal then answers with an error."""
    ready, _, _ = select.select([terminal], [], [], 120)
    assert ready, "the command neither ends nor says anything"
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        return ""


def test_a_key_that_was_asked_for_opens_the_company(by_key: Screen) -> None:
    *_, connected, read_it = by_key.text.splitlines()

    assert by_key.exit_status == 0
    assert re.fullmatch(
        r"connected: encours_pennylane__main opens company \d+, entity main", connected
    )
    assert read_it == "read it with: encours run --source pennylane"


def test_a_key_that_is_typed_does_not_show(by_key: Screen, sandbox: Sandbox) -> None:
    assert sandbox.connection("pennylane")["password"] not in by_key.text


def test_an_app_is_authorised_by_pasting_the_page_that_the_vendor_sends_to(
    by_authorising: Screen,
) -> None:
    assert by_authorising.exit_status == 0
    assert "connected: encours_sage_accounting__main opens company" in by_authorising.text


def test_what_was_connected_is_found_by_its_source(
    by_key: Screen, by_authorising: Screen, warehouse_home: Settings
) -> None:
    ran = steps.encours(warehouse_home, "connect", "pennylane", "--entity", "e2", "--forget")

    assert ran.exit_status == 2
    assert ran.error.endswith("(of pennylane: encours_pennylane__main)")


def test_a_wrong_key_is_one_line_and_nothing_is_stored(
    warehouse_home: Settings, sandbox: Sandbox
) -> None:
    arguments = told_to_connect(sandbox, "odoo")

    screen = typed(warehouse_home, arguments, [("key", lambda _: "wrong")])

    assert screen.exit_status == 1
    assert "encours connect odoo" in screen.text.splitlines()[-1]
    ran = steps.encours(warehouse_home, "connect", "odoo", "--forget")
    assert ran.error.endswith("(of odoo: none)")


def test_without_a_terminal_what_is_missing_is_named(
    warehouse_home: Settings, sandbox: Sandbox
) -> None:
    ran = steps.encours(warehouse_home, *told_to_connect(sandbox, "odoo"))

    assert ran.exit_status == 2
    assert ran.stderr.count("\n") == 1
    assert "password is missing" in ran.error
    assert "--secret-file" in ran.error


def test_what_is_forgotten_is_gone(by_key: Screen, warehouse_home: Settings) -> None:
    arguments = ("connect", "pennylane", "--entity", "main", "--forget")

    first = steps.encours(warehouse_home, *arguments)
    second = steps.encours(warehouse_home, *arguments)

    assert first.stdout == "forgotten: encours_pennylane__main\n"
    assert second.exit_status == 2
