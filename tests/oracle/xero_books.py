"""The Xero organisation of Fivetran's dbt_xero seeds as flat files, and its control account.

The invoice table knows the day on which an invoice was fully paid and nothing of what came before;
the payments are in the journals, without the invoice that they pay. They are matched by amount: a
payment of the last day that equals the invoice, else the payments that add up to it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path

from oracle.balances import rounded
from oracle.ledger import Allocation, Customer, Document, Ledger, Payment

CONTROL_ACCOUNT = "Accounts Receivable"
ROUNDING = Decimal("0.01")
MOST_PAYMENTS_OF_AN_INVOICE = 3

Table = list[dict[str, str]]


@dataclass(frozen=True)
class Receipt:
    """What a payment journal took off the control account."""

    source_id: str
    day: date
    company_amount: Decimal


@dataclass(frozen=True)
class XeroBooks:
    """The sales ledger as the flat-file contract has it, and the general ledger's own figures."""

    ledger: Ledger
    control: tuple[tuple[date, Decimal], ...]

    def control_balance(self, day: date) -> Decimal:
        return sum((amount for moved, amount in self.control if moved <= day), Decimal(0))


def read_xero_books(folder: Path) -> XeroBooks:
    journals = {row["journal_id"]: row for row in _table(folder, "xero_journal_data")}
    lines = [
        (journals[row["journal_id"]], Decimal(row["net_amount"]))
        for row in _table(folder, "xero_journal_line_data")
        if row["account_name"] == CONTROL_ACCOUNT
    ]
    control = [(date.fromisoformat(j["journal_date"]), amount) for j, amount in lines]
    sales = [
        row
        for row in _table(folder, "xero_invoice_data")
        if row["type"] == "ACCREC" and row["status"] in ("AUTHORISED", "PAID")
    ]
    paid_by = match_receipts(sales, _receipts(lines))
    ledger = Ledger(
        customers=tuple(Customer(name) for name in sorted({row["contact_id"] for row in sales})),
        documents=tuple(_document(row) for row in sales),
        payments=tuple(p for row in sales for p in _payments(row, paid_by[row["invoice_id"]])),
        allocations=tuple(
            Allocation(p.payment_id, "payment", p.payment_id, row["invoice_id"], p.amount)
            for row in sales
            for p in _payments(row, paid_by[row["invoice_id"]])
        ),
        base_currency="CAD",
    )
    return XeroBooks(ledger, tuple(control))


def _table(folder: Path, name: str) -> Table:
    with open(folder / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _receipts(lines: list[tuple[dict[str, str], Decimal]]) -> list[Receipt]:
    """Payments that stand; one that was reversed on its own day left nothing behind."""
    amounts: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for journal, amount in lines:
        if journal["source_type"] == "ACCRECPAYMENT":
            day = date.fromisoformat(journal["journal_date"])
            amounts[journal["source_id"], day] -= amount
    return [Receipt(name, day, amount) for (name, day), amount in amounts.items() if amount]


def match_receipts(sales: Table, receipts: list[Receipt]) -> dict[str, list[Receipt]]:
    """Invoice → its receipts, oldest first. Every receipt has to find its invoice."""
    rest = sorted(receipts, key=lambda receipt: (receipt.day, receipt.source_id))
    matched: dict[str, list[Receipt]] = {row["invoice_id"]: [] for row in sales}
    paid = [row for row in sales if row["fully_paid_on_date"]]
    for size in range(1, MOST_PAYMENTS_OF_AN_INVOICE + 1):
        for row in paid:
            if not matched[row["invoice_id"]]:
                found = _adding_up(row, rest, size)
                matched[row["invoice_id"]] = found
                rest = [receipt for receipt in rest if receipt not in found]
    assert rest == [], f"payments of no invoice: {rest}"
    assert all(matched[row["invoice_id"]] for row in paid), "an invoice was paid by nothing"
    return matched


def _adding_up(row: dict[str, str], receipts: list[Receipt], size: int) -> list[Receipt]:
    last_day = date.fromisoformat(row["fully_paid_on_date"])
    until_then = [receipt for receipt in receipts if receipt.day <= last_day]
    for group in combinations(until_then, size):
        total = sum((receipt.company_amount for receipt in group), Decimal(0))
        if group[-1].day == last_day and abs(total - _company_total(row)) <= ROUNDING:
            return list(group)
    return []


def _company_total(row: dict[str, str]) -> Decimal:
    return rounded(Decimal(row["total"]) / Decimal(row["currency_rate"]), "CAD")


def _rate(row: dict[str, str]) -> Decimal:
    """Xero gives document per base; the contract wants base per document, 12 decimals at most."""
    return (1 / Decimal(row["currency_rate"])).quantize(Decimal("1e-12"))


def _document(row: dict[str, str]) -> Document:
    return Document(
        document_id=row["invoice_id"],
        document_type="invoice",
        customer_id=row["contact_id"],
        issue_date=date.fromisoformat(row["date"]),
        due_date=date.fromisoformat(row["due_date"]),
        amount_incl_tax=Decimal(row["total"]),
        amount_excl_tax=Decimal(row["sub_total"]),
        currency_code=row["currency_code"],
        exchange_rate=_rate(row),
    )


def _payments(row: dict[str, str], receipts: list[Receipt]) -> list[Payment]:
    """In document currency at the rate of the invoice; the last one pays what is left."""
    rest = Decimal(row["total"])
    payments = []
    for receipt in receipts:
        amount = rounded(receipt.company_amount * Decimal(row["currency_rate"]), "CAD")
        amount = rest if receipt is receipts[-1] else amount
        rest -= amount
        payments.append(
            Payment(
                receipt.source_id,
                row["contact_id"],
                receipt.day,
                amount,
                currency_code=row["currency_code"],
                exchange_rate=_rate(row),
            )
        )
    return payments
