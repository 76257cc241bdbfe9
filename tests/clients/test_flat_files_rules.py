"""What each kind of column accepts, how it is normalised, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from encours.clients.flat_file_schema import STREAMS, STREAMS_BY_NAME, Column, explain
from encours.clients.flat_files import RefusedRow, inspect_directory, read_stream
from hostile_text import hostile

GOOD: dict[str, dict[str, str]] = {
    "entities": {"entity_id": "main"},
    "customers": {"customer_id": "C1"},
    "documents": {
        "document_id": "D1",
        "document_type": "invoice",
        "customer_id": "C1",
        "issue_date": "2024-01-31",
        "currency_code": "EUR",
        "amount_incl_tax": "120",
    },
    "instalments": {
        "document_id": "D1",
        "instalment_no": "1",
        "due_date": "2024-01-31",
        "amount": "1",
    },
    "payments": {
        "payment_id": "P1",
        "customer_id": "C1",
        "payment_date": "2024-01-31",
        "currency_code": "EUR",
        "amount": "1",
    },
    "allocations": {
        "allocation_id": "A1",
        "source_type": "payment",
        "source_id": "P1",
        "document_id": "D1",
        "amount": "1",
    },
    "write_offs": {
        "write_off_id": "W1",
        "document_id": "D1",
        "write_off_date": "2024-01-31",
        "amount": "1",
    },
    "disputes": {"dispute_id": "L1", "document_id": "D1", "opened_on": "2024-01-31"},
    "promises": {
        "promise_id": "R1",
        "customer_id": "C1",
        "amount": "1",
        "promised_date": "2024-01-31",
        "recorded_on": "2024-01-31",
    },
    "collection_cases": {
        "case_id": "K1",
        "document_id": "D1",
        "stage": "litigation",
        "opened_on": "2024-01-31",
    },
    "dunning_actions": {
        "action_id": "N1",
        "customer_id": "C1",
        "document_id": "D1",
        "action_date": "2024-01-31",
    },
    "credit_decisions": {"buyer_id": "B1", "buyer_id_type": "siren", "provider": "insurer"},
    "ledger_balances": {"account": "411", "balance_date": "2024-01-31", "balance": "1"},
    "exchange_rates": {
        "currency_code": "USD",
        "base_currency": "EUR",
        "rate_date": "2024-01-31",
        "rate": "0.92",
    },
}

KEYS = {"entities": "entity_id", "documents": "document_id", "payments": "payment_id"}


def read(
    directory: Path, stream: str, changes: dict[str, str]
) -> tuple[dict[str, str] | None, RefusedRow | None]:
    """One good row of `stream` with `changes`: what became of it."""
    for name, row in {"documents": GOOD["documents"], stream: GOOD[stream] | changes}.items():
        quoted = ('"' + value.replace('"', '""') + '"' for value in row.values())
        (directory / f"{name}.csv").write_text(
            f"{','.join(row)}\n{','.join(quoted)}\n", encoding="utf-8", newline=""
        )
    file = next(file for file in inspect_directory(directory) if file.stream.name == stream)
    (batch,) = read_stream(file)
    rows = batch.table.to_pylist()
    assert len(rows) + len(batch.refused) == 1
    return (rows[0], None) if rows else (None, batch.refused[0])


def normalised(directory: Path, stream: str, column: str, value: str) -> str | None:
    row, _ = read(directory, stream, {column: value})
    return row[column] if row else None


def refusal(directory: Path, stream: str, column: str, value: str) -> RefusedRow:
    _, refused = read(directory, stream, {column: value})
    assert refused is not None
    assert refused.column == column
    assert refused.line_no == 2
    assert refused.value_excerpt == value[:40]
    assert refused.reason.startswith(column)
    assert "\n" not in refused.reason
    return refused


@pytest.mark.parametrize("stream", STREAMS_BY_NAME)
def test_a_row_with_the_mandatory_values_only_is_usable(tmp_path: Path, stream: str) -> None:
    row, _ = read(tmp_path, stream, {})

    assert set(GOOD[stream]) == set(STREAMS_BY_NAME[stream].required_columns) | (
        {"entity_id"} if stream == "entities" else set()
    )
    assert row is not None
    assert row["record_key"] == "|".join(row[name] for name in STREAMS_BY_NAME[stream].key_columns)


@pytest.mark.parametrize(
    ("stream", "column"),
    [
        (name, column)
        for name, stream in STREAMS_BY_NAME.items()
        for column in stream.required_columns
    ],
)
def test_a_mandatory_value_that_is_empty_is_refused(
    tmp_path: Path, stream: str, column: str
) -> None:
    changes = {column: ""}
    if STREAMS_BY_NAME[stream].column("entity_id"):
        changes["entity_id"] = "main"  # a row of empty values only would be a blank row

    _, refused = read(tmp_path, stream, changes)

    assert refused is not None
    assert refused.column == column
    assert "is empty: it is mandatory" in refused.reason


@pytest.mark.parametrize(
    ("stream", "column", "default"),
    [
        ("documents", "status", "posted"),
        ("documents", "entity_id", "main"),
        ("payments", "payment_type", "receipt"),
        ("entities", "base_currency", "EUR"),
        ("documents", "exchange_rate", ""),
    ],
)
def test_an_empty_value_takes_its_default(
    tmp_path: Path, stream: str, column: str, default: str
) -> None:
    with_empty_value, _ = read(tmp_path, stream, {column: "", KEYS[stream]: "X1"})
    without_column, _ = read(tmp_path, stream, {KEYS[stream]: "X1"})

    assert with_empty_value is not None
    assert without_column is not None
    assert with_empty_value[column] == without_column[column] == default


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "value", ["2024-02-29", "2024-02-29 00:00:00", "2024-02-29T00:00", "2024-02-29 00:00:00.000"]
)
def test_a_date_and_the_same_date_at_midnight_are_one(tmp_path: Path, value: str) -> None:
    assert normalised(tmp_path, "documents", "issue_date", value) == "2024-02-29"


@pytest.mark.parametrize("value", ["9999-12-31", "1900-01-01"])
def test_the_dates_that_stand_for_always_and_never_are_kept(tmp_path: Path, value: str) -> None:
    assert normalised(tmp_path, "credit_decisions", "valid_to", value) == value


@pytest.mark.parametrize(
    "value",
    [
        "2023-02-29",
        "2024-02-30",
        "2024-04-31",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "31/12/2024",
        "2024/12/31",
        "20241231",
        "2024-1-5",
        "24-01-05",
        "0024-01-05",
        "2024-01-05 12:00:00",
        "2024-01-05T00:00:00Z",
        "2024-W01-1",
        "45292",
        "demain",
        "2024-01-05x",
    ],
)
def test_an_impossible_date_or_one_that_is_not_iso_is_refused(tmp_path: Path, value: str) -> None:
    assert "YYYY-MM-DD" in refusal(tmp_path, "documents", "due_date", value).reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-31", "2024-01-31T00:00:00.000000Z"),
        ("2024-01-31 18:05", "2024-01-31T18:05:00.000000Z"),
        ("2024-01-31T18:05:09Z", "2024-01-31T18:05:09.000000Z"),
        ("2024-01-31T18:05:09.123456789+02:00", "2024-01-31T16:05:09.123456Z"),
        ("2024-01-01 00:30:00+0100", "2023-12-31T23:30:00.000000Z"),
    ],
)
def test_a_timestamp_becomes_utc_and_without_offset_is_utc(
    tmp_path: Path, value: str, expected: str
) -> None:
    assert normalised(tmp_path, "credit_decisions", "event_at", value) == expected


@pytest.mark.parametrize("value", ["2024-02-30T10:00Z", "2024-01-31T25:00Z", "18:05", "31/01/2024"])
def test_an_impossible_timestamp_is_refused(tmp_path: Path, value: str) -> None:
    assert "ISO timestamp" in refusal(tmp_path, "credit_decisions", "event_at", value).reason


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", "120"),
        ("120.00", "120"),
        ("120.50", "120.5"),
        ("100", "100"),
        ("0100.10", "100.1"),
        (".5", "0.5"),
        ("0", "0"),
        ("0.00", "0"),
        (".00", "0"),
        ("0.000001", "0.000001"),
        ("1.1234560000", "1.123456"),
        ("999999999999999.999999", "999999999999999.999999"),
    ],
)
def test_an_amount_has_one_spelling(tmp_path: Path, value: str, expected: str) -> None:
    assert normalised(tmp_path, "documents", "amount_incl_tax", value) == expected


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("1,234.56", "thousands separator"),
        ("1 234,56", "thousands separator"),
        ("1\u00a0234.56", "thousands separator"),
        ("1\u202f234", "thousands separator"),
        ("1.234.567", "thousands separator"),
        ("1'234", "thousands separator"),
        ("12,5", "decimal comma"),
        ("1234,56", "decimal comma"),
        ("-5", "negative"),
        ("-0.00", "negative"),
        ("1e3", "scientific"),
        ("1.25E+06", "scientific"),
        ("abc", "not a number"),
        ("12 €", "not a number"),
        ("(12)", "not a number"),
        ("12-", "not a number"),
        ("+12", "not a number"),
        (".", "not a number"),
        ("5.", "not a number"),
        ("0x10", "not a number"),
        ("NaN", "not a number"),
        ("inf", "not a number"),
        ("١٢", "not a number"),
        ("1000000000000000", "too large"),
        ("1.1234567", "too many decimals"),
    ],
)
def test_an_amount_that_is_not_a_plain_positive_decimal_is_refused(
    tmp_path: Path, value: str, what: str
) -> None:
    assert what in refusal(tmp_path, "documents", "amount_excl_tax", value).reason


@pytest.mark.parametrize(
    ("stream", "column"),
    [
        ("documents", "amount_incl_tax"),
        ("payments", "amount"),
        ("allocations", "amount"),
        ("instalments", "amount"),
        ("customers", "credit_limit"),
    ],
)
def test_an_amount_of_zero_is_usable(tmp_path: Path, stream: str, column: str) -> None:
    assert normalised(tmp_path, stream, column, "0.00") == "0"


@pytest.mark.parametrize("stream", ["disputes", "promises"])
def test_zero_is_refused_where_it_would_mean_something_else(tmp_path: Path, stream: str) -> None:
    assert "is zero" in refusal(tmp_path, stream, "amount", "0.0").reason


@pytest.mark.parametrize(
    ("value", "expected"), [("-12.50", "-12.5"), ("-0.00", "0"), ("007", "7"), ("-.5", "-0.5")]
)
def test_a_ledger_balance_may_be_negative(tmp_path: Path, value: str, expected: str) -> None:
    assert normalised(tmp_path, "ledger_balances", "balance", value) == expected


@pytest.mark.parametrize(("value", "expected"), [("1.0850", "1.085"), ("0.000000000001",) * 2])
def test_a_rate_keeps_twelve_decimals(tmp_path: Path, value: str, expected: str) -> None:
    assert normalised(tmp_path, "exchange_rates", "rate", value) == expected


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("0", "is zero"),
        ("0.000", "is zero"),
        ("-1.1", "negative"),
        ("1,085", "separator"),
        ("1,0850", "decimal comma"),
        ("0.0000000000001", "decimals"),
        ("1234567890", "too large"),
    ],
)
def test_a_rate_that_is_not_positive_is_refused(tmp_path: Path, value: str, what: str) -> None:
    assert what in refusal(tmp_path, "documents", "exchange_rate", value).reason


@pytest.mark.parametrize(("value", "expected"), [("1", "1"), ("012", "12"), ("3.0", "3")])
def test_an_instalment_number_is_whole(tmp_path: Path, value: str, expected: str) -> None:
    row, _ = read(tmp_path, "instalments", {"instalment_no": value})

    assert row is not None
    assert row["instalment_no"] == expected
    assert row["record_key"] == f"main|D1|{expected}"


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "one", "1e0", "12345678901"])
def test_an_instalment_number_below_one_or_not_whole_is_refused(tmp_path: Path, value: str) -> None:
    assert "whole number" in refusal(tmp_path, "instalments", "instalment_no", value).reason


# ---------------------------------------------------------------- codes and text


@pytest.mark.parametrize(
    ("stream", "column", "value"),
    [
        ("documents", "document_type", "quote"),
        ("documents", "status", "paid"),
        ("payments", "payment_type", "cash"),
        ("allocations", "source_type", "refund"),
        ("collection_cases", "stage", "contentieux"),
    ],
)
def test_a_value_outside_the_list_is_refused_with_the_list(
    tmp_path: Path, stream: str, column: str, value: str
) -> None:
    reason = refusal(tmp_path, stream, column, value).reason

    allowed = STREAMS_BY_NAME[stream].column(column)
    assert allowed is not None
    assert ", ".join(allowed.allowed) in reason


def test_a_listed_value_in_capitals_is_refused_with_its_spelling(tmp_path: Path) -> None:
    reason = refusal(tmp_path, "documents", "document_type", "Invoice").reason

    assert "write invoice" in reason


@pytest.mark.parametrize("value", ["eur", "EURO", "€", "E1R", "EU", "ÉUR"])
def test_a_currency_that_is_not_three_capital_letters_is_refused(
    tmp_path: Path, value: str
) -> None:
    assert "such as EUR" in refusal(tmp_path, "documents", "currency_code", value).reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, "true") for value in ("true", "1", "yes", "oui", "OUI", "True")),
        *((value, "false") for value in ("false", "0", "no", "non", "Non")),
        ("", ""),
    ],
)
def test_a_boolean_has_one_spelling(tmp_path: Path, value: str, expected: str) -> None:
    assert normalised(tmp_path, "dunning_actions", "is_automatic", value) == expected


@pytest.mark.parametrize("value", ["vrai", "2", "y", "-1"])
def test_another_word_is_no_boolean(tmp_path: Path, value: str) -> None:
    assert "yes or no" in refusal(tmp_path, "dunning_actions", "is_automatic", value).reason


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\u0092"])
@pytest.mark.parametrize("column", ["customer_name", "customer_id", "My column"])
def test_control_characters_are_refused(tmp_path: Path, character: str, column: str) -> None:
    reason = refusal(tmp_path, "customers", column, f"a{character}b").reason

    assert "control character" in reason


@pytest.mark.parametrize("character", ["\n", "\t", "\r\n"])
def test_a_note_may_run_over_lines_and_an_identifier_may_not(
    tmp_path: Path, character: str
) -> None:
    value = f"a{character}b"

    assert normalised(tmp_path, "customers", "customer_name", value) == value
    assert "one line" in refusal(tmp_path, "customers", "customer_id", value).reason


def test_an_identifier_of_two_hundred_characters_is_the_longest(tmp_path: Path) -> None:
    assert normalised(tmp_path, "customers", "customer_id", "é" * 200) == "é" * 200
    assert "200 characters" in refusal(tmp_path, "customers", "customer_id", "é" * 201).reason


def test_other_text_may_be_long(tmp_path: Path) -> None:
    assert normalised(tmp_path, "customers", "customer_name", "a" * 5000) == "a" * 5000


@pytest.mark.parametrize(
    ("number", "stream", "column"),
    [
        (number, stream.name, column)
        for stream in STREAMS
        for number, column in enumerate(stream.columns)
    ],
    ids=lambda part: part.name if isinstance(part, Column) else str(part),
)
def test_a_hostile_text_is_kept_as_it_is_or_refused_with_the_name_of_its_column(
    tmp_path: Path, number: int, stream: str, column: Column
) -> None:
    written = hostile(number)

    row, refused = read(tmp_path, stream, {column.name: written})

    if column.kind == "text" and not column.allowed:
        assert refused is None
        assert row is not None
        assert row[column.name] == written
    else:
        assert row is None
        assert refused is not None
        assert refused.column == column.name
        assert column.name in refused.reason


def test_a_refused_row_tells_its_key(tmp_path: Path) -> None:
    assert refusal(tmp_path, "documents", "due_date", "soon").record_key == "main|D1"


def test_every_kind_of_column_explains_its_refusal() -> None:
    for stream in STREAMS_BY_NAME.values():
        for column in stream.columns:
            assert explain(column, "?" * 300).startswith(f"{column.name} ")


def test_an_unlisted_reason_never_escapes_as_an_error() -> None:
    assert explain(Column("note"), "plain").startswith("note ")
