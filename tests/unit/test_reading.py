"""The three output formats of `encours sql`."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from encours.warehouse.reading import Answer, as_csv, as_json, as_table

ANSWER = Answer(
    columns=("bucket", "amount", "as_of_date"),
    rows=(
        ("not_due", Decimal("10.50"), date(2026, 6, 30)),
        ("overdue, old", Decimal("-1234.00"), None),
    ),
)


def test_a_table_aligns_amounts_to_the_right() -> None:
    lines = list(as_table(ANSWER))

    assert lines[2].startswith("not_due          10.50")
    assert lines[3].startswith("overdue, old  -1234.00")


def test_a_table_counts_its_rows() -> None:
    assert list(as_table(ANSWER))[-1] == "(2 rows)"


def test_a_table_without_rows_still_shows_its_columns() -> None:
    assert next(iter(as_table(Answer(("bucket",), ())))).strip() == "bucket"


def test_csv_quotes_what_holds_a_comma_and_leaves_null_empty() -> None:
    assert list(as_csv(ANSWER))[2] == '"overdue, old",-1234.00,'


def test_json_writes_money_as_exact_text() -> None:
    rows = json.loads("".join(as_json(ANSWER)))

    assert rows[0] == {"bucket": "not_due", "amount": "10.50", "as_of_date": "2026-06-30"}
    assert rows[1]["as_of_date"] is None
