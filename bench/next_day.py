"""The books of one day later: new invoices, receipts, and corrections of the last two months."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

SEED = 11
TERM = timedelta(days=30)
RECENT = timedelta(days=60)
Row = dict[str, str]


def write_next_day(books: Path, folder: Path, day: date, share: float) -> None:
    """The books with `share` of the documents new or changed on `day`.

    Of ten changed documents four are new, four are paid, one is disputed and one gets another due
    date; those that change were issued in the two months before. There is no control total of the
    day: it would be that of the books before.
    """
    shutil.copytree(books, folder)
    since = (day - RECENT).isoformat()
    # Documents of which nothing is known but that they were issued.
    touched = {
        row["document_id"]
        for name in ("allocations", "write_offs", "disputes", "instalments")
        for row in _rows(books / f"{name}.csv")
    }
    documents = [
        row
        for row in _rows(books / "documents.csv")
        if row["document_type"] == "invoice"
        and row["status"] == "posted"
        and row["currency_code"] == "EUR"
        and row["issue_date"] < day.isoformat()
    ]
    recent = [
        row for row in documents if row["issue_date"] >= since and row["document_id"] not in touched
    ]
    draw = random.Random(SEED)
    tenth = max(1, round(len(documents) * share / 10))
    changed = draw.sample(recent, 6 * tenth)
    paid, disputed = changed[: 4 * tenth], changed[4 * tenth : 5 * tenth]
    moved = {row["document_id"] for row in changed[5 * tenth :]}
    new = [_new(row, number, day) for number, row in enumerate(draw.sample(documents, 4 * tenth))]
    _rewrite(
        folder / "documents.csv",
        lambda row: (
            {**row, "due_date": _later(row["due_date"])} if row["document_id"] in moved else row
        ),
        new,
    )
    _append(folder / "payments.csv", (_payment(row, day) for row in paid))
    _append(folder / "allocations.csv", (_allocation(row) for row in paid))
    _append(folder / "disputes.csv", (_dispute(row, day) for row in disputed))
    _rewrite(
        folder / "ledger_balances.csv",
        lambda row: row if row["balance_date"] != day.isoformat() else None,
        [],
    )


def _new(row: Row, number: int, day: date) -> Row:
    return {
        **row,
        "document_id": f"N{number:09d}",
        "document_number": f"N-{number:07d}",
        "issue_date": day.isoformat(),
        "due_date": (day + TERM).isoformat(),
    }


def _payment(row: Row, day: date) -> Row:
    return {
        **row,
        "payment_id": f"N-{row['document_id']}",
        "payment_type": "receipt",
        "payment_date": day.isoformat(),
        "amount": row["amount_incl_tax"],
        "method": "transfer",
        "reference": row["document_number"],
    }


def _allocation(row: Row) -> Row:
    return {
        **row,
        "allocation_id": f"N-{row['document_id']}",
        "source_type": "payment",
        "source_id": f"N-{row['document_id']}",
        "amount": row["amount_incl_tax"],
    }


def _dispute(row: Row, day: date) -> Row:
    return {
        **row,
        "dispute_id": f"N-{row['document_id']}",
        "opened_on": day.isoformat(),
        "reason": "quality",
    }


def _later(due_date: str) -> str:
    return (date.fromisoformat(due_date) + TERM).isoformat() if due_date else due_date


def _rows(path: Path) -> Iterator[Row]:
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _rewrite(path: Path, change: Callable[[Row], Row | None], added: list[Row]) -> None:
    rows = [changed for row in _rows(path) if (changed := change(row))]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, *added])


def _append(path: Path, added: Iterator[Row]) -> None:
    with open(path, encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writerows(added)
