"""The cases of domain.md §3 as small ledgers with the figures that their reporters expected.

A case keeps the group's number and its first reference. Dates are moved into the three years
before the as-of date, so that one build shows them all; amounts are the reporters' own where they
gave any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from oracle.ledger import (
    Allocation,
    Customer,
    Dispute,
    Document,
    Instalment,
    Ledger,
    Payment,
    WriteOff,
)

AS_OF = date(2025, 4, 15)

Amount = int | str
# Bucket → company amount of the whole ledger; item → open amount in its own currency.
Amounts = Mapping[str, Amount]


@dataclass(frozen=True)
class Golden:
    """A ledger and what must be published of it. Every expectation is complete: no other rows."""

    group: int
    name: str
    reference: str
    ledger: Ledger
    open_at: Mapping[str, Amounts] = field(default_factory=dict)
    buckets: Mapping[str, Amounts] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def entity(self) -> str:
        return f"{self.group:02}-{self.name.replace(' ', '-')}"


# Group → why no ledger of flat files can show it.
NOT_APPLICABLE = {
    22: "a count of periods: bucket limits are a seed here and cover every number of days, which"
    " the relationship test of the seed holds",
    24: "a wish for more buckets: the policy bucket_limits, tested in e2e/test_run_choices.py",
    26: "days by UTC: files carry dates, not moments; which day a moment is to the entities is held"
    " by e2e/test_default_date.py and dbt/test_macros.py",
    31: "a payment of a credit note that counts on its invoice: only a refund can be matched with"
    " a credit note (DECISIONS 7), see group 32 for the return itself",
    51: "several receivable accounts: flat files have one; the accounts of a FEC are held in"
    " tests/dbt and tests/e2e",
    53: "total rows of a report read as documents: documents are read, never reports",
    57: "dunning and its levels: no dunning mart is published yet",
}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def invoice(
    name: str, issued: str, amount: Amount, due: str | None = None, **more: Any
) -> Document:
    return _document("invoice", name, issued, amount, due, more)


def credit_note(name: str, issued: str, amount: Amount, **more: Any) -> Document:
    return _document("credit_note", name, issued, amount, None, more)


def _document(
    kind: Any, name: str, issued: str, amount: Amount, due: str | None, more: dict[str, Any]
) -> Document:
    customer = more.pop("customer", "C1")
    return Document(
        name,
        kind,
        customer,
        date.fromisoformat(issued),
        Decimal(amount),
        due_date=_day(due),
        **_in_currency(more),
    )


def payment(name: str, day: str, amount: Amount, **more: Any) -> Payment:
    customer = more.pop("customer", "C1")
    return Payment(name, customer, date.fromisoformat(day), Decimal(amount), **_in_currency(more))


def refund(name: str, day: str, amount: Amount, **more: Any) -> Payment:
    return payment(name, day, amount, payment_type="refund", **more)


def _in_currency(more: dict[str, Any]) -> dict[str, Any]:
    """`usd="0.9"`: in US dollars at that rate."""
    for currency in ("USD", "GBP"):
        rate = more.pop(currency.lower(), None)
        if rate is not None:
            more |= {"currency_code": currency, "exchange_rate": Decimal(rate)}
    return more


def settled(source: str, target: str, amount: Amount, **more: Any) -> Allocation:
    """Credit notes are those whose id begins with N."""
    kind: Any = "credit_note" if source.startswith("N") else "payment"
    reversed_on = _day(more.pop("reversed_on", None))
    number = more.pop("number", 1)
    return Allocation(
        f"A-{source}-{target}-{number}",
        kind,
        source,
        target,
        Decimal(amount),
        reversed_on=reversed_on,
        **more,
    )


def instalments(document: str, *parts: tuple[str, Amount]) -> list[Instalment]:
    return [
        Instalment(document, number, date.fromisoformat(due), Decimal(amount))
        for number, (due, amount) in enumerate(parts, start=1)
    ]


def books(*rows: Any, customers: tuple[str, ...] = ()) -> Ledger:
    """A ledger of the rows in any order; customers are those that the rows name."""
    flat = [part for row in rows for part in (row if isinstance(row, list) else [row])]
    named = sorted({row.customer_id for row in flat if isinstance(row, Document | Payment)})

    def of(kind: type) -> tuple[Any, ...]:
        return tuple(row for row in flat if isinstance(row, kind))

    return Ledger(
        customers=tuple(Customer(name) for name in customers or named),
        documents=of(Document),
        instalments=of(Instalment),
        payments=of(Payment),
        allocations=of(Allocation),
        write_offs=of(WriteOff),
        disputes=of(Dispute),
    )


AS_OF_DATE_CASES = [
    Golden(
        1,
        "paid later is open before",
        "OCA/account-financial-reporting#707",
        books(
            invoice("I1", "2024-04-30", 100),
            payment("P1", "2024-06-30", 100),
            settled("P1", "I1", 100),
        ),
        open_at={"2024-05-31": {"I1/1": 100}, "2024-06-30": {}},
        buckets={"2024-05-31": {"overdue_1_30": 100}, "2024-06-30": {}},
    ),
    Golden(
        2,
        "aged total is the balance of the year end",
        "OCA/account-payment#386",
        books(
            invoice("I1", "2024-12-10", 1200, "2025-01-10"),
            invoice("I2", "2024-11-10", 800, "2024-12-10"),
            payment("P1", "2025-01-20", 800),
            settled("P1", "I2", 800),
        ),
        buckets={
            "2024-12-31": {"not_due": 1200, "overdue_1_30": 800},
            "2025-01-31": {"overdue_1_30": 1200},
        },
    ),
    Golden(
        3,
        "payment of the new year leaves the old year open",
        "odoo/odoo#16016",
        books(
            invoice("I1", "2023-12-30", 100),
            payment("P1", "2024-01-01", 100),
            settled("P1", "I1", 100),
        ),
        open_at={"2023-12-31": {"I1/1": 100}, "2024-01-01": {}},
    ),
    Golden(
        4,
        "matched a year later settles in its own year",
        "odoo/odoo#15786",
        books(
            invoice("I1", "2023-11-10", 100),
            payment("P1", "2023-12-20", 100),
            settled("P1", "I1", 100),
        ),
        open_at={"2023-12-19": {"I1/1": 100}, "2023-12-31": {}, "2024-12-31": {}},
    ),
    Golden(
        5,
        "matched invoice and payment are both gone",
        "odoo/odoo#19984",
        books(
            invoice("I1", "2024-01-10", 115),
            payment("P1", "2024-02-10", 115),
            settled("P1", "I1", 115),
        ),
        open_at={"2024-02-10": {}, "2025-04-15": {}},
        buckets={"2024-01-31": {"not_due": 115}, "2024-02-29": {}, "2025-04-15": {}},
    ),
    Golden(
        6,
        "second partial payment and unmatching leave the past alone",
        "odoo/odoo#7539",
        books(
            invoice("I1", "2024-01-10", 100),
            payment("P1", "2024-02-10", 40),
            payment("P2", "2024-03-10", 60),
            settled("P1", "I1", 40, reversed_on="2024-05-02"),
            settled("P2", "I1", 60),
        ),
        open_at={
            "2024-02-29": {"I1/1": 60},
            "2024-03-31": {},
            "2024-05-01": {},
            "2024-05-02": {"I1/1": 40, "P1/payment": -40},
        },
    ),
    Golden(
        7,
        "item with settlements of both signs is settled",
        "odoo/odoo#247538",
        books(
            invoice("I1", "2024-01-10", 60),
            payment("P1", "2024-02-10", 100),
            refund("R1", "2024-03-10", 40),
            settled("P1", "I1", 60),
            settled("R1", "P1", 40),
        ),
        open_at={"2024-02-29": {"P1/payment": -40}, "2024-03-31": {}, "2025-04-15": {}},
    ),
    Golden(
        8,
        "live paid amount does not reach back",
        "moiz-lakkadkutta/Fabric-Inventory#197",
        books(
            invoice("I1", "2024-04-20", 110_775),
            payment("P1", "2024-06-03", 110_250),
            settled("P1", "I1", 110_250),
        ),
        open_at={"2024-05-15": {"I1/1": 110_775}, "2024-06-03": {"I1/1": 525}},
    ),
    Golden(
        9,
        "statement of April does not know May",
        "OCA/account-financial-reporting#546",
        books(
            invoice("I1", "2024-03-10", 50_000),
            invoice("I2", "2024-04-10", 100_000),
            payment("P1", "2024-04-20", 1_000),
            invoice("I3", "2024-05-10", 1_000),
            payment("P2", "2024-05-12", 9_000),
            settled("P1", "I3", 1_000),
            settled("P2", "I1", 9_000),
        ),
        open_at={
            "2024-04-30": {"P1/payment": -1_000, "I1/1": 50_000, "I2/1": 100_000},
            "2024-05-31": {"I1/1": 41_000, "I2/1": 100_000},
        },
    ),
    Golden(
        10,
        "settlement takes effect at the later document date",
        "frappe/erpnext#46915",
        books(
            invoice("I1", "2024-01-10", 100),
            payment("P1", "2024-03-05", 100),
            settled("P1", "I1", 100),
            payment("P2", "2024-02-20", 70),
            invoice("I2", "2024-03-10", 70),
            settled("P2", "I2", 70),
        ),
        open_at={
            "2024-02-29": {"I1/1": 100, "P2/payment": -70},
            "2024-03-04": {"I1/1": 100, "P2/payment": -70},
            "2024-03-05": {"P2/payment": -70},
            "2024-03-10": {},
        },
    ),
    Golden(
        11,
        "matching documents of last year keeps its year end",
        "frappe/erpnext#46934",
        books(
            invoice("I1", "2023-10-01", 100),
            credit_note("N1", "2023-11-01", 30),
            settled("N1", "I1", 30),
        ),
        open_at={"2023-10-31": {"I1/1": 100}, "2023-12-31": {"I1/1": 70}},
    ),
    Golden(
        12,
        "unmatching is not dated back into a closed period",
        "frappe/erpnext#47074",
        books(
            invoice("I1", "2024-10-01", 100),
            payment("P1", "2024-11-01", 100),
            settled("P1", "I1", 100, reversed_on="2025-03-10"),
        ),
        open_at={
            "2024-12-31": {},
            "2025-03-09": {},
            "2025-03-10": {"I1/1": 100, "P1/payment": -100},
        },
    ),
    Golden(
        13,
        "activity up to the report date counts",
        "Gnucash/gnucash#776",
        books(
            invoice("I1", "2024-01-10", 200),
            payment("P1", "2024-02-10", 50),
            payment("P2", "2024-04-10", 150),
            settled("P1", "I1", 50),
            settled("P2", "I1", 150),
        ),
        open_at={"2024-03-31": {"I1/1": 150}, "2024-04-30": {}},
    ),
    Golden(
        14,
        "past balance is aged to its own date",
        "ishgroup/oncourse#643",
        books(invoice("I1", "2024-01-01", 100, "2024-01-31")),
        buckets={
            "2024-01-31": {"not_due": 100},
            "2024-02-29": {"overdue_1_30": 100},
            "2024-03-31": {"overdue_31_60": 100},
            "2025-04-15": {"overdue_over_120": 100},
        },
    ),
    Golden(
        15,
        "oldest debts and debts of the far future stay",
        "microsoft/BCApps#10412",
        books(
            invoice("I1", "2022-05-02", 300, "2022-06-01"),
            invoice("I2", "2025-04-01", 700, "2026-02-01"),
        ),
        buckets={"2025-04-15": {"not_due": 700, "overdue_over_120": 300}},
    ),
]

BUCKET_CASES = [
    Golden(
        16,
        "one amount in every bucket",
        "OCA/account-financial-reporting#383",
        books(
            invoice("I1", "2023-06-01", 500, "2024-01-15"),
            invoice("I2", "2023-06-01", 1_000, "2023-12-15"),
            invoice("I3", "2023-06-01", 2_000, "2023-11-15"),
            invoice("I4", "2023-06-01", 4_000, "2023-10-15"),
            invoice("I5", "2023-06-01", 8_000, "2023-09-15"),
            invoice("I6", "2023-06-01", 160_000, "2023-08-15"),
        ),
        buckets={
            "2023-12-31": {
                "not_due": 500,
                "overdue_1_30": 1_000,
                "overdue_31_60": 2_000,
                "overdue_61_90": 4_000,
                "overdue_91_120": 8_000,
                "overdue_over_120": 160_000,
            }
        },
    ),
    Golden(
        17,
        "exactly 30 60 90 and 120 days late",
        "bigcapitalhq/bigcapital#1416",
        books(
            invoice("I30", "2024-01-01", 30, "2025-03-16"),
            invoice("I60", "2024-01-01", 60, "2025-02-14"),
            invoice("I90", "2024-01-01", 90, "2025-01-15"),
            invoice("I120", "2024-01-01", 120, "2024-12-16"),
        ),
        buckets={
            "2025-04-15": {
                "overdue_1_30": 30,
                "overdue_31_60": 60,
                "overdue_61_90": 90,
                "overdue_91_120": 120,
            }
        },
    ),
    Golden(
        18,
        "buckets add up with what is not due",
        "frappe/erpnext#49262",
        books(
            invoice("I1", "2025-03-01", 400, "2025-05-01"),
            invoice("I2", "2025-02-01", 250, "2025-03-01"),
            payment("P1", "2025-04-01", 100),
        ),
        open_at={"2025-04-15": {"I1/1": 400, "I2/1": 250, "P1/payment": -100}},
        buckets={"2025-04-15": {"not_due": 400, "overdue_31_60": 250, "unapplied_credit": -100}},
    ),
    Golden(
        19,
        "151 days late has a bucket",
        "frappe/erpnext#56759",
        books(invoice("I1", "2024-10-01", 100, "2024-11-15")),
        buckets={"2025-04-15": {"overdue_over_120": 100}},
    ),
    Golden(
        20,
        "aged by due date and by 30 days without one",
        "frappe/erpnext#6371",
        books(
            invoice("I1", "2025-01-01", 100, "2025-04-10"),
            invoice("I2", "2025-03-10", 50),
            invoice("I3", "2025-03-16", 70),
        ),
        buckets={"2025-04-15": {"overdue_1_30": 150, "not_due": 70}},
    ),
    Golden(
        21,
        "age zero and ages beyond the last limit have a bucket",
        "OCA/account-financial-reporting#1140",
        books(
            invoice("I1", "2025-04-15", 10, "2025-04-15"),
            invoice("I2", "2023-01-01", 20, "2023-01-31"),
        ),
        buckets={"2025-04-15": {"not_due": 10, "overdue_over_120": 20}},
    ),
    Golden(
        23,
        "one payment is in one age row",
        "simpleinvoices/simpleinvoices#274",
        books(
            invoice("I1", "2025-01-01", 100, "2025-01-31"),
            invoice("I2", "2025-02-20", 100, "2025-03-31"),
            payment("P1", "2025-04-01", 100),
            settled("P1", "I1", 60),
            settled("P1", "I2", 40),
        ),
        buckets={"2025-04-15": {"overdue_61_90": 40, "overdue_1_30": 60}},
    ),
    Golden(
        25,
        "due today is not overdue",
        "NangoHQ/nango#7168",
        books(
            invoice("I1", "2025-01-01", 100, "2025-04-15"),
            invoice("I2", "2025-01-01", 200, "2025-04-14"),
        ),
        buckets={"2025-04-15": {"not_due": 100, "overdue_1_30": 200}},
    ),
    Golden(
        27,
        "partial payment is taken off its bucket",
        "OCA/account-financial-reporting#138",
        books(
            invoice("I1", "2025-01-01", "1148.96", "2025-03-01"),
            payment("P1", "2025-03-20", 500),
            settled("P1", "I1", 500),
        ),
        buckets={"2025-04-15": {"overdue_31_60": "648.96"}},
    ),
    Golden(
        28,
        "three partial payments leave the rest in its own bucket",
        "odoo/odoo#16235",
        books(
            invoice("I1", "2025-01-28", 10_000, "2025-02-28"),
            payment("P1", "2025-03-03", 1_500),
            payment("P2", "2025-03-10", 1_000),
            payment("P3", "2025-03-20", 2_000),
            settled("P1", "I1", 1_500),
            settled("P2", "I1", 1_000),
            settled("P3", "I1", 2_000),
        ),
        open_at={"2025-04-04": {"I1/1": 5_500}},
        buckets={"2025-03-31": {"overdue_31_60": 5_500}, "2025-04-15": {"overdue_31_60": 5_500}},
    ),
]

CREDIT_CASES = [
    Golden(
        29,
        "credit note on its own is in the summary",
        "frappe/erpnext#16355",
        books(
            invoice("I1", "2025-03-20", 1_000, "2025-04-30"), credit_note("N1", "2025-04-01", 200)
        ),
        buckets={"2025-04-15": {"not_due": 1_000, "unapplied_credit": -200}},
    ),
    Golden(
        30,
        "credited is not paid",
        "frappe/erpnext#40347",
        books(
            invoice("I1", "2025-03-20", 1_000, "2025-04-30"),
            credit_note("N1", "2025-04-01", 200, credited_document_id="I1"),
            settled("N1", "I1", 200),
        ),
        open_at={"2025-04-15": {"I1/1": 800}},
    ),
    Golden(
        32,
        "return on an invoice already paid",
        "frappe/erpnext#28595",
        books(
            invoice("I1", "2025-02-01", 100),
            payment("P1", "2025-03-01", 100),
            settled("P1", "I1", 100),
            credit_note("N1", "2025-03-20", 30, credited_document_id="I1"),
        ),
        open_at={"2025-03-31": {"N1/1": -30}},
        buckets={"2025-03-31": {"unapplied_credit": -30}},
    ),
    Golden(
        33,
        "advance and payment on two terms leave no negative row",
        "frappe/erpnext#36574",
        books(
            payment("P1", "2025-01-05", 15_000),
            invoice("I1", "2025-01-20", 30_000),
            instalments("I1", ("2025-02-20", 15_000), ("2025-03-20", 15_000)),
            payment("P2", "2025-03-01", 8_500),
            settled("P1", "I1", 15_000),
            settled("P2", "I1", 8_500),
        ),
        open_at={
            "2025-01-10": {"P1/payment": -15_000},
            "2025-01-31": {"I1/2": 15_000},
            "2025-03-31": {"I1/2": 6_500},
        },
        buckets={"2025-03-31": {"overdue_1_30": 6_500}},
    ),
    Golden(
        34,
        "invoice and payment of one name stay two",
        "frappe/erpnext#46367",
        books(
            invoice("X1", "2025-01-20", 300),
            payment("X1", "2025-02-20", 100),
            settled("X1", "X1", 100),
        ),
        open_at={"2025-02-19": {"X1/1": 300}, "2025-02-28": {"X1/1": 200}},
    ),
    Golden(
        35,
        "payment fills the oldest due date first",
        "frappe/erpnext#19563",
        books(
            invoice("I1", "2024-12-31", 300),
            instalments("I1", ("2025-03-31", 100), ("2025-01-31", 100), ("2025-02-28", 100)),
            payment("P1", "2025-02-10", 150),
            settled("P1", "I1", 150),
        ),
        open_at={"2025-02-10": {"I1/3": 50, "I1/1": 100}},
        buckets={"2025-03-31": {"overdue_31_60": 50, "not_due": 100}},
    ),
    Golden(
        36,
        "terms in a foreign currency convert one by one",
        "frappe/erpnext#46440",
        books(
            invoice("I1", "2025-01-20", 1_000, usd="0.9"),
            instalments("I1", ("2025-02-20", 400), ("2025-05-20", 600)),
        ),
        open_at={"2025-03-31": {"I1/1": 400, "I1/2": 600}},
        buckets={"2025-03-31": {"overdue_31_60": 360, "not_due": 540}},
    ),
    Golden(
        37,
        "one payment pays two invoices and leaves what is over",
        "frappe/erpnext, its test of future payments",
        books(
            invoice("I1", "2025-01-20", 50),
            invoice("I2", "2025-01-25", 50),
            payment("P1", "2025-02-20", 110),
            settled("P1", "I1", 50),
            settled("P1", "I2", 50),
        ),
        open_at={"2025-02-19": {"I1/1": 50, "I2/1": 50}, "2025-02-20": {"P1/payment": -10}},
    ),
    Golden(
        38,
        "refund is in the total",
        "OCA/account-financial-reporting#300",
        books(
            invoice("I1", "2025-03-20", 500, "2025-04-30"),
            credit_note("N1", "2025-03-25", 80),
            refund("R1", "2025-04-02", 30),
        ),
        open_at={"2025-04-15": {"I1/1": 500, "N1/1": -80, "R1/payment": 30}},
        buckets={"2025-04-15": {"not_due": 500, "unapplied_credit": -50}},
    ),
    Golden(
        39,
        "deposit and rest of a credit note count once",
        "Dolibarr/dolibarr#19327",
        books(
            payment("P1", "2025-01-05", 50),
            invoice("I1", "2025-01-20", 100),
            settled("P1", "I1", 50),
            credit_note("N1", "2025-02-01", 100),
            invoice("I2", "2025-02-10", 60),
            settled("N1", "I2", 60),
        ),
        open_at={"2025-02-28": {"I1/1": 50, "N1/1": -40}},
    ),
    Golden(
        40,
        "credit in dollars cannot settle an invoice in pounds",
        "Dolibarr/dolibarr#32206",
        books(
            invoice("I1", "2025-01-20", 100, gbp="1.2"),
            credit_note("N1", "2025-02-01", 100, usd="0.9"),
            settled("N1", "I1", 100),
        ),
        open_at={"2025-02-28": {"I1/1": 100, "N1/1": -100}},
        buckets={"2025-02-28": {"overdue_1_30": 120, "unapplied_credit": -90}},
        refused=("an allocation needs one currency",),
    ),
    Golden(
        41,
        "overpayments and credit notes have their own bucket",
        "Gnucash/gnucash#538",
        books(
            invoice("I1", "2025-02-01", 100),
            payment("P1", "2025-03-01", 130),
            settled("P1", "I1", 100),
            credit_note("N1", "2025-03-05", 20),
        ),
        buckets={"2025-03-31": {"unapplied_credit": -50}},
    ),
    Golden(
        42,
        "like signs are never matched",
        "microsoft/BCApps#9529",
        books(
            credit_note("N1", "2025-02-01", 100),
            credit_note("N2", "2025-02-02", 100),
            settled("N1", "N2", 100),
        ),
        open_at={"2025-02-28": {"N1/1": -100, "N2/1": -100}},
        refused=("N2",),
    ),
]

CURRENCY_CASES = [
    Golden(
        43,
        "rest of a foreign invoice at a past date",
        "OCA/account-financial-reporting#853",
        books(
            invoice("I1", "2025-01-01", 100, usd="0.9"),
            payment("P1", "2025-02-10", 40, usd="0.95"),
            payment("P2", "2025-04-10", 60, usd="0.85"),
            settled("P1", "I1", 40),
            settled("P2", "I1", 60),
        ),
        open_at={"2025-03-31": {"I1/1": 60}, "2025-04-15": {}},
        buckets={"2025-03-31": {"overdue_31_60": 54}, "2025-04-15": {}},
    ),
    Golden(
        44,
        "settled at another rate leaves no row",
        "OCA/account-financial-reporting#792",
        books(
            invoice("I1", "2025-01-01", 100, usd="0.9"),
            payment("P1", "2025-02-10", 100, usd="0.97"),
            settled("P1", "I1", 100),
        ),
        open_at={"2025-02-28": {}},
        buckets={"2025-02-28": {}, "2025-04-15": {}},
    ),
    Golden(
        45,
        "partial payments at other rates leave no residue",
        "odoo/odoo#65271",
        books(
            invoice("I1", "2025-01-01", "100.05", usd="0.9213"),
            payment("P1", "2025-02-10", "33.35", usd="0.95"),
            payment("P2", "2025-03-10", "66.70", usd="0.93"),
            settled("P1", "I1", "33.35"),
            settled("P2", "I1", "66.70"),
        ),
        open_at={"2025-02-28": {"I1/1": "66.70"}, "2025-03-31": {}},
        buckets={
            "2025-01-31": {"not_due": "92.18"},
            "2025-02-28": {"overdue_1_30": "61.45"},
            "2025-03-31": {},
        },
    ),
    Golden(
        46,
        "revalued at the rate of the day",
        "frappe/erpnext#33380",
        books(invoice("I1", "2025-01-01", 100, usd="0.80")),
        buckets={"2025-04-15": {"overdue_61_90": 80}},
    ),
    Golden(
        47,
        "each currency is named and aged",
        "frappe/erpnext#9275",
        books(
            invoice("I1", "2025-01-01", 100, "2025-02-01", usd="0.9"),
            invoice("I2", "2025-01-01", 100, "2025-03-20", gbp="1.2"),
        ),
        buckets={"2025-04-15": {"overdue_61_90": 90, "overdue_1_30": 120}},
    ),
    Golden(
        48,
        "amounts of two currencies are never added",
        "fivetran/dbt_quickbooks#115",
        books(
            invoice("I1", "2025-01-01", 100, "2025-04-01"),
            invoice("I2", "2025-01-01", 100, "2025-04-01", usd="0.9"),
        ),
        open_at={"2025-04-15": {"I1/1": 100, "I2/1": 100}},
        buckets={"2025-04-15": {"overdue_1_30": 190}},
    ),
    Golden(
        49,
        "a cent that is left stays in the total",
        "frappe/erpnext#32675",
        books(
            invoice("I1", "2025-01-01", "100.00", "2025-04-01"),
            payment("P1", "2025-03-01", "99.99"),
            settled("P1", "I1", "99.99"),
        ),
        buckets={"2025-04-15": {"overdue_1_30": "0.01"}},
    ),
]

LEDGER_CASES = [
    Golden(
        50,
        "matching with a draft is refused and the payment stays",
        "odoo/odoo#77668",
        books(
            invoice("I1", "2025-01-01", 100, status="draft"),
            payment("P1", "2025-03-01", 100),
            settled("P1", "I1", 100),
        ),
        open_at={"2025-03-31": {"P1/payment": -100}},
        refused=("is draft: only posted documents are matched",),
    ),
    Golden(
        52,
        "receivables include the tax",
        "fivetran/dbt_quickbooks#56",
        books(invoice("I1", "2025-04-01", 120, amount_excl_tax=Decimal(100))),
        buckets={"2025-04-15": {"not_due": 120}},
    ),
    Golden(
        54,
        "two customers of one entity stay two",
        "ledgersmb/LedgerSMB#7177",
        books(
            invoice("I1", "2025-04-01", 100),
            invoice("I2", "2025-04-01", 40, customer="C2"),
            payment("P1", "2025-04-10", 100, customer="C2"),
            settled("P1", "I2", 40),
        ),
        open_at={"2025-04-15": {"I1/1": 100, "P1/payment": -60}},
    ),
    Golden(
        55,
        "four partial payments in dispute leave 20 not 80",
        "OCA/account-financial-reporting#829",
        books(
            invoice("I1", "2025-01-01", 100, "2025-04-01"),
            *[payment(f"P{n}", f"2025-02-0{n}", 20) for n in range(1, 5)],
            *[settled(f"P{n}", "I1", 20) for n in range(1, 5)],
            Dispute("D1", "I1", date(2025, 2, 1)),
            Dispute("D2", "I1", date(2025, 2, 1), amount=Decimal(5)),
        ),
        open_at={"2025-04-15": {"I1/1": 20}},
        buckets={"2025-04-15": {"overdue_1_30": 20}},
    ),
    Golden(
        56,
        "bounced payment opens the invoice at its old due date",
        "LanternOps/breeze#4542",
        books(
            invoice("I1", "2025-01-01", 100, "2025-01-31"),
            payment("P1", "2025-02-10", 100),
            settled("P1", "I1", 100, reversed_on="2025-02-20"),
        ),
        open_at={
            "2025-02-09": {"I1/1": 100},
            "2025-02-19": {},
            "2025-02-20": {"I1/1": 100, "P1/payment": -100},
        },
        buckets={
            "2025-02-28": {"overdue_1_30": 100, "unapplied_credit": -100},
            "2025-03-31": {"overdue_31_60": 100, "unapplied_credit": -100},
        },
    ),
    Golden(
        58,
        "void document is gone",
        "singer-io/tap-quickbooks#28",
        books(
            invoice("I1", "2025-04-01", 100),
            invoice("I2", "2025-04-01", 900, status="void"),
        ),
        open_at={"2025-04-15": {"I1/1": 100}},
        buckets={"2025-04-15": {"not_due": 100}},
    ),
]

GOLDEN = [*AS_OF_DATE_CASES, *BUCKET_CASES, *CREDIT_CASES, *CURRENCY_CASES, *LEDGER_CASES]


@dataclass(frozen=True)
class GoldenDso:
    """A row of the table of domain §2.1, or what happens around it, with the policies of its
    ledger."""

    name: str
    day: str
    receivables: Amount
    ledger: Ledger
    days: str
    status: str = "ok"
    remainder: Amount = 0

    @property
    def entity(self) -> str:
        return f"dso-{self.name.replace(' ', '-')}"


def _sales(**months: Amount) -> list[Document]:
    """One invoice on the first of each month: `m2025_03=100`; a negative month is a credit note."""
    documents = []
    for month, amount in months.items():
        issued = f"{month[1:5]}-{month[6:]}-01"
        make = credit_note if Decimal(amount) < 0 else invoice
        documents.append(make(f"N{month}", issued, str(abs(Decimal(amount)))))
    return documents


def by_days(*rows: Any) -> Ledger:
    return replace(books(*rows), choices=(("countback_period", "day"),))


GOLDEN_DSO = [
    GoldenDso(
        "Divalto",
        "2024-11-30",
        2_500,
        books(_sales(m2024_11=1_200, m2024_10=800, m2024_09=700), payment("P1", "2024-11-20", 200)),
        "82.43",
    ),
    GoldenDso(
        "Benji",
        "2025-03-31",
        212_000,
        books(
            _sales(m2025_03=100_000, m2025_02=80_000, m2025_01=70_000),
            payment("P1", "2025-03-20", 38_000),
        ),
        "73.17",
    ),
    GoldenDso(
        "zero month",
        "2023-04-30",
        150,
        books(_sales(m2023_04=100, m2023_02=100), payment("P1", "2023-04-20", 50)),
        "75.00",
    ),
    GoldenDso(
        "negative month",
        "2023-04-30",
        150,
        books(_sales(m2023_04=100, m2023_03=-40, m2023_02=100), payment("P1", "2023-04-20", 10)),
        "84.33",
    ),
    GoldenDso(
        "exact exhaustion",
        "2023-04-30",
        200,
        books(_sales(m2023_04=100, m2023_03=100, m2023_02=100), payment("P1", "2023-04-20", 100)),
        "61.00",
    ),
    GoldenDso(
        "partial month",
        "2025-04-15",
        150,
        books(_sales(m2025_04=100, m2025_03=100), payment("P1", "2025-04-10", 50)),
        "30.50",
    ),
    GoldenDso(
        "all in the current month",
        "2025-04-15",
        40,
        books(_sales(m2025_04=100, m2025_03=100), payment("P1", "2025-04-10", 160)),
        "6.00",
    ),
    GoldenDso(
        "history exhausted",
        "2023-04-30",
        500,
        books(
            _sales(m2023_04=100, m2023_03=100, m2023_02=100, m2023_01=100),
            refund("R1", "2023-04-20", 100),
        ),
        "120.00",
        "history_exhausted",
        100,
    ),
    GoldenDso(
        "leap February",
        "2024-02-29",
        150,
        books(_sales(m2024_02=100, m2024_01=100), payment("P1", "2024-02-20", 50)),
        "44.50",
    ),
    GoldenDso(
        "nothing owed",
        "2025-03-31",
        -20,
        books(_sales(m2025_03=100), payment("P1", "2025-03-20", 120)),
        "0.00",
        "no_debt",
    ),
    # The first day that some computers know; often the date of a document that has none.
    GoldenDso(
        "credit note of 1970",
        "2025-03-31",
        170,
        books(
            _sales(m2025_03=100, m2025_02=80),
            credit_note("N1", "1970-01-01", 10),
        ),
        "55.50",
    ),
    GoldenDso(
        "invoice of 1970 that is still open",
        "2025-03-31",
        190,
        books(_sales(m2025_03=100, m2025_02=80, m1970_01=10)),
        "20179.00",
    ),
    # DECISIONS 76: from 15 April to 21 March, and half of the sales of 20 March.
    GoldenDso(
        "by days",
        "2025-04-15",
        150,
        by_days(
            invoice("I1", "2025-03-05", 50),
            invoice("I2", "2025-03-20", 100),
            invoice("I3", "2025-04-10", 100),
            payment("P1", "2025-04-12", 100),
        ),
        "26.50",
    ),
    GoldenDso(
        "by days with a credit note",
        "2025-04-15",
        130,
        by_days(
            invoice("I1", "2025-03-20", 100),
            credit_note("N1", "2025-04-05", 40),
            invoice("I2", "2025-04-10", 100),
            payment("P1", "2025-04-12", 30),
        ),
        "26.50",
    ),
]
