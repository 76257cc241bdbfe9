"""The demo books, checked from the CSV files alone.

The checks share no code with the generator: they read the contract again, in Decimal.
"""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from encours.demo.books import DEFAULT_END, DemoOptions, DemoSummary, write_books
from encours.errors import BadInput
from encours.settings import project_root

END = DEFAULT_END.isoformat()
ZERO = Decimal(0)
CENT = Decimal("0.01")

# SHA-256 of all CSV files for DemoOptions(invoices=400, months=14, seed=11). It must be the same on
# every platform and Python version: a difference there is a bug, not a reason to change this line.
# Change it only together with the generator itself.
GOLDEN = "2e722bde973d747cb50d17b72d6b38a464fcd1701e4157b87b4eff0de32231de"

Row = dict[str, str]
Books = dict[str, list[Row]]


@dataclass(frozen=True)
class Demo:
    folder: Path
    summary: DemoSummary
    books: Books


def read_books(folder: Path) -> Books:
    books: Books = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            books[path.stem] = list(csv.DictReader(stream))
    return books


def digest(folder: Path) -> str:
    sha = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        sha.update(path.name.encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo") / "books"
    summary = write_books(DemoOptions(invoices=3_000, months=36, seed=7), folder)
    return Demo(folder, summary, read_books(folder))


@pytest.fixture(scope="module")
def books(demo: Demo) -> Books:
    return demo.books


# -- an independent reading of the books ----------------------------------------------------------


@dataclass
class Item:
    """An open item as contracts §3 defines it: parts by due date, and what consumes them."""

    entity: str
    customer: str
    currency: str
    start: str
    sign: int
    rate: Decimal
    parts: list[tuple[str, str, Decimal]]  # due date, instalment number, amount
    consumed: list[tuple[str, str, str, Decimal]]  # from, until, instalment number, amount

    def open_parts(self, day: str) -> list[Decimal]:
        if self.start > day:
            return []
        left = {number: amount for _, number, amount in self.parts}
        unnamed = ZERO
        for since, until, number, amount in self.consumed:
            if since <= day and (not until or until > day):
                if number:
                    left[number] -= amount
                else:
                    unnamed += amount
        for _, number, _ in self.parts:
            taken = min(unnamed, left[number])
            left[number] -= taken
            unnamed -= taken
        assert unnamed == 0, "more allocated than the item holds"
        return list(left.values())

    def company_amounts(self, days: list[str]) -> Iterator[tuple[str, Decimal]]:
        """The amount on each of the days, computed again only when something happened."""
        changes = {self.start} | {day for used in self.consumed for day in used[:2]}
        amount, before = ZERO, ""
        for day in days:
            if any(before < change <= day for change in changes):
                amount = self._company_amount(day)
            before = day
            yield day, amount

    def _company_amount(self, day: str) -> Decimal:
        return self.sign * sum(
            ((part * self.rate).quantize(CENT, ROUND_HALF_UP) for part in self.open_parts(day)),
            ZERO,
        )


def items_of(books: Books) -> dict[str, Item]:
    items = {row["document_id"]: item for row, item in _document_items(books)}
    for row in books["payments"]:
        sign = 1 if row["payment_type"] == "refund" else -1
        amount = Decimal(row["amount"])
        items[row["payment_id"]] = Item(
            row["entity_id"], row["customer_id"], row["currency_code"], row["payment_date"], sign,
            Decimal(row["exchange_rate"] or 1), [(row["payment_date"], "", amount)], [],
        )  # fmt: skip
    for row in books["allocations"]:
        source, target = items[row["source_id"]], items[row["document_id"]]
        since, amount = max(source.start, target.start), Decimal(row["amount"])
        source.consumed.append((since, row["reversed_on"], "", amount))
        target.consumed.append((since, row["reversed_on"], row["instalment_no"], amount))
    for row in books["write_offs"]:
        loss = (row["write_off_date"], "", row["instalment_no"], Decimal(row["amount"]))
        items[row["document_id"]].consumed.append(loss)
    return items


def _document_items(books: Books) -> Iterator[tuple[Row, Item]]:
    instalments: dict[str, list[tuple[str, str, Decimal]]] = defaultdict(list)
    for row in books["instalments"]:
        part = (row["due_date"], row["instalment_no"], Decimal(row["amount"]))
        instalments[row["document_id"]].append(part)
    for row in books["documents"]:
        if row["status"] != "posted":
            continue
        parts = sorted(instalments.get(row["document_id"], []))
        sign = 1 if row["document_type"] == "invoice" else -1
        yield row, Item(
            row["entity_id"], row["customer_id"], row["currency_code"], row["issue_date"], sign,
            Decimal(row["exchange_rate"] or 1),
            parts or [(row["due_date"], "", Decimal(row["amount_incl_tax"]))], [],
        )  # fmt: skip


@pytest.fixture(scope="module")
def items(books: Books) -> dict[str, Item]:
    return items_of(books)


# -- the rules of the contract ---------------------------------------------------------------------


def test_ledger_balances_equal_the_open_items_at_every_month_end(
    books: Books, items: dict[str, Item]
) -> None:
    control = {
        (row["entity_id"], row["balance_date"]): Decimal(row["balance"])
        for row in books["ledger_balances"]
    }

    recomputed: dict[tuple[str, str], Decimal] = dict.fromkeys(control, ZERO)
    days = sorted({day for _, day in control})
    for item in items.values():
        for day, amount in item.company_amounts(days):
            recomputed[item.entity, day] += amount

    assert recomputed == control
    assert len(control) == 2 * 36
    assert all(control[entity, END] > 0 for entity in ("fr", "svc"))


def test_summary_states_the_receivable_and_the_rows(demo: Demo) -> None:
    at_end = {
        row["entity_id"]: Decimal(row["balance"])
        for row in demo.books["ledger_balances"]
        if row["balance_date"] == END
    }

    assert dict(demo.summary.receivable) == at_end
    assert dict(demo.summary.rows) == {table: len(rows) for table, rows in demo.books.items()}


def test_no_item_is_ever_overdrawn(items: dict[str, Item]) -> None:
    days = {day for item in items.values() for day, _, _, _ in item.consumed}
    overdrawn = [
        key
        for key, item in items.items()
        for day in {since for since, _, _, _ in item.consumed} & days
        if min(item.open_parts(day), default=ZERO) < 0
    ]

    assert overdrawn == []


def test_allocations_join_opposite_signs_of_one_customer_and_currency(
    books: Books, items: dict[str, Item]
) -> None:
    wrong = []
    for row in books["allocations"]:
        source, target = items[row["source_id"]], items[row["document_id"]]
        same = (source.entity, source.customer, source.currency) == (
            target.entity, target.customer, target.currency,
        )  # fmt: skip
        if not same or source.sign == target.sign:
            wrong.append(row)

    assert wrong == []


def test_allocations_and_write_offs_touch_posted_documents_only(books: Books) -> None:
    unposted = {r["document_id"] for r in books["documents"] if r["status"] != "posted"}
    touched = {
        row[column]
        for table in ("allocations", "write_offs")
        for row in books[table]
        for column in ("document_id", "source_id")
        if column in row
    }

    assert unposted
    assert not unposted & touched


def test_allocation_source_types_name_the_table_of_the_source(books: Books) -> None:
    payments = {row["payment_id"] for row in books["payments"]}
    notes = {r["document_id"] for r in books["documents"] if r["document_type"] == "credit_note"}
    sources = {"payment": payments, "credit_note": notes}

    assert all(row["source_id"] in sources[row["source_type"]] for row in books["allocations"])


def test_instalments_sum_to_their_document(books: Books) -> None:
    documents = {row["document_id"]: Decimal(row["amount_incl_tax"]) for row in books["documents"]}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in books["instalments"]:
        sums[row["document_id"]] += Decimal(row["amount"])

    assert sums
    assert all(total == documents[key] for key, total in sums.items())


def test_every_reference_is_known(books: Books) -> None:
    customers = {(row["entity_id"], row["customer_id"]) for row in books["customers"]}
    documents = {(row["entity_id"], row["document_id"]) for row in books["documents"]}
    entities = {row["entity_id"] for row in books["entities"]}
    parents = [r for r in books["customers"] if r["parent_customer_id"]]

    for table in ("documents", "payments", "promises", "dunning_actions"):
        assert all((r["entity_id"], r["customer_id"]) in customers for r in books[table]), table
    for table in ("instalments", "write_offs", "disputes", "collection_cases", "dunning_actions"):
        assert all((r["entity_id"], r["document_id"]) in documents for r in books[table]), table
    for row in parents:
        assert (row["entity_id"], row["parent_customer_id"]) in customers
    for row in books["documents"]:
        credited = row["credited_document_id"]
        assert not credited or (row["entity_id"], credited) in documents
    assert {entity for entity, _ in customers} == entities


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("entities", "entity_id"),
        ("entities", "siren"),
        ("customers", "customer_id"),
        ("documents", "document_id"),
        ("documents", "document_number"),
        ("payments", "payment_id"),
        ("allocations", "allocation_id"),
        ("write_offs", "write_off_id"),
        ("disputes", "dispute_id"),
        ("promises", "promise_id"),
        ("collection_cases", "case_id"),
        ("dunning_actions", "action_id"),
        ("exchange_rates", "rate_date"),
    ],
)
def test_ids_are_unique(books: Books, table: str, key: str) -> None:
    counts = Counter(row[key] for row in books[table])

    assert counts
    assert counts.most_common(1)[0][1] == 1
    assert "" not in counts


def test_amounts_are_positive_with_two_decimals(books: Books) -> None:
    amounts = [
        row[column]
        for table in ("documents", "instalments", "payments", "allocations", "write_offs",
                      "promises", "disputes")
        for row in books[table]
        for column in ("amount", "amount_incl_tax", "amount_excl_tax")
        if row.get(column)
    ]  # fmt: skip

    assert all(Decimal(text) > 0 and text[-3] == "." for text in amounts)


def test_foreign_amounts_have_the_last_published_rate(books: Books) -> None:
    published = {row["rate_date"]: Decimal(row["rate"]) for row in books["exchange_rates"]}
    days = sorted(published)
    foreign = [
        (row["issue_date"], row) for row in books["documents"] if row["currency_code"] != "EUR"
    ] + [(row["payment_date"], row) for row in books["payments"] if row["currency_code"] != "EUR"]

    assert len(foreign) > 50
    for day, row in foreign:
        last = max(d for d in days if d <= day)
        assert Decimal(row["exchange_rate"]) == published[last]


def test_rates_exist_on_business_days_only(books: Books) -> None:
    days = [date.fromisoformat(row["rate_date"]) for row in books["exchange_rates"]]

    assert all(day.weekday() < 5 for day in days)
    assert date(2024, 3, 29) not in days  # Good Friday


def test_documents_and_payments_fall_on_french_working_days(books: Books) -> None:
    days = {row["issue_date"] for row in books["documents"]}
    days |= {row["payment_date"] for row in books["payments"]}

    assert all(date.fromisoformat(day).weekday() < 5 for day in days)
    assert not days & {"2024-05-01", "2025-07-14", "2025-12-25", "2025-04-21"}


def test_nothing_is_dated_after_the_end_but_due_and_promised_dates(books: Books) -> None:
    free = {"due_date", "promised_date"}
    late = [
        (table, column, value)
        for table, rows in books.items()
        for row in rows
        for column, value in row.items()
        if column not in free and value[:2] == "20" and value[4:5] == "-" and value[:10] > END
    ]

    assert late == []
    assert max(row["issue_date"] for row in books["documents"]) > "2026-06-20"


def test_promises_recorded_before_their_date_and_reminders_after_issue(books: Books) -> None:
    issued = {row["document_id"]: row["issue_date"] for row in books["documents"]}

    assert all(row["recorded_on"] <= row["promised_date"] for row in books["promises"])
    assert all(row["action_date"] > issued[row["document_id"]] for row in books["dunning_actions"])


def test_intervals_end_after_they_begin(books: Books) -> None:
    for table in ("disputes", "collection_cases"):
        closed = [row for row in books[table] if row["closed_on"]]
        assert closed, table
        assert all(row["opened_on"] < row["closed_on"] for row in closed), table


def test_invoice_numbers_rise_with_the_date_without_holes(books: Books) -> None:
    series: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in books["documents"]:
        if row["document_type"] == "invoice" and row["status"] != "draft":
            prefix, number = row["document_number"].split("-")
            series[prefix].append((int(number), row["issue_date"]))

    for numbered in series.values():
        numbered.sort()
        assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
        assert [day for _, day in numbered] == sorted(day for _, day in numbered)


def test_invoices_asked_for_are_invoices_written(books: Books) -> None:
    kinds = Counter(row["document_type"] for row in books["documents"])

    assert kinds["invoice"] == 3_000
    assert len(books["customers"]) == 150


def test_vat_follows_the_french_rates(books: Books) -> None:
    seen: Counter[str] = Counter()
    for row in books["documents"]:
        if row["document_type"] == "invoice":
            net, gross = Decimal(row["amount_excl_tax"]), Decimal(row["amount_incl_tax"])
            match = [
                rate
                for rate in ("0.2", "0.1", "0.055", "0")
                if abs(net * Decimal(rate) - (gross - net)) <= Decimal("0.005")
            ]
            assert match, row
            seen[match[0]] += 1

    assert len(seen) == 4
    assert seen["0.2"] > 1_500


def test_payment_terms_are_labels_that_the_product_knows(books: Books) -> None:
    seed = project_root() / "dbt_project" / "seeds" / "payment_terms.csv"
    with seed.open(encoding="utf-8") as stream:
        known = {row["payment_terms"] for row in csv.DictReader(stream)}

    used = {row["payment_terms"] for row in books["customers"]}

    assert len(used) == 5
    assert used <= known


# -- made up, and visibly so -----------------------------------------------------------------------


def luhn_is_right(digits: str) -> bool:
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def test_no_siren_can_belong_to_a_company(books: Books) -> None:
    sirens = [r["siren"] for r in books["customers"] + books["entities"] if r["siren"]]

    assert luhn_is_right("732829320"), "the check itself knows a right number"
    assert len(sirens) > 100
    assert all(len(siren) == 9 and siren.isdigit() for siren in sirens)
    assert not [siren for siren in sirens if luhn_is_right(siren)]


def test_some_debtors_buy_from_both_entities(books: Books) -> None:
    names: dict[str, set[tuple[str, str]]] = defaultdict(set)
    entities: dict[str, set[str]] = defaultdict(set)
    for row in books["customers"]:
        if row["siren"]:
            names[row["siren"]].add((row["customer_name"], row["sector"]))
            entities[row["siren"]].add(row["entity_id"])

    assert all(len(same) == 1 for same in names.values())
    assert [siren for siren, known in entities.items() if len(known) == 2]


def test_an_insurer_decides_on_a_company_once_whoever_sells_to_it(tmp_path: Path) -> None:
    # Customers 76 and 526 are one company, and both would be decided on.
    write_books(DemoOptions(invoices=12_500, months=6, seed=7), tmp_path)

    with (tmp_path / "credit_decisions.csv").open(encoding="utf-8", newline="") as file:
        granted = Counter(
            row["buyer_id"] for row in csv.DictReader(file) if row["event_type"] == "limit_granted"
        )

    assert len(granted) > 10
    assert granted.most_common(1)[0][1] == 1


# -- every kind of event is there ------------------------------------------------------------------


def _by_id(books: Books, table: str, key: str) -> dict[str, Row]:
    return {row[key]: row for row in books[table]}


def _advances(books: Books) -> list[Row]:
    paid = _by_id(books, "payments", "payment_id")
    documents = _by_id(books, "documents", "document_id")
    return [
        row
        for row in books["allocations"]
        if row["source_id"] in paid
        and row["document_id"] in documents
        and paid[row["source_id"]]["payment_date"] < documents[row["document_id"]]["issue_date"]
    ]


def _refunds_of(books: Books, table: str, key: str) -> list[Row]:
    targets = _by_id(books, table, key)
    paid = _by_id(books, "payments", "payment_id")
    return [
        row
        for row in books["allocations"]
        if row["document_id"] in targets
        and paid.get(row["source_id"], {}).get("payment_type") == "refund"
    ]


def _unallocated(books: Books, table: str, key: str, kind: tuple[str, str]) -> list[Row]:
    used = {row["source_id"] for row in books["allocations"]}
    used |= {row["document_id"] for row in books["allocations"]}
    return [r for r in books[table] if r[kind[0]] == kind[1] and r[key] not in used]


def _unnamed_instalments(books: Books) -> list[Row]:
    split = {row["document_id"] for row in books["instalments"]}
    return [
        row
        for row in books["allocations"]
        if row["document_id"] in split and not row["instalment_no"]
    ]


def _repeated(books: Books, column: str) -> list[str]:
    counts = Counter(r[column] for r in books["allocations"] if r["source_type"] == "payment")
    return [key for key, count in counts.items() if count > 1]


EVENTS: dict[str, Callable[[Books], list[object]]] = {
    "advance": lambda b: list(_advances(b)),
    "partial payment": lambda b: list(_repeated(b, "document_id")),
    "grouped payment": lambda b: list(_repeated(b, "source_id")),
    "bounced direct debit": lambda b: [r for r in b["allocations"] if r["reversed_on"]],
    "bounce paid out": lambda b: [
        r for r in b["payments"]
        if r["payment_type"] == "refund" and r["method"] == "direct_debit"
    ],
    "refund of a credit note": lambda b: list(_refunds_of(b, "documents", "document_id")),
    "refund of a receipt": lambda b: list(_refunds_of(b, "payments", "payment_id")),
    "overpayment refunded": lambda b: [
        r for r in b["payments"] if r["reference"] == "remboursement trop-perçu"
    ],
    "unapplied receipt": lambda b: list(
        _unallocated(b, "payments", "payment_id", ("payment_type", "receipt"))
    ),
    "open credit note": lambda b: list(
        _unallocated(b, "documents", "document_id", ("document_type", "credit_note"))
    ),
    "linked credit note": lambda b: [r for r in b["documents"] if r["credited_document_id"]],
    "unlinked credit note": lambda b: [
        r for r in b["documents"]
        if r["document_type"] == "credit_note" and not r["credited_document_id"]
    ],
    "draft": lambda b: [r for r in b["documents"] if r["status"] == "draft"],
    "void": lambda b: [r for r in b["documents"] if r["status"] == "void"],
    "no due date": lambda b: [
        r for r in b["documents"] if r["document_type"] == "invoice" and not r["due_date"]
    ],
    "foreign invoice": lambda b: [r for r in b["documents"] if r["currency_code"] == "USD"],
    "instalment named": lambda b: [r for r in b["allocations"] if r["instalment_no"]],
    "instalments not named": lambda b: list(_unnamed_instalments(b)),
    "whole dispute": lambda b: [r for r in b["disputes"] if not r["amount"]],
    "partial dispute": lambda b: [r for r in b["disputes"] if r["amount"]],
    "open dispute": lambda b: [r for r in b["disputes"] if not r["closed_on"]],
    "promise to come": lambda b: [r for r in b["promises"] if r["promised_date"] > END],
    "promise of a customer": lambda b: [r for r in b["promises"] if not r["document_id"]],
    "collection": lambda b: [r for r in b["collection_cases"] if r["stage"] == "collection"],
    "litigation": lambda b: [r for r in b["collection_cases"] if r["stage"] == "litigation"],
    "robot reminder": lambda b: [r for r in b["dunning_actions"] if r["is_automatic"] == "true"],
    "human reminder": lambda b: [
        r for r in b["dunning_actions"]
        if r["collector"].startswith("agent-") and int(r["minutes_spent"]) > 0
    ],
    "third reminder": lambda b: [r for r in b["dunning_actions"] if r["level"] == "3"],
    "loss": lambda b: [r for r in b["write_offs"] if r["reason"] == "insolvency"],
    "residue written off": lambda b: [r for r in b["write_offs"] if r["reason"] == "residue"],
    "parent customer": lambda b: [r for r in b["customers"] if r["parent_customer_id"]],
    "credit decision": lambda b: list(b["credit_decisions"]),
}  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_books_hold_every_kind_of_event(books: Books, event: str) -> None:
    assert EVENTS[event](books)


def test_some_promises_are_kept_and_some_broken(books: Books) -> None:
    receipts: dict[str, list[str]] = defaultdict(list)
    paid = _by_id(books, "payments", "payment_id")
    for row in books["allocations"]:
        if row["source_id"] in paid:
            receipts[row["document_id"]].append(paid[row["source_id"]]["payment_date"])
    past = [r for r in books["promises"] if r["document_id"] and r["promised_date"] < "2026-06-01"]
    kept = [
        row
        for row in past
        if any(
            row["recorded_on"] <= d <= row["promised_date"] for d in receipts[row["document_id"]]
        )
    ]

    assert 0.3 < len(kept) / len(past) < 0.9


def test_august_is_low_and_december_high(books: Books) -> None:
    months = Counter(r["issue_date"][:7] for r in books["documents"])

    for year in ("2024", "2025"):
        assert months[f"{year}-08"] < 0.75 * months[f"{year}-06"]
        assert months[f"{year}-12"] > 1.05 * months[f"{year}-06"]


def test_a_few_customers_make_most_of_the_sales(books: Books) -> None:
    sales: dict[str, Decimal] = defaultdict(Decimal)
    for row in books["documents"]:
        sales[row["customer_id"]] += Decimal(row["amount_incl_tax"])
    ranked = sorted(sales.values(), reverse=True)

    assert sum(ranked[: len(ranked) // 5]) > Decimal("0.6") * sum(ranked)


# -- the same books every time ---------------------------------------------------------------------


def test_csv_bytes_are_those_of_every_platform_and_python(tmp_path: Path) -> None:
    write_books(DemoOptions(invoices=400, months=14, seed=11), tmp_path)

    assert digest(tmp_path) == GOLDEN


def test_hash_seed_of_python_changes_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from encours.demo.books import DemoOptions, write_books;"
        "[write_books(DemoOptions(200, 18, 3, f), Path(sys.argv[1]) / f) for f in ('csv', 'fec')]"
    )
    digests = set()
    for hash_seed in ("1", "77"):
        out = tmp_path / hash_seed
        environment = {
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": str(project_root() / "include"),
        }
        subprocess.run([sys.executable, "-c", program, str(out)], check=True, env=environment)
        digests.add((digest(out / "csv"), digest(out / "fec")))

    assert len(digests) == 1


def test_another_seed_gives_other_books(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_books(DemoOptions(invoices=50, months=12, seed=seed), tmp_path / str(seed))

    assert digest(tmp_path / "1") != digest(tmp_path / "2")


# -- odd requests ----------------------------------------------------------------------------------


def test_one_invoice_in_one_month_is_enough(tmp_path: Path) -> None:
    summary = write_books(DemoOptions(invoices=1, months=1, seed=1), tmp_path)

    assert summary.rows["documents"] == 1
    assert summary.rows["customers"] == 1


def test_history_may_end_within_a_month(tmp_path: Path) -> None:
    options = DemoOptions(invoices=300, months=3, seed=5, end=date(2025, 2, 14))
    write_books(options, tmp_path)
    books = read_books(tmp_path)

    dates = [r["balance_date"] for r in books["ledger_balances"] if r["entity_id"] == "fr"]

    assert dates == ["2024-12-31", "2025-01-31", "2025-02-14"]
    assert max(row["issue_date"] for row in books["documents"]) <= "2025-02-14"
    assert min(row["issue_date"] for row in books["documents"]) >= "2024-12-01"


@pytest.mark.parametrize(
    "options",
    [
        DemoOptions(invoices=0, months=12, seed=1),
        DemoOptions(invoices=10, months=0, seed=1),
        DemoOptions(invoices=10, months=1_000, seed=1),
        DemoOptions(invoices=10, months=12, seed=1, format="xlsx"),
        DemoOptions(invoices=10, months=12, seed=1, end=date(1970, 1, 31)),
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, options: DemoOptions) -> None:
    with pytest.raises(BadInput):
        write_books(options, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_folder_with_other_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "documents.parquet").write_bytes(b"an earlier demo")

    with pytest.raises(BadInput, match=r"documents\.parquet"):
        write_books(DemoOptions(invoices=10, months=12, seed=1), tmp_path)


def test_second_run_replaces_the_first(tmp_path: Path) -> None:
    write_books(DemoOptions(invoices=90, months=12, seed=1), tmp_path)
    write_books(DemoOptions(invoices=40, months=12, seed=1), tmp_path)

    assert len(read_books(tmp_path)["documents"]) < 60
