"""Reading an API: how much of the permitted rate is used, and what a million invoices take.

The stand-ins run in a process of their own. The rate is Pennylane's, held by a stand-in that
refuses whoever asks for more; the volume is read from Sage Accounting without its limit, since
5,000 pages at 100 a minute would measure the limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bench.memory import run_measured
from encours.clients.api import Access, Window
from encours.clients.pennylane import LIMITS
from encours.sandbox.books import Customer, Document, Entity, Payment, World
from encours.sandbox.desk import Desk
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.sage_accounting import ROOT, routes
from encours.sandbox.server import Sandbox
from encours.settings import load_settings
from encours.sources.registry import API_SOURCES
from encours.warehouse.embedded import stop

PAGE_RECORDS = 200
ASKED_INVOICES = 150
RATE_BOOKS: list[Any] = [
    Entity(entity_id="main"),
    Customer(customer_id="C1", customer_name="Ateliers Exemple SAS"),
    *(
        Document(
            document_id=f"F{number}",
            customer_id="C1",
            issue_date=date(2026, 1, 10),
            due_date=date(2026, 2, 10),
            amount_incl_tax=Decimal("120.10"),
        )
        for number in range(ASKED_INVOICES)
    ),
    Payment(
        payment_id="P1", customer_id="C1", payment_date=date(2026, 1, 20), amount=Decimal("100.00")
    ),
]


def measure(folder: Path, invoices: int) -> dict[str, float]:
    """`rate_share` is how many of the permitted requests were made, `refused` how many were
    refused; `megabytes` the peak of the process that reads and loads."""
    return {**_rate(), **volume(folder, invoices)}


def _rate() -> dict[str, float]:
    with Sandbox(World(RATE_BOOKS)) as sandbox:
        # Without the ledger, of which a hundred lines come with an answer.
        sandbox.desk("pennylane").scopes = ("customers:readonly", "customer_invoices:readonly")
        access = _access(sandbox.connection("pennylane"))
        client = API_SOURCES["pennylane"].open_client(access)
        for stream in ("customer_invoices", "matched_transactions"):
            for _ in client.read(stream, Window()):
                pass
        client.close()
        moments = [call.at for call in sandbox.desk("pennylane").calls]
    # From the first request of a window to the first of the last one.
    made = (len(moments) - 1) // LIMITS.requests * LIMITS.requests
    answered = 3 + ASKED_INVOICES
    return {
        "rate_share": made / (moments[made] - moments[0]) / (LIMITS.requests / LIMITS.seconds),
        "refused": max(0, len(moments) - answered),
    }


def volume(folder: Path, invoices: int) -> dict[str, float]:
    """What it takes to land and load so many, in seconds, and the peak memory of doing so."""
    settings = load_settings(folder / "home")
    with _vendor(invoices) as connection:
        command = [sys.executable, "-m", "bench.extraction", "read", str(settings.home)]
        try:
            done = run_measured([*command, json.dumps(connection)])
        finally:
            stop(settings)
    assert done.exit_status == 0, done.errors
    told = json.loads(done.output.splitlines()[-1])
    return {
        "invoices": told["rows"],
        "land_s": told["land_s"],
        "load_s": told["load_s"],
        "megabytes": done.peak_bytes / 1e6,
    }


@contextmanager
def _vendor(invoices: int) -> Iterator[dict[str, Any]]:
    """A process that serves so many invoices; gives the connection to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.extraction", "serve", str(invoices)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


def _serve(invoices: int) -> None:
    """Until the caller closes our standard input."""

    def many(world: World, desk: Desk) -> Sequence[BaseRoute]:
        made = routes(world, desk)
        return [Route(f"{ROOT}/sales_invoices", _pages(desk, invoices)), *made]

    with Sandbox(
        World(RATE_BOOKS[:3]), stand_ins={"sage_accounting": many}, limits=False
    ) as served:
        connection = served.connection("sage_accounting")
        connection["extra"]["requests_per_minute"] = "10000"
        connection["access_token"] = served.desk("sage_accounting").issue().access_token
        print(json.dumps(connection), flush=True)
        sys.stdin.read()


def _pages(desk: Desk, invoices: int) -> Any:
    last = -(-invoices // PAGE_RECORDS)

    def page(request: Request) -> Response:
        number = int(request.query_params.get("page", "1"))
        first = (number - 1) * PAGE_RECORDS
        items = [_invoice(place) for place in range(first, min(first + PAGE_RECORDS, invoices))]
        following = f"/sales_invoices?page={number + 1}" if number < last else None
        return answer_json(
            {"$total": invoices, "$page": number, "$next": following, "$items": items}
        )

    return page


def _invoice(place: int) -> dict[str, Any]:
    id = f"{place:032x}"
    return {
        "id": id,
        "displayed_as": f"FI-{place}",
        "$path": f"/sales_invoices/{id}",
        "created_at": "2026-01-10T09:00:00Z",
        "updated_at": "2026-01-10T09:00:00Z",
        "date": "2026-01-10",
        "due_date": "2026-02-10",
        "contact": {"id": f"{place % 50_000:032x}", "displayed_as": "Ateliers Exemple SAS"},
        "currency": {"id": "EUR", "displayed_as": "Euro"},
        "total_amount": Decimal(1000 + place % 9000) / 100,
        "net_amount": Decimal(800 + place % 7000) / 100,
        "outstanding_amount": Decimal("0.0"),
        "invoice_number": f"FI-{place}",
        "status": {"id": "PAID", "displayed_as": "Paid"},
        "payments_allocations": [],
    }


def _read(home: Path, connection: dict[str, Any]) -> None:
    from encours.clients.oauth import Tokens
    from encours.orchestration import extract
    from encours.orchestration.run_ids import new_run_id

    class Held:
        def read(self) -> Tokens:
            return Tokens(connection["access_token"], refresh_token="")

        def renew(self, spent: Tokens, exchange: Any) -> Tokens:
            raise AssertionError("it does not die")

    settings, source, run_id = load_settings(home), API_SOURCES["sage_accounting"], new_run_id()
    access = replace(_access(connection), tokens=Held())
    started = time.monotonic()
    landed = extract.land_company(settings, extract.Reading(run_id, source, access))
    between = time.monotonic()
    loaded = extract.load_company(settings, source, run_id, landed)
    ended = time.monotonic()
    figures = {"rows": loaded.row_count, "land_s": between - started, "load_s": ended - between}
    print(json.dumps(figures), flush=True)
    # What is left to tidy is not what is measured.
    os._exit(0)


def _access(fields: dict[str, Any]) -> Access:
    options = {name: str(value) for name, value in fields["extra"].items() if name != "entity_id"}
    return Access(
        connection_id="encours_bench",
        entity_id="main",
        base_url=fields["host"],
        login=fields.get("login") or "",
        secret=fields.get("password") or "",
        options=options,
    )


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(int(sys.argv[2]))
    else:
        _read(Path(sys.argv[2]), json.loads(sys.argv[3]))
