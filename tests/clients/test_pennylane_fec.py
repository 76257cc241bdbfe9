"""The FEC that Pennylane exports: asked for, waited for, downloaded, and fit for the FEC door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_documents import OpenApiDocument, document
from sandbox_books import allocation, customer, invoice, payment
from scripted_server import StillClock

from encours.clients.api import Access
from encours.clients.fec import inspect_fec, read_fec
from encours.clients.fec_tally import FecTally
from encours.clients.ledger_periods import Period, fec_periods
from encours.clients.pennylane import PennylaneClient, application
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import Entity, World
from encours.sandbox.server import Sandbox

ROOT = "/pennylane/api/external/v2"
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def world(siren: str = "123456782") -> World:
    return World(
        [
            Entity(entity_id="main", entity_name="Exemple SAS", siren=siren),
            customer(),
            invoice("F1", "120.00"),
            invoice("F2", "80.00", issue_date=date(2025, 12, 31)),
            payment("P1", "120.00"),
            allocation("A1", "P1", "F1", "120.00"),
        ]
    )


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(world(), limits=False) as sandbox:
        yield sandbox


class Served:
    def __init__(self, sandbox: Sandbox, rows: World | None = None) -> None:
        self.clock = StillClock()
        sandbox.serve(rows or world(), limits=False)
        self.sandbox = sandbox
        self.desk = sandbox.desk("pennylane")
        fields = sandbox.connection("pennylane")
        self.access = Access("books_1", "main", fields["host"], "", fields["password"])
        self.client = PennylaneClient(self.access, self.clock.patience(read_seconds=5))


def test_a_fec_is_exported_and_can_be_read_as_one(running: Sandbox, tmp_path: Path) -> None:
    path = Served(running).client.export_fec(YEAR, tmp_path)

    tally = FecTally()
    for _ in read_fec(inspect_fec(path), tally):
        pass
    summary = tally.summary()
    assert path.name == "123456782FEC20261231.txt"
    assert summary.total_debit == summary.total_credit == 240
    # The entry of the year before is not in it.
    assert summary.line_count == 4


def test_an_export_is_waited_for_until_it_is_ready(running: Sandbox, tmp_path: Path) -> None:
    served = Served(running)

    served.client.export_fec(YEAR, tmp_path)

    assert len(served.desk.calls.of(f"{ROOT}/exports/fecs/*")) == 2
    assert served.clock.slept == [5.0]


def test_the_token_does_not_go_to_where_the_file_lies(
    running: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, bool] = {}
    plain = requests.Session.request

    def note(session: Any, method: str, url: str, **options: Any) -> Any:
        headers = {**session.headers, **(options.get("headers") or {})}
        sent["/files/" in url] = "Authorization" in headers
        return plain(session, method, url, **options)

    monkeypatch.setattr(requests.Session, "request", note)

    Served(running).client.export_fec(YEAR, tmp_path)

    assert sent == {False: True, True: False}


@pytest.mark.parametrize(
    ("change", "error", "line"),
    [
        ({"status": "error"}, RetryableError, "could not make the FEC of 2026-01-01/2026-12-31"),
        ({"status": "pending"}, RetryableError, "was not ready after 1200 s"),
        ({"status": "ready", "file_url": None}, FatalError, "file_url is not text"),
    ],
    ids=["error", "never ready", "no address"],
)
def test_an_export_that_does_not_come_is_one_line(
    running: Sandbox,
    tmp_path: Path,
    change: dict[str, Any],
    error: type[EncoursError],
    line: str,
) -> None:
    served = Served(running)
    running.faults.add(
        "rewritten", on=f"{ROOT}/exports/fecs/*", change=lambda body: {**body, **change}
    )

    with pytest.raises(error, match=line) as raised:
        served.client.export_fec(YEAR, tmp_path)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fault", ["server_error", "reset", "truncated", "too_many_requests"])
def test_a_passing_fault_costs_no_export(running: Sandbox, tmp_path: Path, fault: str) -> None:
    served = Served(running)
    running.faults.add(fault, on=f"{ROOT}/exports/*", times=1)

    assert inspect_fec(served.client.export_fec(YEAR, tmp_path)).siren == "123456782"


def test_a_token_without_the_scope_is_told_how_to_mend_it(running: Sandbox, tmp_path: Path) -> None:
    served = Served(running)
    served.desk.scopes = ("customers:readonly",)

    with pytest.raises(FatalError, match="has not the scope exports:fec"):
        served.client.export_fec(YEAR, tmp_path)


def test_a_company_without_siren_is_refused(running: Sandbox, tmp_path: Path) -> None:
    served = Served(running, world(siren=""))

    with pytest.raises(FatalError, match="tells no SIREN"):
        served.client.export_fec(YEAR, tmp_path)


def test_requests_and_answers_fit_the_specification(running: Sandbox, tmp_path: Path) -> None:
    specification: OpenApiDocument = document("pennylane", "company_v2.readonly.json")
    served = Served(running)
    answers: list[tuple[int, dict[str, Any]]] = []
    running.faults.add(
        "rewritten",
        on=f"{ROOT}/exports/fecs*",
        change=lambda body: answers.append((0, body)) or body,
    )
    served.client.export_fec(YEAR, tmp_path)

    path = "/api/external/v2/exports/fecs"
    (asked,) = served.desk.calls.of(f"{ROOT}/exports/fecs")
    wanted = specification.operation(path, "post")
    body_schema = wanted["requestBody"]["content"]["application/json"]["schema"]
    made_schema = wanted["responses"]["201"]["content"]["application/json"]["schema"]
    (_, made), *polled = answers
    assert list(Draft202012Validator(body_schema).iter_errors(json.loads(asked.body))) == []
    assert list(Draft202012Validator(made_schema).iter_errors(made)) == []
    assert len(polled) == 2
    for _, body in polled:
        assert specification.faults_of_answer(f"{path}/1", 200, body) == []


# ---------------------------------------------------------------------- which periods


def access(text: str, login: str = "") -> Access:
    options = {"fec_periods": text, "redirect_uri": "https://localhost/done"}
    return Access("books_1", "main", "", login, "token", options)


def test_periods_are_read_in_their_order() -> None:
    found = fec_periods(access("2026-01-01/2026-12-31 2025-01-01/2025-12-31"))

    assert found == (Period(date(2025, 1, 1), date(2025, 12, 31)), YEAR)


def test_a_connection_without_periods_wants_its_documents_read() -> None:
    assert fec_periods(access("")) == ()


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "2026-01-01/2026-13-31",
        "2026-12-31/2026-01-01",
        "2026-01-01/2026-06-30 2026-06-30/2026-12-31",
    ],
)
def test_periods_that_cannot_be_read_are_told_when_the_connection_is_opened(text: str) -> None:
    with pytest.raises(FatalError, match=r"books_1: fec_periods .* \(write 2025-01-01/2025-12-31"):
        PennylaneClient(access(text))


def test_an_app_asks_for_the_scope_of_exports_where_periods_are_wanted() -> None:
    with_periods = application(access("2026-01-01/2026-12-31", "client-id"))
    without = application(replace(access("", "client-id")))

    assert with_periods is not None
    assert without is not None
    assert "exports%3Afec" in with_periods.page_to_authorize("state")
    assert "exports%3Afec" not in without.page_to_authorize("state")
