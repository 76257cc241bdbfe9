"""One set of books through every source: the same figures, to the cent, in one group. Its names and
numbers are such that somebody who took them for SQL, a template or a number would show.

The day after, what changed is read as everything would be (`make soak`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import warehouse_steps as steps
from api_steps import read_company
from plain_books import ENTITY, write_plain_books

from encours.orchestration import build
from encours.sandbox.books import Allocation, Customer, Payment, World, read_world
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.registry import API_SOURCES
from encours.warehouse.connections import open_warehouse
from hostile_text import (
    OWN_COLUMNS,
    SHORTEST,
    SHORTEST_ID,
    add_spoilt_company,
    hostile,
    spoil,
    spoil_ids,
)
from same_figures import Figures, difference, figures

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("api_sources")]

AS_OF = date(2026, 6, 30)
# Of Pennylane, a company whose token may not read the ledger.
MATCHED = "pennylane_matched"
# What a source tells otherwise for a reason of its own: neither a ledger's lettering, Pennylane's
# too, nor its matches carry amounts, so that they are worked out; Sage Intacct's documents have no
# amount without tax; Cegid Loop also tells the ledger account.
OF_ITS_OWN = {
    "cegid_loop": ("is_estimated", "ledger_account"),
    "pennylane": ("is_estimated",),
    "sage_100": ("is_estimated",),
    "sage_intacct": (
        "revenue_excl_tax_company_amount",
        "revenue_ytd_company_amount",
        "revenue_share_ytd",
    ),
}


def publish(home: Settings) -> None:
    opened = steps.build_candidate(home, as_of=AS_OF)
    assert steps.judge(home, opened) == "publish"
    build.publish_marts(home, opened.run_id)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("books")
    write_plain_books(400, AS_OF, folder / "demo", folder / "plain")
    spoil_ids(folder / "plain", "customer_id", SHORTEST_ID)
    spoil(folder / "plain" / "customers.csv", "customer_name")
    spoil(folder / "plain" / "documents.csv", "document_number", SHORTEST)
    spoil(folder / "plain" / "payments.csv", "reference")
    spoil(folder / "plain" / "entities.csv", "entity_name")
    spoil(folder / "plain" / "customers.csv", "vat_number", SHORTEST)
    spoil(folder / "plain" / "payments.csv", "method", SHORTEST)
    return folder / "plain"


@dataclass(frozen=True)
class Delivery:
    """The books as flat files, and beside their company one whose every text is hostile."""

    folder: Path
    ids: dict[str, dict[str, str]]

    @property
    def entity(self) -> str:
        return self.ids["entity"][ENTITY]


@pytest.fixture(scope="module")
def delivery(books: Path, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    folder = tmp_path_factory.mktemp("delivery")
    return Delivery(folder, add_spoilt_company(books, folder, "2026-06-15"))


@pytest.fixture(scope="module")
def sandbox(books: Path) -> Iterator[Sandbox]:
    with Sandbox(read_world(books), limits=False) as served:
        yield served


@pytest.fixture(scope="module")
def published(home: Settings, delivery: Delivery, sandbox: Sandbox) -> Settings:
    """The same books as flat files and through each API, side by side in one publication."""
    steps.ingest_files(home, delivery.folder)
    for source in API_SOURCES:
        read_company(home, sandbox, source)
    read_matched(home, sandbox, MATCHED)
    publish(home)
    return home


@pytest.fixture(scope="module")
def next_day(published: Settings, sandbox: Sandbox) -> Settings:
    """The day after: what changed is read of the companies known, and everything of others that
    have the same books."""
    live_a_day(sandbox.world)
    for source in API_SOURCES:
        read_company(published, sandbox, source)
        read_company(published, sandbox, source, f"{source}_again")
    for entity in (MATCHED, f"{MATCHED}_again"):
        read_matched(published, sandbox, entity)
    publish(published)
    return published


def read_matched(home: Settings, sandbox: Sandbox, entity: str) -> None:
    desk = sandbox.desk("pennylane")
    scopes = desk.scopes
    desk.scopes = tuple(scope for scope in scopes if not scope.startswith("ledger"))
    read_company(home, sandbox, "pennylane", entity)
    desk.scopes = scopes


def live_a_day(world: World) -> None:
    """An invoice is issued and paid in part, another is void, a payment is undone, a customer has
    another name."""
    world.clock += timedelta(days=1)
    matched = {row.document_id for row in world.allocations} | {
        row.source_id for row in world.allocations
    }
    issued = next(row for row in world.documents if row.document_type == "invoice")
    free = next(
        row
        for row in world.documents
        if row.document_id not in matched and not row.credited_document_id
    )
    undone = next(row for row in world.allocations if row.source_type == "payment")
    world.add(replace(issued, document_id="NEW", document_number="NEW-1", due_date=AS_OF))
    world.add(
        Payment(
            entity_id=ENTITY,
            payment_id="PAID",
            customer_id=issued.customer_id,
            payment_date=AS_OF,
            amount=Decimal("10.00"),
            reference="PAID",
        )
    )
    world.add(
        Allocation(
            entity_id=ENTITY,
            allocation_id="NEW",
            source_id="PAID",
            document_id="NEW",
            amount=Decimal("10.00"),
        )
    )
    world.void(free.document_id)
    world.delete(Allocation, undone.allocation_id)
    world.change(Customer, issued.customer_id, customer_name="Renommée SA")


def figures_of(published: Settings, entity: str, source: str) -> Figures:
    url = open_warehouse(published).pipeline_url
    return figures(url, entity, without=OF_ITS_OWN.get(source, ()))


def test_flat_files_bring_figures(published: Settings) -> None:
    assert all(figures_of(published, ENTITY, "files").values())


@pytest.mark.parametrize("source", sorted(API_SOURCES))
def test_source_ends_in_the_figures_of_the_flat_files(published: Settings, source: str) -> None:
    told = figures_of(published, source, source)

    lines = difference(figures_of(published, ENTITY, source), told)

    assert not lines, "\n".join(lines)


def test_money_of_pennylane_is_counted_once_with_the_ledger_and_without(
    published: Settings,
) -> None:
    told = figures_of(published, MATCHED, "pennylane")

    lines = difference(figures_of(published, ENTITY, "pennylane"), told)

    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("source", ["files", *sorted(API_SOURCES)])
def test_names_arrive_as_they_were_written(published: Settings, books: Path, source: str) -> None:
    with (books / "customers.csv").open(newline="") as file:
        written = sorted(row["customer_name"] for row in csv.DictReader(file))

    told = steps.rows(
        published,
        "select customer_name from marts.dim_customer where entity_id = %s",
        ENTITY if source == "files" else source,
    )

    assert sorted(name for (name,) in told) == written


def test_company_with_a_hostile_text_in_every_place_has_the_figures_of_its_books(
    published: Settings, delivery: Delivery
) -> None:
    """And more: the scopes of its segments, and a write-off of nothing."""
    told = figures_of(published, delivery.entity, "files")

    for table, rows in figures_of(published, ENTITY, "files").items():
        assert sorted(set(rows) - set(told[table]), key=str)[:5] == [], table


def test_hostile_texts_arrive_in_the_marts_as_they_were_written(
    published: Settings, delivery: Delivery
) -> None:
    segments = {hostile(number) for number in range(5)}
    customers = steps.rows(
        published,
        "select source_customer_id, sector, region, size_band, portfolio, payment_terms"
        " from marts.dim_customer where entity_id = %s",
        delivery.entity,
    )
    attributes = steps.rows(
        published,
        "select distinct 'customer', attribute, value from marts.customer_attributes"
        " where value = any(%s)"
        " union all select distinct 'document', attribute, value from marts.document_attributes"
        " where value = any(%s)",
        sorted(segments),
        sorted(segments),
    )

    assert {row[0] for row in customers} == set(delivery.ids["customer"].values())
    assert {text for row in customers for text in row[1:]} == segments
    assert set(attributes) == {
        (thing, name, text)
        for thing in ("customer", "document")
        for name in OWN_COLUMNS
        for text in segments
    }


@pytest.mark.soak
@pytest.mark.parametrize("source", [*sorted(API_SOURCES), MATCHED])
def test_reading_what_changed_ends_in_the_figures_of_reading_everything(
    next_day: Settings, source: str
) -> None:
    told = figures_of(next_day, source, source.removesuffix("_matched"))

    again = figures_of(next_day, f"{source}_again", source.removesuffix("_matched"))

    lines = difference(again, told)

    assert not lines, "\n".join(lines)
    assert any("NEW-1" in str(row) for row in told["fct_open_items"])
    assert any("Renommée SA" in str(row) for row in told["mart_aged_balance"])
