"""Macros are expressions: each is compiled once over a VALUES table and asked for its answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from built_warehouse import Target
from dbt_project_files import run_dbt

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dbt")]

MARK = "-- macros"
EXPRESSIONS = {
    "key": "surrogate_key(['a', 'b'])",
    "key_of_one": "surrogate_key(['a'])",
    "month_start": "month_start('day')",
    "month_end": "month_end('day')",
    "added_months": "add_months('day', 'n')",
    "each_month": "each_month('day', 'later')",
    "added_days": "add_days('day', 'n')",
    "days_between": "days_between('later', 'day')",
    "day_in_zone": "day_in_zone('moment', 'zone')",
    "company_amount": "company_amount('amount', 'rate', 'n')",
    "json_text": "json_text('document', 'name')",
    "intacct_text": "intacct_text('document', 'NAME')",
    "intacct_number": "intacct_number('document', 'NAME')",
    "intacct_day": "intacct_day('document', 'NAME')",
    "row_digest": "row_digest(['name', 'amount', 'day'])",
    "as_of_date": "as_of_date()",
}


@pytest.fixture(scope="session")
def expressions(target: Target) -> dict[str, str]:
    """The SQL of every macro call, compiled in one run of dbt."""
    calls = "".join(f"{MARK} {name}\n{{{{ {call} }}}}\n" for name, call in EXPRESSIONS.items())
    compiling = run_dbt(
        ["compile", "--inline", calls + MARK + " end"],
        target.folder,
        variables=target.variables,
        environment=target.environment,
    )
    assert compiling.returncode == 0, compiling.stdout
    return dict(re.findall(rf"{MARK} (\w+)\n(.*?)\n(?={MARK})", compiling.stdout, flags=re.DOTALL))


@pytest.fixture
def answers(target: Target, expressions: dict[str, str]) -> Callable[..., list[Any]]:
    """The answers of a macro for each row of a VALUES table."""

    def ask(name: str, columns: str, *rows: str) -> list[Any]:
        values = ", ".join(f"({number}, {row})" for number, row in enumerate(rows))
        query = (
            f"select {expressions[name]} from (values {values}) as t (place, {columns})"
            " order by place"
        )
        with psycopg.connect(target.url) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]  # type: ignore[arg-type]

    return ask


Answers = Callable[..., list[Any]]


def test_surrogate_key_keeps_parts_apart(answers: Answers) -> None:
    keys = answers(
        "key",
        "a, b",
        "'a', 'b'",
        "'a:b', 'c'",
        "'a', 'b:c'",
        r"'a\', ':b'",
        r"'a\:', 'b'",
        r"'a', '\:b'",
        "'', 'a'",
        "'a', ''",
    )

    assert keys[:3] == ["a:b", r"a\:b:c", r"a:b\:c"]
    assert len(set(keys)) == len(keys)


def test_surrogate_key_takes_dates_and_numbers(answers: Answers) -> None:
    assert answers("key", "a, b", "date '2024-02-29', 7") == ["2024-02-29:7"]
    assert answers("key_of_one", "a, b", "7, 8") == ["7"]


def test_month_start_and_end_know_leap_years_and_december(answers: Answers) -> None:
    days = ("date '2024-02-17'", "date '2023-02-28'", "date '2023-12-31'", "date '2024-01-01'")

    assert answers("month_start", "day", *days) == [
        date(2024, 2, 1),
        date(2023, 2, 1),
        date(2023, 12, 1),
        date(2024, 1, 1),
    ]
    assert answers("month_end", "day", *days) == [
        date(2024, 2, 29),
        date(2023, 2, 28),
        date(2023, 12, 31),
        date(2024, 1, 31),
    ]


def test_months_are_calendar_months_and_stop_at_the_last_day(answers: Answers) -> None:
    added = answers(
        "added_months",
        "day, n",
        "date '2023-05-31', -3",
        "date '2024-05-31', -3",
        "date '2024-02-29', 12",
        "date '2024-01-15', 0",
        "date '2024-11-30', 3",
    )

    assert added == [
        date(2023, 2, 28),
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2024, 1, 15),
        date(2025, 2, 28),
    ]


def test_months_between_two_are_laid_out_however_far_apart(answers: Answers) -> None:
    months = answers("each_month", "day, later", "date '2023-12-01', date '2024-02-01'")

    assert months == [date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1)]
    assert answers("each_month", "day, later", "date '2024-02-01', date '2024-01-01'") == []
    of_two_centuries = answers("each_month", "day, later", "date '1900-01-01', date '2100-12-01'")
    assert len(of_two_centuries) == 201 * 12


def test_days_are_added_and_counted_across_a_leap_day(answers: Answers) -> None:
    assert answers("added_days", "day, n", "date '2024-02-28', 2", "date '2024-03-01', -1") == [
        date(2024, 3, 1),
        date(2024, 2, 29),
    ]
    assert answers("days_between", "later, day", "date '2024-03-01', date '2024-02-28'") == [2]


def test_day_of_a_moment_is_that_of_its_time_zone(answers: Answers) -> None:
    days = answers(
        "day_in_zone",
        "moment, zone",
        "timestamptz '2025-04-30 21:59:59+00', 'Europe/Paris'",
        "timestamptz '2025-04-30 22:00:00+00', 'Europe/Paris'",
        "timestamptz '2025-04-30 03:59:59+00', 'America/New_York'",
        "timestamptz '2025-04-30 22:00:00+00', 'UTC'",
    )

    assert days == [date(2025, 4, 30), date(2025, 5, 1), date(2025, 4, 29), date(2025, 4, 30)]


def test_company_amount_is_rounded_half_away_from_zero(answers: Answers) -> None:
    amounts = answers(
        "company_amount",
        "amount, rate, n",
        "10.05, 1.1, 2",
        "0.005, 1, 2",
        "-0.005, 1, 2",
        "0.5, 1, 0",
        "-2.5, 1, 0",
        "1.2345, 1, 3",
    )

    assert amounts == [Decimal(text) for text in ("11.06", "0.01", "-0.01", "1", "-3", "1.235")]


def test_absent_json_field_is_null(answers: Answers) -> None:
    fields = answers(
        "json_text", "document", """jsonb '{"name": "x"}'""", "jsonb '{}'", "jsonb '{\"name\": 5}'"
    )

    assert fields == ["x", None, "5"]


def test_fields_of_intacct_are_read_from_text(answers: Answers) -> None:
    def told(name: str, *texts: str) -> list[Any]:
        return answers(
            name, "document", *(f"""jsonb '{{"NAME": "{text}"}}'""" for text in texts), "jsonb '{}'"
        )

    assert told("intacct_text", "x", "") == ["x", None, None]
    assert told("intacct_number", "4598.4", "-7", "") == [Decimal("4598.4"), -7, None, None]
    assert told("intacct_day", "02/09/2026", "12/31/2025 10:00:00", "") == [
        date(2026, 2, 9),
        date(2025, 12, 31),
        None,
        None,
    ]


def test_digest_of_a_row_differs_where_a_value_does(answers: Answers) -> None:
    numbers = answers(
        "row_digest",
        "name, amount, day",
        "'a', 1.0, date '2024-02-29'",
        "'a', 1.00, date '2024-02-29'",
        "'b', 1.0, date '2024-02-29'",
        "'a', 1.1, date '2024-02-29'",
        "'a', 1.0, date '2024-03-01'",
        "'a', 1.0, null",
        "null, 1.0, date '2024-02-29'",
        "null, null, null",
    )

    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 7


def test_as_of_date_is_the_variable(answers: Answers, target: Target) -> None:
    expected = date.fromisoformat(target.variables["as_of_date"])

    assert answers("as_of_date", "unused", "1") == [expected]
