"""Good books of a small company, day after day: what the corruptions are done to.

Seven kinds of customers, two of each, an invoice a month, paid one to two months later; one kind
pays in part, one has stopped paying, one is invoiced in dollars. Instalments, credit notes, a
refund, a bounced debit, a write-off, a dispute: of each kind of row that a delivery may hold there
is one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

Row = dict[str, str]
Rows = list[Row]

CENT = Decimal("0.01")
FIRST_MONTH = (2024, 6)
MONTHS = 13
# The kind of customer that is invoiced in dollars.
DOLLARS = 7
# Days to pay by kind, where they are not the 30 of the terms.
DAYS = {3: 45}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "entities": ("entity_name", "siren", "base_currency", "time_zone"),
    "customers": (
        *("customer_id", "customer_name", "siren", "country_code", "sector"),
        *("payment_terms", "segment"),
    ),
    "documents": (
        *("document_id", "document_type", "document_number", "customer_id", "issue_date"),
        *("due_date", "currency_code", "amount_incl_tax", "amount_excl_tax", "exchange_rate"),
        *("credited_document_id", "status", "business_unit"),
    ),
    "instalments": ("document_id", "instalment_no", "due_date", "amount"),
    "payments": (
        *("payment_id", "customer_id", "payment_type", "payment_date", "currency_code"),
        *("amount", "exchange_rate", "reference"),
    ),
    "allocations": (
        *("allocation_id", "source_type", "source_id", "document_id", "instalment_no"),
        *("amount", "reversed_on"),
    ),
    "write_offs": ("write_off_id", "document_id", "write_off_date", "amount", "reason"),
    "disputes": ("dispute_id", "document_id", "amount", "opened_on", "closed_on", "reason"),
    "collection_cases": ("case_id", "document_id", "stage", "opened_on", "closed_on"),
    "ledger_balances": ("account", "balance_date", "balance"),
}
RATES = ("currency_code", "base_currency", "rate_date", "rate")
TRADES = ("Forges", "Verrerie", "Scierie", "Câblerie", "Minoterie", "Laiterie", "Sampleton Works")


@dataclass
class Books:
    """The rows of one company by stream, which a corruption may change as it likes."""

    entity_id: str
    day: date
    streams: dict[str, Rows]

    def __getitem__(self, stream: str) -> Rows:
        return self.streams[stream]

    def __setitem__(self, stream: str, rows: Iterable[Row]) -> None:
        self.streams[stream] = list(rows)


def good_books(entity_id: str, day: date, *, has_control_totals: bool = True) -> Books:
    """The books as they stand in the evening of that day."""
    books = Books(entity_id, day, {stream: [] for stream in COLUMNS})
    books["entities"] = [
        {
            "entity_name": f"Exemple {entity_id}",
            "siren": "999000001",
            "base_currency": "EUR",
            "time_zone": "Europe/Paris",
        }
    ]
    for number in range(1, 2 * len(TRADES) + 1):
        _add_customer(books, number)
        for month in range(MONTHS):
            _add_month(books, number, month)
    _add_special_cases(books)
    _forget_the_future(books)
    if has_control_totals:
        books["ledger_balances"] = [
            {"account": "411000", "balance_date": end.isoformat(), "balance": str(total)}
            for end in (*month_ends(day, 12), day)
            for total in [receivable(books, end)]
        ]
    return books


def books_before(books: Books) -> Books:
    """As they were delivered earlier in the day: with an invoice that was withdrawn since, and
    another that was due a week earlier."""
    before = Books(
        books.entity_id, books.day, {name: list(rows) for name, rows in books.streams.items()}
    )
    first = before["documents"][0]
    withdrawn = {**first, "document_id": "WITHDRAWN", "document_number": "NWITHDRAWN"}
    before["documents"] = [
        {
            **first,
            "due_date": (date.fromisoformat(first["due_date"]) - timedelta(days=7)).isoformat(),
        },
        *before["documents"][1:],
        withdrawn,
    ]
    return before


def month_ends(day: date, count: int) -> list[date]:
    """The last month ends before the day, oldest first."""
    ends = []
    end = day
    for _ in range(count):
        end = end.replace(day=1) - timedelta(days=1)
        ends.append(end)
    return ends[::-1]


def receivable(books: Books, day: date) -> Decimal:
    """What the control account says on that day: every settlement is at the rate of its invoice."""
    text = day.isoformat()
    total = sum(
        (
            _euros(row, row["amount_incl_tax"]) * (1 if row["document_type"] == "invoice" else -1)
            for row in books["documents"]
            if row["status"] == "posted" and row["issue_date"] <= text
        ),
        Decimal(0),
    )
    for row in books["payments"]:
        if row["payment_date"] <= text:
            total += _euros(row, row["amount"]) * (1 if row["payment_type"] == "refund" else -1)
    for row in books["write_offs"]:
        if row["write_off_date"] <= text:
            total -= Decimal(row["amount"])
    return total


def write_delivery(
    companies: Iterable[Books], day: date, folder: Path, rates: Rows | None = None
) -> Path:
    """All companies in one folder of flat files."""
    folder.mkdir(parents=True, exist_ok=True)
    companies = list(companies)
    for stream, columns in COLUMNS.items():
        with open(folder / f"{stream}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ("entity_id", *columns))
            writer.writeheader()
            for books in companies:
                for row in books[stream]:
                    writer.writerow({"entity_id": books.entity_id, **row})
    with open(folder / "exchange_rates.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, RATES)
        writer.writeheader()
        writer.writerows(exchange_rates(day) if rates is None else rates)
    return folder


def exchange_rates(day: date) -> Rows:
    """Every day of the last weeks."""
    return [
        {
            "currency_code": "USD",
            "base_currency": "EUR",
            "rate_date": (day - timedelta(days=age)).isoformat(),
            "rate": "0.91",
        }
        for age in range(420)
    ]


# ---------------------------------------------------------------- the year of a customer


def _kind(number: int) -> int:
    return (number - 1) % len(TRADES) + 1


def _add_customer(books: Books, number: int) -> None:
    is_foreign = _kind(number) == DOLLARS
    trade = f"{TRADES[_kind(number) - 1]} {number}"
    books["customers"].append(
        {
            "customer_id": f"C{number}",
            "customer_name": trade if is_foreign else f"{trade} du Mont Inventé",
            "siren": "" if is_foreign else f"{999000100 + number}",
            "country_code": "US" if is_foreign else "FR",
            "sector": ("Industrie", "Négoce")[number % 2],
            "payment_terms": "30 jours",
            "segment": ("A", "B")[number % 2],
        }
    )


def _add_month(books: Books, number: int, month: int) -> None:
    kind = _kind(number)
    issued = _day_of(month, 2 + 3 * kind + number // 8)
    gross = Decimal(1200 + 240 * number + 12 * month) + Decimal("0.60") * number
    key = f"{month:02d}-{number}"
    document = f"INV-{key}"
    books["documents"].append(
        _document(document, number, issued, gross, due=issued + timedelta(days=DAYS.get(kind, 30)))
    )
    if kind == 6 and month >= MONTHS - 6:
        return
    paid = gross if kind != 4 else (gross * Decimal("0.7")).quantize(CENT)
    received = issued + timedelta(days=22 + 5 * kind)
    books["payments"].append(_payment(f"PAY-{key}", number, received, paid))
    books["allocations"].append(_allocation(f"A-{key}", f"PAY-{key}", document, paid))
    if kind == 4 and month < MONTHS - 4:
        rest = received + timedelta(days=20)
        books["payments"].append(_payment(f"REST-{key}", number, rest, gross - paid))
        books["allocations"].append(_allocation(f"B-{key}", f"REST-{key}", document, gross - paid))
    if number == 2 and month % 3 == 0:
        _credit(books, key, document, issued + timedelta(days=10), gross)


def _credit(books: Books, key: str, document: str, issued: date, gross: Decimal) -> None:
    """A tenth is credited; the payment of the invoice is of the rest."""
    tenth = (gross / 10).quantize(CENT)
    note = _document(f"CN-{key}", 2, issued, tenth, kind="credit_note", credited=document)
    books["documents"].append(note)
    payment, allocation = books["payments"][-1], books["allocations"][-1]
    payment["amount"] = allocation["amount"] = str(gross - tenth)
    books["allocations"].append(
        {**_allocation(f"N-{key}", f"CN-{key}", document, tenth), "source_type": "credit_note"}
    )


def _add_special_cases(books: Books) -> None:
    documents = {row["document_id"]: row for row in books["documents"]}
    split = documents["INV-11-1"]
    half = (Decimal(split["amount_incl_tax"]) / 2).quantize(CENT)
    rest = Decimal(split["amount_incl_tax"]) - half
    later = date.fromisoformat(split["due_date"]) + timedelta(days=30)
    books["instalments"] += [
        {
            "document_id": "INV-11-1",
            "instalment_no": str(number),
            "due_date": due,
            "amount": str(of),
        }
        for number, due, of in ((1, split["due_date"], half), (2, later.isoformat(), rest))
    ]
    # Paid too much in February and given back in March.
    books["payments"] += [
        _payment("OVER", 3, date(2025, 2, 12), Decimal("100.00")),
        {**_payment("BACK", 3, date(2025, 3, 12), Decimal("100.00")), "payment_type": "refund"},
        # A direct debit that bounced.
        _payment("DEBIT", 6, date(2025, 4, 20), Decimal("90.00")),
        {**_payment("BOUNCE", 6, date(2025, 5, 2), Decimal("90.00")), "payment_type": "refund"},
        # Paid on account: no invoice yet.
        _payment("ACCOUNT", 5, date(2025, 5, 28), Decimal("250.00")),
    ]
    books["allocations"] += [
        _allocation("A-BACK", "BACK", "OVER", Decimal("100.00")),
        {
            **_allocation("A-DEBIT", "DEBIT", "INV-08-6", Decimal("90.00")),
            "reversed_on": "2025-05-02",
        },
        _allocation("A-BOUNCE", "BOUNCE", "DEBIT", Decimal("90.00")),
    ]
    books["documents"].append(
        {
            **_document("DRAFT", 1, date(2025, 6, 2), Decimal("500.00"), due=date(2025, 7, 2)),
            "status": "draft",
        }
    )
    books["write_offs"].append(
        {
            "write_off_id": "LOSS",
            "document_id": "INV-07-6",
            "write_off_date": "2025-05-15",
            "amount": "60.00",
            "reason": "disputed freight",
        }
    )
    books["disputes"] += [
        {
            "dispute_id": number,
            "document_id": document,
            "amount": "200.00",
            "opened_on": "2025-05-05",
            "closed_on": closed,
            "reason": "quality",
        }
        for number, document, closed in (("D1", "INV-09-6", ""), ("D2", "INV-10-6", "2025-05-20"))
    ]
    books["collection_cases"].append(
        {
            "case_id": "CASE1",
            "document_id": "INV-07-6",
            "stage": "collection",
            "opened_on": "2025-04-15",
            "closed_on": "",
        }
    )


def _forget_the_future(books: Books) -> None:
    """What is dated after the day is not in the books yet, nor what refers to it."""
    text = books.day.isoformat()
    for stream, column in (
        ("documents", "issue_date"),
        ("payments", "payment_date"),
        ("write_offs", "write_off_date"),
        ("disputes", "opened_on"),
        ("collection_cases", "opened_on"),
    ):
        books[stream] = [row for row in books[stream] if row[column] <= text]
    known = {row["document_id"] for row in books["documents"]}
    known |= {row["payment_id"] for row in books["payments"]}
    books["allocations"] = [
        {**row, "reversed_on": row["reversed_on"] if row["reversed_on"] <= text else ""}
        for row in books["allocations"]
        if {row["source_id"], row["document_id"]} <= known
    ]
    for stream in ("instalments", "write_offs", "disputes", "collection_cases"):
        books[stream] = [row for row in books[stream] if row["document_id"] in known]


# ---------------------------------------------------------------- rows


def _document(
    document_id: str,
    number: int,
    issued: date,
    gross: Decimal,
    *,
    due: date | None = None,
    kind: str = "invoice",
    credited: str = "",
) -> Row:
    return {
        "document_id": document_id,
        "document_type": kind,
        "document_number": f"N{document_id}",
        "customer_id": f"C{number}",
        "issue_date": issued.isoformat(),
        "due_date": due.isoformat() if due else "",
        **_currency(number),
        "amount_incl_tax": str(gross),
        "amount_excl_tax": str((gross / Decimal("1.2")).quantize(CENT)),
        "credited_document_id": credited,
        "status": "posted",
        "business_unit": ("Nord", "Sud")[number % 2],
    }


def _payment(payment_id: str, number: int, received: date, amount: Decimal) -> Row:
    return {
        "payment_id": payment_id,
        "customer_id": f"C{number}",
        "payment_type": "receipt",
        "payment_date": received.isoformat(),
        **_currency(number),
        "amount": str(amount),
        "reference": payment_id,
    }


def _allocation(allocation_id: str, source_id: str, document_id: str, amount: Decimal) -> Row:
    return {
        "allocation_id": allocation_id,
        "source_type": "payment",
        "source_id": source_id,
        "document_id": document_id,
        "instalment_no": "",
        "amount": str(amount),
        "reversed_on": "",
    }


def _currency(number: int) -> Row:
    if _kind(number) == DOLLARS:
        return {"currency_code": "USD", "exchange_rate": "0.9"}
    return {"currency_code": "EUR", "exchange_rate": ""}


def _euros(row: Row, amount: str) -> Decimal:
    rate = Decimal(row["exchange_rate"] or 1)
    return (Decimal(amount) * rate).quantize(CENT, ROUND_HALF_UP)


def _day_of(month: int, day: int) -> date:
    year, first = FIRST_MONTH
    index = year * 12 + first - 1 + month
    return date(index // 12, index % 12 + 1, day)
