"""Books that went through ERPNext come out as they went in.

The stand-in turns documents, payments and allocations into vouchers and rows of the Payment Ledger;
the staging models turn these back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pytest
from dbt_project_files import run_dbt
from test_odoo_books import half_up, made_up_books

from encours.clients.api import Access, Window
from encours.clients.erpnext import open_client
from encours.landing.responses import land_responses, read_responses
from encours.loading.raw_schema import ensure_raw
from encours.loading.raw_tables import alone_in_raw
from encours.loading.records import load_responses
from encours.sandbox.books import Document, World
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.erpnext import ERPNEXT

pytestmark = [pytest.mark.soak, pytest.mark.slow, pytest.mark.xdist_group("erpnext")]

ENTITY = "fr"
LAST_DAY = date(2026, 6, 30)
SELECTED = ("+int_refused_rows", "+int_settlements", "stg_erpnext__instalments")


@dataclass(frozen=True)
class Staged:
    """What the staging models made of the reading."""

    connection: psycopg.Connection
    world: World

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def staged(warehouse_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    from encours.transform.dbt import Build
    from encours.warehouse.connections import connect, open_warehouse, parse_url
    from encours.warehouse.ledger import ensure_ledger

    url = open_warehouse(warehouse_home).pipeline_url
    world = made_up_books(ENTITY, 20_260_102)
    with connect(url) as connection:
        ensure_ledger(connection)
        ensure_raw(connection)
        with Sandbox(world, limits=False) as sandbox:
            read_into_raw(warehouse_home, connection, sandbox)
        connection.commit()
    target = parse_url(url)
    building = run_dbt(
        ["build", "--resource-type", "model", "--resource-type", "seed", "--select", *SELECTED],
        tmp_path_factory.mktemp("erpnext"),
        variables=Build("erpnext", LAST_DAY, datetime.now(UTC)).vars,
        environment={
            "ENCOURS_DBT_HOST": target.host,
            "ENCOURS_DBT_PORT": str(target.port),
            "ENCOURS_DBT_USER": target.user,
            "ENCOURS_DBT_PASSWORD": target.password,
            "ENCOURS_DBT_DATABASE": target.database,
            "DO_NOT_TRACK": "1",
        },
    )
    assert building.returncode == 0, building.stdout
    with psycopg.connect(url, autocommit=True) as reading:
        yield Staged(reading, world)


def read_into_raw(settings: Settings, connection: psycopg.Connection, sandbox: Sandbox) -> None:
    told = sandbox.connection("erpnext")
    client = open_client(
        Access(
            connection_id="encours_erpnext",
            entity_id=ENTITY,
            base_url=told["host"],
            login=told["login"],
            secret=told["password"],
            options={**told["extra"], "page_size": "50"},
        )
    )
    with land_responses(settings, "erpnext", ENTITY, "run", client.company_id()) as landing:
        for stream in ERPNEXT.streams:
            landed = landing.stream(stream.name, Window())
            for exchange in client.read(stream.name, Window()):
                landed.add(exchange)
    client.close()
    with alone_in_raw(connection, "erpnext"):
        load_responses(connection, ERPNEXT, read_responses(landing.folder), "run")


def named(world: World, key: str) -> str:
    """Invoices go by their number, payments by their id."""
    document = world.find(Document, key)
    return document.document_number if document else key


def test_documents_come_back(staged: Staged) -> None:
    found = staged.rows(
        "select source_document_id, document_type, source_customer_id, issue_date, due_date,"
        " currency_code, amount_incl_tax, amount_excl_tax, status, source_credited_document_id,"
        " source_open_amount, round(amount_incl_tax * exchange_rate, 2)"
        " from intermediate.int_gathered_documents where source = 'erpnext'"
    )

    assert sorted(found, key=str) == sorted(
        (
            (
                document.document_number,
                document.document_type,
                document.customer_id,
                document.issue_date,
                (document.due_date or document.issue_date + timedelta(days=30))
                if document.document_type == "invoice"
                else None,
                document.currency_code,
                document.amount_incl_tax,
                document.amount_excl_tax,
                document.status,
                named(staged.world, document.credited_document_id)
                if document.credited_document_id
                else None,
                staged.world.remaining_amount(document) if document.status == "posted" else None,
                half_up(document.amount_incl_tax * (document.exchange_rate or 1)),
            )
            for document in staged.world.documents
            if document.status != "draft"
        ),
        key=str,
    )


def test_payments_come_back(staged: Staged) -> None:
    found = staged.rows(
        "select source_payment_id, payment_type, source_customer_id, payment_date, currency_code,"
        " amount, round(amount * exchange_rate, 2), method, reference"
        " from intermediate.int_gathered_payments where source = 'erpnext'"
    )

    # The ledger rounds each row of a payment: the whole may differ by a cent for each.
    assert sorted((*row[:6], *row[7:]) for row in found) == sorted(
        (
            payment.payment_id,
            payment.payment_type,
            payment.customer_id,
            payment.payment_date,
            payment.currency_code,
            payment.amount,
            payment.method or None,
            payment.reference or None,
        )
        for payment in staged.world.payments
    )
    booked = {
        payment.payment_id: half_up(payment.amount * (payment.exchange_rate or 1))
        for payment in staged.world.payments
    }
    assert max(abs(row[6] - booked[row[0]]) for row in found) <= Decimal("0.01")


def test_allocations_come_back(staged: Staged) -> None:
    found: Counter[tuple[Any, ...]] = Counter()
    for *link, settled in staged.rows(
        "select source_type, source_id, source_document_id, amount"
        " from intermediate.int_gathered_allocations where source = 'erpnext'"
    ):
        found[tuple(link)] += settled

    wanted: Counter[tuple[Any, ...]] = Counter()
    for each in staged.world.allocations:
        if staged.world.is_in_force(each):
            source, document = (
                named(staged.world, key) for key in (each.source_id, each.document_id)
            )
            wanted[each.source_type, source, document] += each.amount
    assert found == wanted


def test_losses_come_back(staged: Staged) -> None:
    found = staged.rows(
        "select source_document_id, write_off_date, amount"
        " from intermediate.int_gathered_write_offs where source = 'erpnext'"
    )

    assert found == [
        (named(staged.world, loss.document_id), loss.write_off_date, loss.amount)
        for loss in staged.world.write_offs
    ]


def test_instalments_come_back(staged: Staged) -> None:
    found = staged.rows(
        "select source_document_id, instalment_no, due_date, amount"
        " from intermediate.int_gathered_instalments where source = 'erpnext' order by 2"
    )

    assert found == [("N-SPLIT", n, date(2026, 1 + n, 10), Decimal("100.00")) for n in (1, 2, 3)]


def test_no_row_is_refused(staged: Staged) -> None:
    assert staged.rows("select source, stream, reason from intermediate.int_refused_rows") == []
