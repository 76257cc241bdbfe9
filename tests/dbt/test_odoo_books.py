"""Books that went through Odoo come out as they went in.

The stand-in turns documents, payments and allocations into moves, lines and reconciliations, as
three versions of Odoo have them; the staging models turn these back.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pytest
from dbt_project_files import run_dbt

from encours.clients.api import Access, Window
from encours.clients.odoo import open_client
from encours.landing.responses import land_responses, read_responses
from encours.loading.raw_schema import ensure_raw
from encours.loading.raw_tables import alone_in_raw
from encours.loading.records import load_responses
from encours.sandbox.books import (
    Allocation,
    Customer,
    Document,
    Entity,
    Instalment,
    Payment,
    World,
    WriteOff,
)
from encours.sandbox.odoo_records import number_of
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.odoo import ODOO

pytestmark = [pytest.mark.soak, pytest.mark.slow, pytest.mark.xdist_group("odoo")]

VERSIONS = {"odoo_13": "13.0", "odoo_15": "15.0", "odoo_19": "19.0"}
SEED = 20_260_101
LAST_DAY = date(2026, 6, 30)


def amount(text: str | int) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


# ---------------------------------------------------------------------- the books


def made_up_books(entity_id: str, seed: int) -> World:
    """Every shape that books may have, and invoices settled at random in two currencies."""
    rows: list[Any] = [
        Entity(entity_id=entity_id, entity_name="Société", siren="123456782"),
        *[Customer(customer_id=f"C{n}", customer_name=f"Client {n}") for n in range(4)],
        *SHAPES,
    ]
    draw = random.Random(seed)
    for n in range(30):
        rows += _invoice_with_settlements(draw, n)
    return World(rows, entity_id=entity_id, clock=datetime(2026, 7, 1, tzinfo=UTC))


def _document(name: str, **values: Any) -> Document:
    usual = {
        "customer_id": "C0",
        "document_number": f"N-{name}",
        "issue_date": date(2026, 1, 10),
        "due_date": date(2026, 2, 10),
        "amount_incl_tax": amount(120),
        "amount_excl_tax": amount(100),
    }
    return Document(document_id=name, **(usual | values))


def _payment(name: str, **values: Any) -> Payment:
    usual = {"customer_id": "C0", "payment_date": date(2026, 2, 1), "amount": amount(120)}
    return Payment(payment_id=name, **(usual | values))


def _allocation(name: str, source: str, document: str, **values: Any) -> Allocation:
    usual = {"amount": amount(50)}
    return Allocation(
        allocation_id=name, source_id=source, document_id=document, **(usual | values)
    )


SHAPES: list[Any] = [
    _document("OPEN"),
    _document("DRAFT", status="draft"),
    _document("VOID", status="void"),
    _document("NOTHING", amount_incl_tax=amount(0), amount_excl_tax=amount(0)),
    # Three instalments: one paid by name, the rest by the oldest due date.
    _document("SPLIT", due_date=date(2026, 4, 10), amount_incl_tax=amount(300)),
    *[
        Instalment(
            document_id="SPLIT", instalment_no=n, due_date=date(2026, 1 + n, 10), amount=amount(100)
        )
        for n in (1, 2, 3)
    ],
    _payment("P-SPLIT", amount=amount(170)),
    _allocation("A-NAMED", "P-SPLIT", "SPLIT", instalment_no=2),
    _allocation("A-OLDEST", "P-SPLIT", "SPLIT", amount=amount(120)),
    # A credit note settles an invoice, and what is left of it is paid out.
    _document("CREDITED"),
    _document("CN", document_type="credit_note", due_date=None, credited_document_id="CREDITED"),
    _allocation("A-CN", "CN", "CREDITED", source_type="credit_note", amount=amount(70)),
    _payment("REFUND", payment_type="refund", amount=amount(50)),
    _allocation("A-REFUND", "REFUND", "CN"),
    # An allocation that was undone, a payment that settles nothing, a loss.
    _document("UNDONE"),
    _payment("P-UNDONE"),
    _allocation("A-UNDONE", "P-UNDONE", "UNDONE", reversed_on=date(2026, 3, 1)),
    _payment("UNAPPLIED", method="SEPA", reference="Acompte"),
    _document("LOST"),
    WriteOff(
        write_off_id="W", document_id="LOST", write_off_date=date(2026, 5, 1), amount=amount(120)
    ),
]


def _invoice_with_settlements(draw: random.Random, n: int) -> Iterator[Any]:
    """An invoice, in euros or dollars, and payments at rates of their own that settle some of
    it."""
    customer = f"C{draw.randrange(4)}"
    currency = draw.choice(["EUR", "USD"])
    total = Decimal(draw.randrange(1, 500_000)).scaleb(-2)
    issued = date(2026, 1, 1) + timedelta(days=draw.randrange(90))

    def rate() -> Decimal | None:
        return None if currency == "EUR" else Decimal(draw.randrange(8_000, 11_000)).scaleb(-4)

    yield _document(
        f"R{n}",
        customer_id=customer,
        issue_date=issued,
        due_date=issued + timedelta(days=30),
        currency_code=currency,
        amount_incl_tax=total,
        amount_excl_tax=total,
        exchange_rate=rate(),
    )
    left = total
    for part in range(draw.randrange(3)):
        paid = Decimal(draw.randrange(1, 300_000)).scaleb(-2)
        used = min(paid, left)
        yield _payment(
            f"R{n}-{part}",
            customer_id=customer,
            payment_date=issued + timedelta(days=draw.randrange(60)),
            currency_code=currency,
            amount=paid,
            exchange_rate=rate(),
        )
        if used > 0:
            left -= used
            yield _allocation(f"A{n}-{part}", f"R{n}-{part}", f"R{n}", amount=used)


# ---------------------------------------------------------------------- through Odoo and back


@dataclass(frozen=True)
class Staged:
    """What the staging models made of the readings."""

    connection: psycopg.Connection
    worlds: dict[str, World]

    def rows(self, query: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, parameters).fetchall()


@pytest.fixture(scope="module")
def staged(warehouse_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    from encours.transform.dbt import Build
    from encours.warehouse.connections import connect, open_warehouse, parse_url
    from encours.warehouse.ledger import ensure_ledger

    url = open_warehouse(warehouse_home).pipeline_url
    worlds = {name: made_up_books(name, SEED + n) for n, name in enumerate(VERSIONS)}
    with connect(url) as connection:
        ensure_ledger(connection)
        ensure_raw(connection)
        with Sandbox(World()) as sandbox:
            for name, world in worlds.items():
                sandbox.serve(world, limits=False)
                read_into_raw(warehouse_home, connection, sandbox, name)
        connection.commit()
    target = parse_url(url)
    building = run_dbt(
        ["build", "--resource-type", "model", "--resource-type", "seed", "--select", *SELECTED],
        tmp_path_factory.mktemp("odoo"),
        variables=Build("odoo", LAST_DAY, datetime.now(UTC)).vars,
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
        yield Staged(reading, worlds)


SELECTED = ("+int_refused_rows", "+int_settlements", "stg_odoo__instalments")


def read_into_raw(
    settings: Settings, connection: psycopg.Connection, sandbox: Sandbox, entity_id: str
) -> None:
    """One reading of all streams by the version that the entity is named after."""
    sandbox.desk("odoo").options["version"] = VERSIONS[entity_id]
    told = sandbox.connection("odoo")
    client = open_client(
        Access(
            connection_id=f"encours_odoo__{entity_id}",
            entity_id=entity_id,
            base_url=told["host"],
            login=told["login"],
            secret=told["password"],
            options={**told["extra"], "page_size": "50"},
        )
    )
    run_id = f"run-{entity_id}"
    with land_responses(settings, "odoo", entity_id, run_id, client.company_id()) as landing:
        for stream in ODOO.streams:
            landed = landing.stream(stream.name, Window())
            for exchange in client.read(stream.name, Window()):
                landed.add(exchange)
    client.close()
    with alone_in_raw(connection, "odoo"):
        load_responses(connection, ODOO, read_responses(landing.folder), run_id)


def document_id(key: str) -> str:
    return str(number_of("move", "document", key))


def payment_id(key: str, kind: str = "payment") -> str:
    return f"line-{number_of('line', kind, key)}"


by_version = pytest.mark.parametrize("entity", VERSIONS)


@by_version
def test_documents_come_back(staged: Staged, entity: str) -> None:
    world = staged.worlds[entity]

    found = staged.rows(
        "select source_document_id, document_type, coalesce(document_number, ''),"
        " source_customer_id, issue_date, due_date, currency_code, amount_incl_tax,"
        " amount_excl_tax, status,"
        " coalesce(source_credited_document_id, ''), source_open_amount"
        " from intermediate.int_gathered_documents where entity_id = %s",
        entity,
    )

    assert sorted(found) == sorted(
        (
            document_id(document.key),
            document.document_type,
            "" if document.status == "draft" else document.document_number,
            str(number_of("partner", document.customer_id)),
            document.issue_date,
            document.due_date or document.issue_date + timedelta(days=30),
            document.currency_code,
            document.amount_incl_tax,
            document.amount_excl_tax,
            document.status,
            document_id(document.credited_document_id) if document.credited_document_id else "",
            world.remaining_amount(document) if document.status == "posted" else open_of(document),
        )
        for document in world.documents
    )


def open_of(document: Document) -> Decimal:
    """Nothing settles a draft or a cancelled document: its lines keep what they say."""
    return document.amount_incl_tax


@by_version
def test_payments_come_back_with_losses_among_them(staged: Staged, entity: str) -> None:
    world = staged.worlds[entity]

    found = staged.rows(
        "select source_payment_id, payment_type, source_customer_id, payment_date, currency_code,"
        " amount from intermediate.int_gathered_payments where entity_id = %s",
        entity,
    )

    losses = [
        (payment_id(w.key, "write_off"), "receipt", "C0", w.write_off_date, "EUR", w.amount)
        for w in world.write_offs
    ]
    assert sorted(found) == sorted(
        (key, kind, str(number_of("partner", customer)), *rest)
        for key, kind, customer, *rest in [
            *losses,
            *[
                (
                    payment_id(p.key),
                    p.payment_type,
                    p.customer_id,
                    p.payment_date,
                    p.currency_code,
                    p.amount,
                )
                for p in world.payments
            ],
        ]
    )


@by_version
def test_items_keep_their_company_amount(staged: Staged, entity: str) -> None:
    """The rate that Odoo's two amounts make gives back what was booked, to the cent."""
    world = staged.worlds[entity]
    booked = {
        **{document_id(d.key): (d.amount_incl_tax, d.exchange_rate) for d in world.documents},
        **{payment_id(p.key): (p.amount, p.exchange_rate) for p in world.payments},
    }

    found = dict(
        staged.rows(
            "select source_document_id, round(amount_incl_tax * exchange_rate, 2)"
            " from intermediate.int_gathered_documents where entity_id = %s"
            " union all select source_payment_id, round(amount * exchange_rate, 2)"
            " from intermediate.int_gathered_payments where entity_id = %s",
            entity,
            entity,
        )
    )

    assert {key: found[key] for key in booked} == {
        key: half_up(value * (rate or 1)) for key, (value, rate) in booked.items()
    }


def half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), "ROUND_HALF_UP")


@by_version
def test_allocations_come_back(staged: Staged, entity: str) -> None:
    world = staged.worlds[entity]

    found: Counter[tuple[Any, ...]] = Counter()
    for source_type, source, document, settled in staged.rows(
        "select source_type, source_id, source_document_id, amount"
        " from intermediate.int_gathered_allocations where entity_id = %s",
        entity,
    ):
        found[(source_type, source, document)] += settled

    wanted: Counter[tuple[Any, ...]] = Counter()
    for each in world.allocations:
        if world.is_in_force(each):
            is_payment = each.source_type == "payment"
            source = payment_id(each.source_id) if is_payment else document_id(each.source_id)
            wanted[(each.source_type, source, document_id(each.document_id))] += each.amount
    for loss in world.write_offs:
        source = payment_id(loss.key, "write_off")
        wanted[("payment", source, document_id(loss.document_id))] += loss.amount
    assert found == wanted


@by_version
def test_instalments_come_back_with_what_settles_each(staged: Staged, entity: str) -> None:
    split = document_id("SPLIT")

    assert staged.rows(
        "select instalment_no, due_date, amount from intermediate.int_gathered_instalments"
        " where entity_id = %s and source_document_id = %s order by instalment_no",
        entity,
        split,
    ) == [(n, date(2026, 1 + n, 10), amount(100)) for n in (1, 2, 3)]
    assert staged.rows(
        "select instalment_no, sum(amount) from intermediate.int_gathered_allocations"
        " where entity_id = %s and source_document_id = %s group by 1 order by 1",
        entity,
        split,
    ) == [(1, amount(100)), (2, amount(70))]


@by_version
def test_entity_is_the_company_that_was_read(staged: Staged, entity: str) -> None:
    found = staged.rows(
        "select entity_name, siren, base_currency from intermediate.int_gathered_entities"
        " where entity_id = %s",
        entity,
    )

    assert found == [("Société", "123456782", "EUR")]


def test_no_row_is_refused(staged: Staged) -> None:
    assert staged.rows("select source, stream, reason from intermediate.int_refused_rows") == []
