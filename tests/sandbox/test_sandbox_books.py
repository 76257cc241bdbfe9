"""The books that stand-ins serve: read from flat files, stamped, changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from encours.errors import BadInput
from encours.sandbox.books import (
    Allocation,
    Customer,
    Document,
    Entity,
    Instalment,
    Payment,
    World,
    WriteOff,
    read_world,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DOCUMENTS = (
    "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax\n"
    "F1,invoice,C1,2026-03-01,EUR,100.10\n"
)


def invoice(name: str = "F1", amount: str = "100.00", **values: object) -> Document:
    return Document(
        document_id=name,
        customer_id="C1",
        issue_date=date(2026, 3, 1),
        amount_incl_tax=Decimal(amount),
        **values,
    )


def receipt(name: str = "P1", amount: str = "100.00") -> Payment:
    day = date(2026, 3, 2)
    return Payment(payment_id=name, customer_id="C1", payment_date=day, amount=Decimal(amount))


def allocation(amount: str, **values: object) -> Allocation:
    given = {"allocation_id": "A1", "source_id": "P1", "document_id": "F1", **values}
    return Allocation(amount=Decimal(amount), **given)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


# ------------------------------------------------------------------ reading


def test_documents_alone_make_a_world_with_the_defaults_of_the_contract(tmp_path: Path) -> None:
    world = read_world(write(tmp_path, documents=DOCUMENTS))

    (document,) = world.documents
    assert world.entity_id == document.entity_id == "main"
    assert (world.entity.base_currency, document.status) == ("EUR", "posted")
    assert (document.amount_incl_tax, document.due_date) == (Decimal("100.10"), None)


def test_semicolons_a_byte_order_mark_and_unknown_columns_are_read(tmp_path: Path) -> None:
    text = "\ufeffcustomer_id;customer_name;canal\nC1;Essai;web\nC2;;\n"

    world = read_world(write(tmp_path, documents=DOCUMENTS, customers=text))

    assert world.get(Customer, "C1").attributes == {"canal": "web"}
    assert world.get(Customer, "C2").attributes == {}


def test_the_first_entity_of_the_books_is_served(tmp_path: Path) -> None:
    entities = "entity_id,entity_name\nfr,Essai SAS\nsvc,Services SAS\n"
    documents = DOCUMENTS.replace("document_id", "entity_id,document_id", 1)
    documents = documents.replace("F1,", "fr,F1,") + "svc,F1,invoice,C1,2026-03-01,EUR,7\n"

    world = read_world(write(tmp_path, entities=entities, documents=documents))

    assert [document.amount_incl_tax for document in world.documents] == [Decimal("100.10")]
    world.entity_id = "svc"
    assert [document.amount_incl_tax for document in world.documents] == [Decimal("7")]


def test_the_demo_books_are_read_whole(tmp_path: Path) -> None:
    from encours.demo.books import DemoOptions, write_books

    written = write_books(DemoOptions(invoices=40, months=6, seed=3), tmp_path).rows

    world = read_world(tmp_path)

    everything = [*world.everything()]
    assert {name: count for name, count in written.items() if count} == {
        name: sum(row.stream == name for row in everything)
        for name in {row.stream for row in everything}
    }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "documents.csv is missing"),
        ({"documents": "document_id\nF1\n"}, "documents.csv: has no column amount_incl_tax"),
        (
            {"documents": DOCUMENTS.replace("100.10", "cent")},
            "documents.csv, line 2: amount_incl_tax 'cent' cannot be read",
        ),
        (
            {"documents": DOCUMENTS.replace("2026-03-01", "")},
            "documents.csv, line 2: issue_date is empty",
        ),
        (
            {"documents": DOCUMENTS + DOCUMENTS.splitlines()[1]},
            "two rows of documents have the key F1",
        ),
    ],
    ids=["no documents", "no column", "no number", "empty", "twice"],
)
def test_books_that_cannot_be_served_are_refused_with_their_place(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        read_world(write(tmp_path, **files))


def test_an_entity_that_the_books_do_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no entity 'svc' .*it has main"):
        read_world(write(tmp_path, documents=DOCUMENTS), entity_id="svc")


# ------------------------------------------------------------------ stamps


def test_stamps_of_the_first_rows_follow_from_their_business_dates() -> None:
    rows = [invoice(), receipt(), allocation("40", reversed_on=date(2026, 5, 6))]

    first, second = World(rows), World(rows)

    assert first.get(Document, "F1").updated_at.date() == date(2026, 3, 1)
    assert first.get(Allocation, "A1").created_at.date() == date(2026, 3, 2)
    assert first.get(Allocation, "A1").updated_at.date() == date(2026, 5, 6)
    assert first.documents == second.documents
    assert first.clock == second.clock > first.get(Allocation, "A1").updated_at


def test_a_clock_that_runs_is_the_machines() -> None:
    world = World([invoice()])

    world.let_clock_run(lambda: NOON)

    assert world.clock == NOON


def test_a_clock_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        World().clock = datetime(2026, 3, 2)


# ------------------------------------------------------------------ changes


def test_a_row_that_is_added_bears_the_moment_and_the_entity() -> None:
    world = World([Entity(entity_id="fr")], clock=NOON)

    added = world.add(invoice())

    assert (added.created_at, added.updated_at, added.entity_id) == (NOON, NOON, "fr")
    assert world.documents == (added,)


def test_a_key_that_is_taken_cannot_be_added() -> None:
    world = World([invoice()])

    with pytest.raises(ValueError, match="already has a row F1"):
        world.add(invoice())


def test_a_change_keeps_the_birth_and_moves_the_touch() -> None:
    world = World([invoice()], clock=NOON)
    born = world.get(Document, "F1").created_at

    changed = world.change(Document, "F1", amount_incl_tax=Decimal("7"))

    assert (changed.created_at, changed.updated_at) == (born, NOON)
    assert world.get(Document, "F1").amount_incl_tax == Decimal("7")


def test_a_key_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="cannot be changed"):
        World([invoice()]).change(Document, "F1", document_id="F2")


def test_a_void_document_stays_and_leaves_nothing_open() -> None:
    world = World([invoice()], clock=NOON)

    world.void("F1")

    assert world.get(Document, "F1").status == "void"
    assert world.remaining_amount(world.get(Document, "F1")) == 0


def test_a_deleted_row_is_remembered_with_its_moment() -> None:
    world = World([invoice(), invoice("F2")], clock=NOON)

    world.delete(Document, "F1")

    (tombstone,) = world.tombstones(Document)
    assert (tombstone.kind, tombstone.key, tombstone.deleted_at) == ("documents", "F1", NOON)
    assert [document.key for document in world.documents] == ["F2"]
    assert world.tombstones(Document, since=NOON + timedelta(seconds=1)) == ()


def test_what_is_not_there_cannot_be_changed_or_deleted() -> None:
    world = World()

    with pytest.raises(LookupError, match="no documents row F1"):
        world.change(Document, "F1", status="void")
    with pytest.raises(LookupError, match="no documents row F1"):
        world.delete(Document, "F1")


# ------------------------------------------------------------------ what follows from rows


def test_remaining_amount_is_less_what_settles_now() -> None:
    loss = WriteOff(
        write_off_id="W1", document_id="F1", write_off_date=date(2026, 3, 2), amount=Decimal("5")
    )
    world = World([invoice(), receipt(), allocation("40"), loss], clock=NOON)

    assert world.remaining_amount(world.get(Document, "F1")) == Decimal("55")
    assert world.unapplied_amount(world.get(Payment, "P1")) == Decimal("60")


def test_a_reversed_allocation_settles_nothing_from_its_day() -> None:
    reversed_on = date(2026, 3, 3)
    world = World([invoice(), receipt(), allocation("40", reversed_on=reversed_on)], clock=NOON)
    document = world.get(Document, "F1")

    before = world.remaining_amount(document)
    world.clock += timedelta(days=1)

    assert (before, world.remaining_amount(document)) == (Decimal("60"), Decimal("100"))


def test_a_credit_note_is_used_up_by_what_it_settles() -> None:
    note = invoice("N1", "30", document_type="credit_note")
    used = allocation("30", source_type="credit_note", source_id="N1")
    world = World([invoice(), note, used], clock=NOON)

    assert world.remaining_amount(world.get(Document, "N1")) == 0
    assert world.remaining_amount(world.get(Document, "F1")) == Decimal("70")


def test_a_document_is_touched_by_what_settles_it_and_by_its_deletion() -> None:
    world = World([invoice(), receipt()], clock=NOON)

    world.add(allocation("40"))
    paid_at = world.touched_at(world.get(Document, "F1"))
    world.clock += timedelta(hours=1)
    world.delete(Allocation, "A1")

    assert paid_at == NOON
    assert world.touched_at(world.get(Document, "F1")) == NOON + timedelta(hours=1)


def test_rows_are_looked_up_by_their_values() -> None:
    parts = [
        Instalment(
            document_id="F1", instalment_no=number, due_date=date(2026, 4, 1), amount=Decimal("50")
        )
        for number in (1, 2)
    ]
    world = World([invoice(), *parts])

    assert [row.key for row in world.where(Instalment, document_id="F1")] == ["F1/1", "F1/2"]
    assert world.where(Instalment, document_id="F2") == ()
