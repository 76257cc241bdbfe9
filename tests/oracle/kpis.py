"""The oracle's mart_kpi_monthly: DECISIONS 28, 40 and 41 and the page of figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from oracle import settled
from oracle.balances import ZERO, Books, rounded
from oracle.behaviour import excl_tax, months_before
from oracle.ledger import Document
from oracle.ratios import company_revenue
from oracle.tables import Quotient, Rows, Table, counted

TABLE = Table(
    "mart_kpi_monthly",
    ("month_start",),
    (
        "as_of_date",
        "company_currency_code",
        "revenue_company_amount",
        "revenue_excl_tax_company_amount",
        "credit_notes_company_amount",
        "receipts_company_amount",
        "refunds_company_amount",
        "write_offs_company_amount",
        "outstanding_company_amount",
        "overdue_company_amount",
        "overdue_count",
        "overdue_ratio_amount",
        "overdue_ratio_count",
        "loss_ratio",
        "due_company_amount",
        "paid_on_time_company_amount",
        "share_paid_on_time",
    ),
)


def kpis(books: Books, dates: Sequence[date]) -> Rows:
    """Of each month that ends at one of the dates, or is not over at the last one."""
    return {(day.replace(day=1),): dict(_kpis_of(books, day)) for day in dates}


def _kpis_of(books: Books, day: date) -> Iterator[tuple[str, object]]:
    before = day.replace(day=1) - timedelta(days=1)
    documents = posted(books, before, day)
    yield "as_of_date", day
    yield "company_currency_code", books.ledger.base_currency
    yield (
        "revenue_company_amount",
        _total(
            company_revenue(books, document, document.amount_incl_tax) for document in documents
        ),
    )
    yield "revenue_excl_tax_company_amount", revenue_excl_tax(books, before, day)
    yield (
        "credit_notes_company_amount",
        -_total(
            company_revenue(books, document, document.amount_incl_tax)
            for document in documents
            if document.document_type == "credit_note"
        ),
    )
    for column, payment_type in (("receipts", "receipt"), ("refunds", "refund")):
        yield (
            f"{column}_company_amount",
            _total(
                rounded(
                    payment.amount * (payment.exchange_rate or Decimal(1)),
                    books.ledger.base_currency,
                )
                for payment in books.ledger.payments
                if payment.payment_type == payment_type and before < payment.payment_date <= day
            ),
        )
    yield (
        "write_offs_company_amount",
        _total(amount for _, amount in settled.written_off(books, before, day)),
    )
    invoices = [one for one in books.open_items(day) if one.item.item_type == "invoice"]
    overdue = [one for one in invoices if one.is_overdue]
    overdue_amount = _total(one.company_amount for one in overdue)
    yield "outstanding_company_amount", _total(one.company_amount for one in books.open_items(day))
    yield "overdue_company_amount", overdue_amount
    yield "overdue_count", len(overdue)
    open_amount = _total(one.company_amount for one in invoices)
    yield "overdue_ratio_amount", Quotient(overdue_amount, open_amount)
    yield "overdue_ratio_count", counted(overdue, invoices)
    yield "loss_ratio", loss_ratio(books, day)
    due, paid = fell_due(books, before, day)
    yield "due_company_amount", due
    yield "paid_on_time_company_amount", paid
    yield "share_paid_on_time", Quotient(paid, due)


def posted(books: Books, after: date, until: date) -> list[Document]:
    return [
        document
        for document in books.ledger.documents
        if document.status == "posted" and after < document.issue_date <= until
    ]


def revenue_excl_tax(books: Books, after: date, until: date) -> Decimal:
    return _total(
        company_revenue(books, document, excl_tax(document))
        for document in posted(books, after, until)
    )


def loss_ratio(books: Books, day: date) -> Quotient:
    """Both without tax, over the 12 calendar months up to `day`; none without revenue."""
    year_before = months_before(day, 12)
    return Quotient(
        _total(lost_excl_tax(books, year_before, day)),
        max(revenue_excl_tax(books, year_before, day), ZERO),
    )


def lost_excl_tax(books: Books, after: date, until: date) -> Iterator[Decimal]:
    """The part without tax is that of the document, an amount of money like any other."""
    documents = {document.document_id: document for document in books.ledger.documents}
    lost: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for placed, amount in settled.written_off(books, after, until):
        lost[placed.settlement.target[1], placed.settlement.starts] += amount
    for (name, _), amount in lost.items():
        document = documents[name]
        part = amount * excl_tax(document) / document.amount_incl_tax
        yield rounded(part, books.ledger.base_currency)


def fell_due(books: Books, after: date, until: date) -> tuple[Decimal, Decimal]:
    """What fell due in (after, until], and what of it payments had settled on that day, both as it
    stood at the end. What was credited or written off by that day did not fall due."""
    due = paid = ZERO
    for item in books.items:
        if item.item_type != "invoice" or item.due_date is None:
            continue
        falls_due = max(item.due_date, item.issue_date)
        if after < falls_due <= until:
            due += books.company(item, item.original_amount)
            for placed, amount in settled.in_force(books, until):
                if placed.item == item and placed.settlement.starts <= falls_due:
                    if placed.settlement.kind == "payment":
                        paid += amount
                    else:
                        due -= amount
    return due, paid


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
