"""Corruptions of what a source delivers: each is done to the books of one company, by a function
that changes its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from corruptions.good_books import CENT, Books, Row, good_books

DATES = {
    "documents": ("issue_date", "due_date"),
    "instalments": ("due_date",),
    "payments": ("payment_date",),
    "allocations": ("reversed_on",),
    "write_offs": ("write_off_date",),
    "disputes": ("opened_on", "closed_on"),
    "collection_cases": ("opened_on", "closed_on"),
}
AMOUNTS = {
    "documents": ("amount_incl_tax", "amount_excl_tax"),
    "instalments": ("amount",),
    "payments": ("amount",),
    "allocations": ("amount",),
    "write_offs": ("amount",),
    "disputes": ("amount",),
}


# ---------------------------------------------------------------- rows that are missing


def lose_page_of_documents(books: Books) -> None:
    books["documents"] = books["documents"][: len(books["documents"]) * 2 // 3]


def lose_page_of_payments(books: Books) -> None:
    books["payments"] = books["payments"][: len(books["payments"]) * 2 // 3]


def lose_page_of_allocations(books: Books) -> None:
    books["allocations"] = books["allocations"][: len(books["allocations"]) * 2 // 3]


def lose_whole_history_of_documents(books: Books) -> None:
    """A third of the documents is not there, nor is anything that refers to them."""
    lose_page_of_documents(books)
    drop_what_refers_to_nothing(books)


def lose_payments(books: Books) -> None:
    books["payments"] = []
    books["allocations"] = [row for row in books["allocations"] if row["source_type"] != "payment"]


def lose_allocations(books: Books) -> None:
    books["allocations"] = []


def lose_customer_row(books: Books) -> None:
    books["customers"] = [row for row in books["customers"] if row["customer_id"] != "C3"]


def lose_customer(books: Books) -> None:
    """The customer and all that is of it."""
    for stream in ("customers", "documents", "payments"):
        books[stream] = [row for row in books[stream] if row["customer_id"] != "C3"]
    drop_what_refers_to_nothing(books)


def lose_an_instalment(books: Books) -> None:
    books["instalments"] = books["instalments"][:1]


def lose_everything(books: Books) -> None:
    for stream in books.streams:
        if stream not in ("entities", "ledger_balances"):
            books[stream] = []


def deliver_an_old_export(books: Books) -> None:
    """The books of two months ago, once more."""
    old = good_books(books.entity_id, books.day - timedelta(days=60), has_control_totals=False)
    for stream in books.streams:
        if stream != "ledger_balances":
            books[stream] = old[stream]


def lose_open_documents(books: Books) -> None:
    """The documents on which nothing was paid: a filter on what has a payment."""
    settled = {row["document_id"] for row in books["allocations"]}
    books["documents"] = [
        row
        for row in books["documents"]
        if row["document_id"] in settled or row["document_type"] == "credit_note"
    ]
    drop_what_refers_to_nothing(books)


def lose_foreign_documents(books: Books) -> None:
    for stream in ("documents", "payments"):
        books[stream] = [row for row in books[stream] if row["currency_code"] == "EUR"]
    drop_what_refers_to_nothing(books)


# ---------------------------------------------------------------- rows that are there twice


def repeat_page_of_documents(books: Books) -> None:
    books["documents"] = [*books["documents"], *books["documents"][:10]]


def repeat_page_of_payments(books: Books) -> None:
    books["payments"] = [*books["payments"], *books["payments"][:10]]


def import_documents_again(books: Books) -> None:
    """The documents of the last months a second time, under new ids."""
    again = [row for row in books["documents"] if row["issue_date"] >= "2025-04-01"]
    books["documents"] = [*books["documents"], *_renamed(again, "document_id")]


def import_payments_again(books: Books) -> None:
    again = [row for row in books["payments"] if row["payment_date"] >= "2025-04-01"]
    books["payments"] = [*books["payments"], *_renamed(again, "payment_id")]


def import_allocations_again(books: Books) -> None:
    books["allocations"] = [
        *books["allocations"],
        *_renamed(books["allocations"], "allocation_id"),
    ]


def import_instalments_again(books: Books) -> None:
    books["instalments"] = [
        *books["instalments"],
        *({**row, "instalment_no": row["instalment_no"] + "0"} for row in books["instalments"]),
    ]


# ---------------------------------------------------------------- amounts


def flip_signs(books: Books) -> None:
    _scale_documents(books, lambda amount: -amount)


def swap_document_types(books: Books) -> None:
    other = {"invoice": "credit_note", "credit_note": "invoice"}
    books["documents"] = [
        {**row, "document_type": other[row["document_type"]]} for row in books["documents"]
    ]
    books["allocations"] = []
    books["instalments"] = books["write_offs"] = []
    books["disputes"] = books["collection_cases"] = []


def call_receipts_refunds(books: Books) -> None:
    books["payments"] = [{**row, "payment_type": "refund"} for row in books["payments"]]
    books["allocations"] = [row for row in books["allocations"] if row["source_type"] != "payment"]


def multiply_by_a_hundred(books: Books) -> None:
    _scale(books, lambda amount: amount * 100)


def divide_by_a_thousand(books: Books) -> None:
    """1.440,00 read as 1.44."""
    _scale(books, lambda amount: (amount / 1000).quantize(Decimal("0.000001")))


def multiply_new_invoices_by_a_hundred(books: Books) -> None:
    """Those of the last days only: a change of the export's format."""
    since = (books.day - timedelta(days=20)).isoformat()
    books["documents"] = [
        {
            **row,
            "amount_incl_tax": str(Decimal(row["amount_incl_tax"]) * 100),
            "amount_excl_tax": str(Decimal(row["amount_excl_tax"]) * 100),
        }
        if row["issue_date"] >= since and not _is_split(books, row)
        else row
        for row in books["documents"]
    ]


def cut_the_cents(books: Books) -> None:
    _scale(books, lambda amount: amount.quantize(Decimal(1), ROUND_HALF_UP))


def deliver_amounts_without_tax(books: Books) -> None:
    """The column incl. tax holds the amounts excl. tax; what was paid is what was invoiced."""
    _scale(
        books, lambda amount: (amount / Decimal("1.2")).quantize(CENT), excluding="amount_excl_tax"
    )


def deliver_new_amounts_without_tax(books: Books) -> None:
    books["documents"] = [
        {**row, "amount_incl_tax": row["amount_excl_tax"]}
        if row["issue_date"] >= "2025-05-01" and not _is_split(books, row)
        else row
        for row in books["documents"]
    ]
    books["allocations"] = [
        row for row in books["allocations"] if row["document_id"][:6] not in ("INV-11", "INV-12")
    ]


def mix_up_amounts(books: Books) -> None:
    """A column sorted by itself: the same amounts on other documents."""
    amounts = [row["amount_incl_tax"] for row in books["documents"]]
    amounts.sort(key=Decimal, reverse=True)
    books["documents"] = [
        {**row, "amount_incl_tax": amount}
        for row, amount in zip(books["documents"], amounts, strict=True)
    ]
    books["allocations"] = []
    books["instalments"] = books["write_offs"] = books["disputes"] = []


def write_everything_off(books: Books) -> None:
    settled: dict[str, Decimal] = {}
    for row in books["allocations"]:
        if not row["reversed_on"]:
            before = settled.get(row["document_id"], Decimal(0))
            settled[row["document_id"]] = before + Decimal(row["amount"])
    lost = [
        (row, Decimal(row["amount_incl_tax"]) - settled.get(row["document_id"], Decimal(0)))
        for row in books["documents"]
        if row["document_type"] == "invoice" and row["status"] == "posted"
    ]
    books["write_offs"] = [
        {
            "write_off_id": f"W-{row['document_id']}",
            "document_id": row["document_id"],
            "write_off_date": books.day.isoformat(),
            "amount": str(open_amount),
        }
        for row, open_amount in lost
        if open_amount > 0
    ]


def write_off_more_than_is_owed(books: Books) -> None:
    books["write_offs"] = [{**row, "amount": "99999.00"} for row in books["write_offs"]]


# ---------------------------------------------------------------- currencies


def swap_currencies(books: Books) -> None:
    other = {"EUR": "USD", "USD": "EUR"}
    for stream in ("documents", "payments"):
        books[stream] = [
            {**row, "currency_code": other[row["currency_code"]]} for row in books[stream]
        ]


def call_dollars_pounds(books: Books) -> None:
    """Another currency for the same amounts and rates."""
    for stream in ("documents", "payments"):
        books[stream] = [
            {**row, "currency_code": row["currency_code"].replace("USD", "GBP")}
            for row in books[stream]
        ]


def call_dollars_euros(books: Books) -> None:
    """The currency is lost, and its rate with it."""
    for stream in ("documents", "payments"):
        books[stream] = [
            {**row, "currency_code": "EUR", "exchange_rate": ""} for row in books[stream]
        ]


def invert_rates(books: Books) -> None:
    _change_rates(books, lambda rate: (1 / rate).quantize(Decimal("0.000001")))


def set_rates_to_one(books: Books) -> None:
    _change_rates(books, lambda _: Decimal(1))


def multiply_rates_by_a_hundred(books: Books) -> None:
    _change_rates(books, lambda rate: rate * 100)


def lose_rates(books: Books) -> None:
    for stream in ("documents", "payments"):
        books[stream] = [{**row, "exchange_rate": ""} for row in books[stream]]


def change_the_base_currency(books: Books) -> None:
    books["entities"] = [{**row, "base_currency": "USD"} for row in books["entities"]]


# ---------------------------------------------------------------- dates


def swap_issue_and_due_dates(books: Books) -> None:
    books["documents"] = [
        {**row, "issue_date": row["due_date"], "due_date": row["issue_date"]}
        if row["due_date"]
        else row
        for row in books["documents"]
    ]


def swap_day_and_month(books: Books) -> None:
    def swapped(day: date) -> date:
        return day.replace(month=day.day, day=day.month) if day.day <= 12 else day

    _change_dates(books, swapped)


def shift_by_a_day(books: Books) -> None:
    """Midnight in Paris is the evening before in UTC."""
    _change_dates(books, lambda day: day - timedelta(days=1))


def shift_by_a_year(books: Books) -> None:
    _change_dates(books, lambda day: day - timedelta(days=365))


def date_new_documents_a_year_back(books: Books) -> None:
    """Invoices of January, dated by habit in the year before."""
    books["documents"] = [
        {
            **row,
            "issue_date": row["issue_date"].replace("2025", "2024"),
            "due_date": row["due_date"].replace("2025", "2024"),
        }
        if row["issue_date"] >= "2025-05-01"
        else row
        for row in books["documents"]
    ]


def date_payments_in_the_future(books: Books) -> None:
    books["payments"] = [
        {**row, "payment_date": row["payment_date"].replace("2025", "2026")}
        for row in books["payments"]
    ]


def date_documents_in_the_future(books: Books) -> None:
    books["documents"] = [
        {**row, "issue_date": row["issue_date"].replace("2025", "2026")}
        for row in books["documents"]
    ]


def lose_due_dates(books: Books) -> None:
    """Where customers had 60 days, the terms of 30 take over."""
    books["documents"] = [{**row, "due_date": ""} for row in books["documents"]]
    books["customers"] = [{**row, "payment_terms": ""} for row in books["customers"]]
    books["instalments"] = []


def due_dates_at_the_epoch(books: Books) -> None:
    books["documents"] = [
        {**row, "due_date": "1970-01-01"} if row["due_date"] else row for row in books["documents"]
    ]
    books["instalments"] = [{**row, "due_date": "1970-01-01"} for row in books["instalments"]]


def move_due_dates(books: Books) -> None:
    """Sixty days more for everybody."""
    for stream in ("documents", "instalments"):
        books[stream] = [
            {**row, "due_date": _moved(row["due_date"], lambda day: day + timedelta(days=60))}
            for row in books[stream]
        ]


# ---------------------------------------------------------------- who and what


def give_documents_to_another_customer(books: Books) -> None:
    """Documents and payments alike: a join by a name that customers share."""
    others = dict.fromkeys(("C1", "C2", "C3"), "C4")
    for stream in ("documents", "payments"):
        books[stream] = [
            {**row, "customer_id": others.get(row["customer_id"], row["customer_id"])}
            for row in books[stream]
        ]


def shift_customers_by_a_row(books: Books) -> None:
    """The documents only: what settles them is another customer's."""
    books["documents"] = [
        {**row, "customer_id": f"C{int(row['customer_id'][1:]) % 6 + 1}"}
        if row["currency_code"] == "EUR"
        else row
        for row in books["documents"]
    ]


def rename_customers(books: Books) -> None:
    """C1 becomes 000C1: the width of an account number changed."""
    for stream in ("customers", "documents", "payments"):
        books[stream] = [
            {**row, "customer_id": f"000{row['customer_id']}"} for row in books[stream]
        ]


def rename_documents(books: Books) -> None:
    """Every document has a new id: the source was moved to another system."""
    for stream in ("documents", "instalments", "allocations", "write_offs", "disputes"):
        books[stream] = [{**row, "document_id": f"X{row['document_id']}"} for row in books[stream]]
    books["payments"] = [
        {**row, "payment_id": f"X{row['payment_id']}"} for row in books["payments"]
    ]
    books["allocations"] = [
        {**row, "source_id": f"X{row['source_id']}"} for row in books["allocations"]
    ]
    books["collection_cases"] = []


def orphan_allocations(books: Books) -> None:
    books["allocations"] = [
        {**row, "document_id": f"GONE-{row['document_id']}"} if place % 5 == 0 else row
        for place, row in enumerate(books["allocations"])
    ]


def allocate_to_the_next_invoice(books: Books) -> None:
    targets = [row["document_id"] for row in books["allocations"]]
    books["allocations"] = [
        {**row, "document_id": target}
        for row, target in zip(books["allocations"], [*targets[1:], targets[0]], strict=True)
    ]


def post_drafts(books: Books) -> None:
    """The column of the status is empty, and empty means posted."""
    books["documents"] = [{**row, "status": ""} for row in books["documents"]]


def call_open_documents_drafts(books: Books) -> None:
    settled = {row["document_id"] for row in books["allocations"]}
    named = settled | {row["document_id"] for row in books["instalments"]}
    books["documents"] = [
        row if row["document_id"] in named else {**row, "status": "draft"}
        for row in books["documents"]
    ]
    drop_what_refers_to_nothing(books)
    books["write_offs"] = books["disputes"] = books["collection_cases"] = []


def undo_all_settlements(books: Books) -> None:
    """Every allocation is reversed: a flag read the wrong way round."""
    books["allocations"] = [
        {**row, "reversed_on": books.day.isoformat()} for row in books["allocations"]
    ]


def damage_the_encoding(books: Books) -> None:
    """UTF-8 read as Windows-1252: Câblerie becomes CÃ¢blerie."""
    for stream, column in (("customers", "customer_name"), ("entities", "entity_name")):
        books[stream] = [
            {**row, column: row[column].encode().decode("cp1252")} for row in books[stream]
        ]


def lose_accents(books: Books) -> None:
    books["customers"] = [
        {**row, "customer_name": row["customer_name"].encode("ascii", "replace").decode()}
        for row in books["customers"]
    ]
    books["customers"] = [
        {**row, "customer_name": row["customer_name"].replace("?", "\ufffd")}
        for row in books["customers"]
    ]


def lose_names(books: Books) -> None:
    books["customers"] = [{**row, "customer_name": ""} for row in books["customers"]]


def flip_the_control_total(books: Books) -> None:
    books["ledger_balances"] = [
        {**row, "balance": str(-Decimal(row["balance"]))} for row in books["ledger_balances"]
    ]


def lose_control_totals(books: Books) -> None:
    books["ledger_balances"] = []


# ---------------------------------------------------------------- how rows are changed


def drop_what_refers_to_nothing(books: Books) -> None:
    documents = {row["document_id"] for row in books["documents"] if row["status"] != "draft"}
    payments = {row["payment_id"] for row in books["payments"]}
    books["allocations"] = [
        row
        for row in books["allocations"]
        if row["source_id"] in documents | payments and row["document_id"] in documents | payments
    ]
    for stream in ("instalments", "write_offs", "disputes", "collection_cases"):
        books[stream] = [row for row in books[stream] if row["document_id"] in documents]


def _renamed(rows: Iterable[Row], column: str) -> list[Row]:
    return [{**row, column: f"{row[column]}-BIS"} for row in rows]


def _is_split(books: Books, document: Row) -> bool:
    return any(row["document_id"] == document["document_id"] for row in books["instalments"])


def _scale(books: Books, scaled: Callable[[Decimal], Decimal], *, excluding: str = "") -> None:
    for stream, columns in AMOUNTS.items():
        books[stream] = [
            {
                **row,
                **{
                    column: str(scaled(Decimal(row[column])))
                    for column in columns
                    if row[column] and column != excluding
                },
            }
            for row in books[stream]
        ]


def _scale_documents(books: Books, scaled: Callable[[Decimal], Decimal]) -> None:
    books["documents"] = [
        {**row, "amount_incl_tax": str(scaled(Decimal(row["amount_incl_tax"])))}
        for row in books["documents"]
    ]


def _change_rates(books: Books, changed: Callable[[Decimal], Decimal]) -> None:
    for stream in ("documents", "payments"):
        books[stream] = [
            {**row, "exchange_rate": str(changed(Decimal(row["exchange_rate"])))}
            if row["exchange_rate"]
            else row
            for row in books[stream]
        ]


def _change_dates(books: Books, changed: Callable[[date], date]) -> None:
    for stream, columns in DATES.items():
        books[stream] = [
            {**row, **{column: _moved(row[column], changed) for column in columns}}
            for row in books[stream]
        ]


def _moved(text: str, changed: Callable[[date], date]) -> str:
    return changed(date.fromisoformat(text)).isoformat() if text else ""
