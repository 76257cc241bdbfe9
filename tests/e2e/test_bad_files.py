"""A delivery of flat files with every fault at once: each bad row is named and nothing is lost.

The good delivery is published first; the bad one is held through the command; mending the files
and loading them again publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps

from encours.errors import BadInput
from encours.orchestration import build, ingest
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings
from encours.warehouse.connections import open_warehouse
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bad_files")]

AS_OF = date(2025, 3, 31)

# Two customers and four invoices; INV-1 is paid, INV-2 half paid, INV-4 in two instalments.
GOOD = {
    "customers": """
customer_id,customer_name,payment_terms
C1,Atelier Nord,30
C2,Fonderie Sud,30
""",
    "documents": """
document_id,document_type,customer_id,issue_date,due_date,currency_code,amount_incl_tax,exchange_rate,status
INV-1,invoice,C1,2025-01-10,2025-02-09,EUR,1200.00,,posted
INV-2,invoice,C1,2025-02-10,2025-03-12,EUR,600.00,,posted
INV-3,invoice,C2,2025-02-20,2025-03-22,USD,1000.00,0.9,posted
INV-4,invoice,C2,2025-03-01,2025-03-31,EUR,400.00,,posted
CN-1,credit_note,C2,2025-03-15,,EUR,50.00,,posted
DRAFT-1,invoice,C1,2025-03-20,2025-04-19,EUR,90.00,,draft
""",
    "instalments": """
document_id,instalment_no,due_date,amount
INV-4,1,2025-03-31,250.00
INV-4,2,2025-04-30,150.00
""",
    "payments": """
payment_id,customer_id,payment_date,currency_code,amount
PAY-1,C1,2025-02-08,EUR,1200.00
PAY-2,C1,2025-03-20,EUR,300.00
""",
    "allocations": """
allocation_id,source_type,source_id,document_id,amount
A1,payment,PAY-1,INV-1,1200.00
A2,payment,PAY-2,INV-2,300.00
""",
    "write_offs": """
write_off_id,document_id,write_off_date,amount
W1,INV-2,2025-03-25,20.00
""",
    "exchange_rates": """
currency_code,base_currency,rate_date,rate
USD,EUR,2025-03-28,0.95
""",
}
# 600 - 300 - 20, 1000 x 0.9, 400 and the credit note.
GOOD_TOTAL = Decimal("280.00") + Decimal("900.00") + Decimal("400.00") - Decimal("50.00")


@dataclass(frozen=True)
class Fault:
    """A row that cannot be used: `row` is added to the end of its file."""

    stream: str
    row: str
    column: str
    reason: str


FAULTS = [
    # Found while loading: the row by itself.
    Fault(
        "documents",
        "INV-1,invoice,C1,2025-01-10,,EUR,7.00,,posted",
        "document_id",
        "duplicate key, first seen on line 2",
    ),
    Fault("documents", "INV-20,invoice,C1,2025-02-30,,EUR,7.00,,posted", "issue_date", "date"),
    Fault(
        "documents",
        "INV-21,invoice,C1,2025-02-01,,EUR,-7.00,,posted",
        "amount_incl_tax",
        "negative",
    ),
    Fault(
        "documents",
        'INV-22,invoice,C1,2025-02-01,,EUR,"1,200.50",,posted',
        "amount_incl_tax",
        "thousands",
    ),
    Fault(
        "documents", "INV-23,receipt,C1,2025-02-01,,EUR,7.00,,posted", "document_type", "invoice"
    ),
    Fault("documents", "INV-24,invoice,C1,2025-02-01", "", "fields"),
    Fault("payments", ",C1,2025-03-20,EUR,7.00", "payment_id", "empty"),
    # Found by the models: the row among the others.
    Fault(
        "documents",
        "INV-30,invoice,C9,2025-02-01,,EUR,7.00,,posted",
        "customer_id",
        "customer C9 is not in customers",
    ),
    Fault(
        "documents",
        "INV-31,invoice,C1,2025-02-01,,USD,7.00,,posted",
        "exchange_rate",
        "amount in USD without exchange_rate",
    ),
    Fault("documents", "INV-32,invoice,C1,2025-02-01,,EUR,100.00,,posted", "", ""),
    Fault(
        "payments",
        "PAY-30,C9,2025-03-20,EUR,7.00",
        "customer_id",
        "customer C9 is not in customers",
    ),
    Fault(
        "payments",
        "PAY-31,C1,2025-03-20,GBP,7.00",
        "exchange_rate",
        "amount in GBP without exchange_rate",
    ),
    Fault("payments", "PAY-32,C1,2025-03-20,EUR,5000.00", "", ""),
    Fault(
        "allocations",
        "A30,payment,PAY-99,INV-2,1.00",
        "source_id",
        "payment PAY-99 is not in the files",
    ),
    Fault(
        "allocations",
        "A31,payment,PAY-32,INV-99,1.00",
        "document_id",
        "document INV-99 is not in documents",
    ),
    Fault(
        "allocations",
        "A32,payment,PAY-2,INV-32,1.00",
        "amount",
        "of payment PAY-2, which is only 300",
    ),
    Fault(
        "allocations",
        "A33,payment,PAY-32,INV-1,1.00",
        "amount",
        "to document INV-1, which is only 1200",
    ),
    Fault(
        "allocations",
        "A34,payment,PAY-32,DRAFT-1,1.00",
        "document_id",
        "is draft: only posted documents are matched",
    ),
    Fault(
        "allocations",
        "A35,payment,PAY-32,INV-4,1.00",
        "document_id",
        "belong to different customers",
    ),
    Fault(
        "allocations",
        "A36,credit_note,CN-1,INV-3,1.00",
        "document_id",
        "an allocation needs one currency",
    ),
    Fault(
        "instalments",
        "INV-2,1,2025-03-12,599.99",
        "amount",
        "sum to 599.99, the document to 600",
    ),
    Fault(
        "instalments",
        "INV-98,1,2025-03-12,1.00",
        "document_id",
        "document INV-98 is not in documents",
    ),
    Fault("write_offs", "W30,INV-32,2025-03-25,100.01", "amount", "exceed document INV-32 of 100"),
    Fault(
        "write_offs",
        "W31,CN-1,2025-03-25,1.00",
        "document_id",
        "only posted invoices are written off",
    ),
]
# Rows without a fault of their own, which others refer to.
EXTRA_TOTAL = Decimal("100.00") - Decimal("5000.00")


def write(folder: Path, *, faults: bool) -> Path:
    folder.mkdir(exist_ok=True)
    for stream, text in GOOD.items():
        added = [fault.row for fault in FAULTS if faults and fault.stream == stream]
        (folder / f"{stream}.csv").write_text("\n".join([text.strip(), *added]) + "\n")
    return folder


def expected_refusals() -> list[tuple[str, int, str, str]]:
    """Stream, line, column and words of every refused row."""
    refusals = []
    for stream, text in GOOD.items():
        first_line = len(text.strip().splitlines()) + 1
        added = [fault for fault in FAULTS if fault.stream == stream]
        refusals += [
            (stream, first_line + place, fault.column, fault.reason)
            for place, fault in enumerate(added)
            if fault.reason
        ]
    return refusals


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books") / "delivery"


@dataclass(frozen=True)
class Story:
    """What a stage of the story left behind."""

    home: Settings
    run_id: str
    marts: dict[str, list[Any]]
    result: dict[str, Any]
    exit_status: int = 0


def published_marts(settings: Settings) -> dict[str, list[Any]]:
    return marts_content(open_warehouse(settings).pipeline_url)


@pytest.fixture(scope="module")
def good(home: Settings, folder: Path) -> Story:
    run_id = steps.ingest_files(home, write(folder, faults=False))
    opened = steps.build_candidate(home, run_id, as_of=AS_OF)
    decision = steps.judge(home, opened)
    assert decision == "publish"
    build.publish_marts(home, run_id)
    return Story(home, run_id, published_marts(home), {})


@pytest.fixture(scope="module")
def held(good: Story, folder: Path) -> Story:
    write(folder, faults=True)
    (folder / "payment.csv").write_text("a,b\n1,2\n")
    ran = steps.encours(good.home, "run", "--files", folder, "--as-of", AS_OF.isoformat(), "--json")
    marts = published_marts(good.home)
    return Story(good.home, ran.result["run_id"], marts, ran.result, ran.exit_status)


def rejected(story: Story) -> list[tuple[str, str, int, str, str]]:
    return steps.rows(
        story.home,
        "select stream, file_name, line_no, coalesce(column_name, ''), reason"
        " from ops.rejected_row where run_id = %s order by stream, line_no",
        story.run_id,
    )


def test_good_delivery_is_published_to_the_cent(good: Story) -> None:
    total = steps.rows(good.home, "select sum(open_company_amount) from marts.fct_open_items")

    assert total == [(GOOD_TOTAL,)]


def test_bad_delivery_is_held_and_names_the_check(held: Story) -> None:
    assert held.exit_status == 3
    assert held.result["status"] == "held"
    assert held.result["publication_id"] is None
    assert any("no_row_was_refused" in reason for reason in held.result["held_because"])


def test_hold_of_a_command_opens_an_incident(held: Story) -> None:
    opened = "select run_id, closed_at is null, reasons from ops.incident where kind = 'hold'"
    ((run_id, is_open, reasons),) = steps.rows(held.home, opened)

    assert (run_id, is_open) == (held.run_id, True)
    assert any("no_row_was_refused" in reason for reason in reasons)


def test_last_good_publication_stays_under_a_hold(good: Story, held: Story) -> None:
    assert held.marts == good.marts


def test_every_bad_row_is_kept_with_stream_line_column_and_reason(held: Story) -> None:
    found = {(stream, line): (column, reason) for stream, _, line, column, reason in rejected(held)}

    expected = expected_refusals()
    assert set(found) == {(stream, line) for stream, line, _, _ in expected}
    for stream, line, column, words in expected:
        assert found[stream, line][0] == column, (stream, line)
        assert words in found[stream, line][1], (stream, line)


def test_every_bad_row_names_the_file_that_was_delivered(held: Story) -> None:
    assert {(stream, file) for stream, file, _, _, _ in rejected(held)} == {
        (stream, f"{stream}.csv") for stream, _, _, _ in expected_refusals()
    }


def test_good_rows_of_a_bad_delivery_are_in_the_candidate(held: Story) -> None:
    total = steps.rows(
        held.home, "select sum(open_company_amount) from marts_candidate.fct_open_items"
    )

    assert total == [(GOOD_TOTAL + EXTRA_TOTAL,)]


def test_file_of_an_unknown_name_is_noted(held: Story) -> None:
    assert [note for note in held.result["notes"] if note.startswith("payment.csv")] == [
        "payment.csv is not a file of the contract and was not read; did you mean payments.csv?"
    ]


def test_status_shows_the_held_run_and_its_rows(held: Story) -> None:
    status = steps.encours(held.home, "status", "--json").result

    assert status["held"]["run_id"] == held.run_id
    assert len(status["held"]["rejected_rows"]) == 20


@pytest.fixture(scope="module")
def mended(held: Story, folder: Path) -> Story:
    (folder / "payment.csv").unlink()
    run_id = steps.ingest_files(held.home, write(folder, faults=False))
    opened = steps.build_candidate(held.home, run_id, as_of=AS_OF)
    decision = steps.judge(held.home, opened)
    assert decision == "publish"
    build.publish_marts(held.home, run_id)
    return Story(held.home, run_id, published_marts(held.home), {})


def test_mended_delivery_publishes_the_same_figures_as_the_good_one(
    good: Story, mended: Story
) -> None:
    different = [table for table in good.marts if good.marts[table] != mended.marts[table]]

    assert different == []


# --- faults of a whole file --------------------------------------------------------------------


def refuse(settings: Settings, folder: Path) -> BadInput:
    run_id = new_run_id()
    with pytest.raises(BadInput) as caught:
        land_and_load(settings, run_id, folder)
    attempts = steps.rows(
        settings,
        "select status, error from ops.extraction where run_id = %s and status <> 'loaded'",
        run_id,
    )
    assert attempts == [("refused", str(caught.value))]
    return caught.value


def land_and_load(settings: Settings, run_id: str, folder: Path) -> None:
    landed = ingest.land(settings, "files", run_id, [str(folder)])
    ingest.load(settings, "files", run_id, landed)


def no_documents(folder: Path) -> Path:
    (folder / "documents.csv").unlink()
    return folder


def header_without_a_mandatory_column(folder: Path) -> Path:
    text = (folder / "documents.csv").read_text()
    (folder / "documents.csv").write_text(text.replace("amount_incl_tax", "total"))
    return folder / "documents.csv"


def endless_quote(folder: Path) -> Path:
    """Only found when the rows are read, from the copy in the landing zone."""
    with (folder / "customers.csv").open("a") as stream:
        stream.write('C3,"Atelier' + " Nord" * 400_000)
    return folder / "customers.csv"


def not_utf8(folder: Path) -> Path:
    with (folder / "customers.csv").open("ab") as stream:
        stream.write("C3,Électricité,30\n".encode("latin-1"))
    return folder / "customers.csv"


@pytest.mark.parametrize(
    "spoil", [no_documents, header_without_a_mandatory_column, endless_quote, not_utf8]
)
def test_unusable_file_refuses_the_whole_delivery_by_its_own_name(
    mended: Story, tmp_path: Path, spoil: Any
) -> None:
    named = spoil(write(tmp_path / "delivery", faults=False))
    before = steps.raw_counts(mended.home)

    error = refuse(mended.home, tmp_path / "delivery")

    assert str(error).startswith(str(named))
    assert "\n" not in str(error)
    assert error.exit_status == 2
    assert steps.raw_counts(mended.home) == before
    assert published_marts(mended.home) == mended.marts


def test_command_without_documents_ends_with_2_and_one_line(mended: Story, tmp_path: Path) -> None:
    folder = no_documents(write(tmp_path / "delivery", faults=False))

    ran = steps.encours(mended.home, "run", "--files", folder)

    assert ran.exit_status == 2
    assert ran.error.startswith(f"{folder}: there is no documents.csv")
    assert ran.stderr.count("\n") == 1
