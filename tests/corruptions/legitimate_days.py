"""A month of a healthy group, day after day: nothing in it is wrong, and some of it is unusual.

The demo company's books are made once, up to the last day, and cut at each day before. From the
second week on the second company delivers as well; a large contract is invoiced, and the debt of a
customer that failed is written off, which is announced as README.md says.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from encours.demo.books import DemoOptions, write_books

FIRST_DAY = date(2025, 7, 25)
DAYS = 30
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
FIRST_COMPANY, SECOND_COMPANY = "fr", "svc"
SECOND_COMPANY_FROM = date(2025, 7, 30)
CONTRACT_DAY = date(2025, 8, 5)
WRITE_OFF_DAY = date(2025, 8, 12)

# By stream: the day on which a row enters the books, and those that are known later.
ENTERED = {
    "documents": "issue_date",
    "payments": "payment_date",
    "write_offs": "write_off_date",
    "disputes": "opened_on",
    "promises": "recorded_on",
    "collection_cases": "opened_on",
    "dunning_actions": "action_date",
    "ledger_balances": "balance_date",
    "exchange_rates": "rate_date",
}
KNOWN_LATER = {
    "allocations": "reversed_on",
    "disputes": "closed_on",
    "collection_cases": "closed_on",
}
OF_DOCUMENTS = ("instalments", "write_offs", "disputes", "collection_cases", "dunning_actions")

Row = dict[str, str]


@dataclass
class Month:
    """The books of the whole month as rows by stream, and the folder that each day is cut into."""

    folder: Path
    invoices: int = 1200
    streams: dict[str, list[Row]] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = self.folder / "made"
        write_books(DemoOptions(self.invoices, months=26, seed=7, end=LAST_DAY), made)
        for path in sorted(made.glob("*.csv")):
            with open(path, newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.streams[path.stem] = list(reader)
                self.columns[path.stem] = list(reader.fieldnames or ())
        # Whom insurers insure is none of this month's business.
        del self.streams["credit_decisions"]
        before = self._receivables()
        self._invoice_a_large_contract()
        self._write_a_failed_customer_off()
        self._follow_in_the_ledger(before)

    def days(self) -> Iterator[date]:
        for number in range(DAYS):
            yield FIRST_DAY + timedelta(days=number)

    def cut(self, day: date) -> Path:
        """The delivery of that evening."""
        folder = self.folder / day.isoformat()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        companies = {FIRST_COMPANY}
        if day >= SECOND_COMPANY_FROM:
            companies.add(SECOND_COMPANY)
        for stream, rows in self._known_on(day, companies).items():
            with open(folder / f"{stream}.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.columns[stream])
                writer.writeheader()
                writer.writerows(rows)
        return folder

    def _known_on(self, day: date, companies: set[str]) -> dict[str, list[Row]]:
        text = day.isoformat()
        known = {
            stream: [
                row
                for row in rows
                if row.get("entity_id", FIRST_COMPANY) in companies
                and (stream not in ENTERED or row[ENTERED[stream]] <= text)
            ]
            for stream, rows in self.streams.items()
        }
        documents = {row["document_id"] for row in known["documents"]}
        sides = documents | {row["payment_id"] for row in known["payments"]}
        known["allocations"] = [
            row
            for row in known["allocations"]
            if row["source_id"] in sides and row["document_id"] in sides
        ]
        for stream in OF_DOCUMENTS:
            known[stream] = [row for row in known[stream] if row["document_id"] in documents]
        for stream, column in KNOWN_LATER.items():
            known[stream] = [
                {**row, column: row[column] if row[column] <= text else ""} for row in known[stream]
            ]
        # A customer is entered with its first invoice.
        customers = {row["customer_id"] for row in (*known["documents"], *known["payments"])}
        customers |= {row["parent_customer_id"] for row in known["customers"]}
        known["customers"] = [row for row in known["customers"] if row["customer_id"] in customers]
        return known

    def _invoice_a_large_contract(self) -> None:
        """Half as much as all that the company is owed, on one invoice of a new customer."""
        customer = next(
            row for row in self.streams["customers"] if row["entity_id"] == FIRST_COMPANY
        )
        document = next(
            row
            for row in self.streams["documents"]
            if row["entity_id"] == FIRST_COMPANY
            and row["currency_code"] == "EUR"
            and row["document_type"] == "invoice"
            and row["status"] == "posted"
        )
        amount = self._owed(CONTRACT_DAY) / 2
        self.streams["customers"].append(
            {**customer, "customer_id": "CONTRACT", "customer_name": "Région Exemple"}
        )
        self.streams["documents"].append(
            {
                **document,
                "document_id": "CONTRACT-1",
                "document_number": "CONTRACT-1",
                "customer_id": "CONTRACT",
                "issue_date": CONTRACT_DAY.isoformat(),
                "due_date": (CONTRACT_DAY + timedelta(days=45)).isoformat(),
                "amount_incl_tax": f"{amount:.2f}",
                "amount_excl_tax": f"{amount / Decimal('1.2'):.2f}",
            }
        )

    def _write_a_failed_customer_off(self) -> None:
        """All that the largest debtor owes, and nobody collects any more."""
        owed = self._open_invoices(WRITE_OFF_DAY)
        totals: dict[str, Decimal] = {}
        for row, amount in owed:
            totals[row["customer_id"]] = totals.get(row["customer_id"], Decimal(0)) + amount
        abroad = {
            row["customer_id"] for row in self.streams["documents"] if row["currency_code"] != "EUR"
        }
        failed = max(totals.keys() - abroad - {"CONTRACT"}, key=lambda name: totals[name])
        later = WRITE_OFF_DAY.isoformat()
        lost = {row["document_id"]: amount for row, amount in owed if row["customer_id"] == failed}
        paid_later = {
            row["payment_id"]
            for row in self.streams["payments"]
            if row["customer_id"] == failed and row["payment_date"] > later
        }
        # It neither pays nor buys any more.
        for stream in ("payments", "documents"):
            self.streams[stream] = [
                row
                for row in self.streams[stream]
                if row["customer_id"] != failed or row[ENTERED[stream]] <= later
            ]
        self.streams["allocations"] = [
            row for row in self.streams["allocations"] if row["source_id"] not in paid_later
        ]
        self.streams["write_offs"] = [
            row
            for row in self.streams["write_offs"]
            if row["document_id"] not in lost or row["write_off_date"] <= later
        ]
        self.streams["write_offs"] += [
            {
                "entity_id": FIRST_COMPANY,
                "write_off_id": f"FAILED-{document_id}",
                "document_id": document_id,
                "instalment_no": "",
                "write_off_date": later,
                "amount": f"{amount:.2f}",
                "reason": "insolvency",
            }
            for document_id, amount in lost.items()
        ]

    def _follow_in_the_ledger(self, before: list[Decimal]) -> None:
        """The control account is posted with what was added to the month, and what was not paid."""
        for row, then, now in zip(self._balances(), before, self._receivables(), strict=True):
            row["balance"] = str(Decimal(row["balance"]) + now - then)

    def _balances(self) -> list[Row]:
        return [row for row in self.streams["ledger_balances"] if row["entity_id"] == FIRST_COMPANY]

    def _receivables(self) -> list[Decimal]:
        """Of the first company in its own currency, on the date of each of its balances."""
        return [self._receivable(row["balance_date"]) for row in self._balances()]

    def _receivable(self, day: str) -> Decimal:
        rows = [
            row
            for stream in ("documents", "payments", "write_offs")
            for row in self.streams[stream]
            if row["entity_id"] == FIRST_COMPANY
            and row.get("currency_code", "EUR") == "EUR"
            and row.get("status", "posted") == "posted"
            and row[ENTERED[stream]] <= day
        ]
        total = Decimal(0)
        for row in rows:
            amount = Decimal(row.get("amount_incl_tax") or row["amount"])
            kind = row.get("document_type") or row.get("payment_type")
            total += amount if kind in ("invoice", "refund") else -amount
        return total

    def _owed(self, day: date) -> Decimal:
        return sum((amount for _, amount in self._open_invoices(day)), Decimal(0))

    def _open_invoices(self, day: date) -> list[tuple[Row, Decimal]]:
        """Of the first company in its own currency, those that something is open of."""
        known = self._known_on(day, {FIRST_COMPANY})
        settled: dict[str, Decimal] = {}
        for row in (*known["allocations"], *known["write_offs"]):
            if not row.get("reversed_on"):
                before = settled.get(row["document_id"], Decimal(0))
                settled[row["document_id"]] = before + Decimal(row["amount"])
        invoices = [
            (row, Decimal(row["amount_incl_tax"]) - settled.get(row["document_id"], Decimal(0)))
            for row in known["documents"]
            if row["document_type"] == "invoice"
            and row["status"] == "posted"
            and row["currency_code"] == "EUR"
        ]
        return [(row, amount) for row, amount in invoices if amount > 0]


def announce_the_write_off(home: Path) -> None:
    """The way through that README.md gives for a jump that people know of."""
    (home / "policies.yml").write_text(
        "announced:\n"
        f"  - measure: outstanding\n    entity: {FIRST_COMPANY}\n"
        f"    from: {WRITE_OFF_DAY}\n    until: {WRITE_OFF_DAY + timedelta(days=1)}\n"
        "    reason: insolvency of the largest debtor, approved by the board\n"
    )
