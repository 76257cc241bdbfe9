"""What cannot be checked is never called passed or failed, and never stops the other checks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from candidate import SCHEMAS, execute

from encours.errors import RetryableError
from encours.quality.checkpoint import CheckResult, run_suites
from encours.quality.suites import Expectation, Suite, load_suites
from encours.settings import project_root

pytestmark = pytest.mark.slow

Audit = Callable[..., dict[str, CheckResult]]

COUNT = Expectation(
    name="rows_are_present",
    type="expect_table_row_count_to_be_between",
    severity="critical",
    why="Because.",
    kwargs={"min_value": 1},
)


def rows(name: str, query: str, *sample_key: str, observe: str = "") -> Expectation:
    return Expectation(
        name=name,
        type="unexpected_rows",
        severity="critical",
        why="Because.",
        kwargs={},
        query=query,
        observe=observe,
        sample_key=sample_key,
    )


def suite_of(*expectations: Expectation, table: str = "dim_customer") -> Suite:
    return Suite(folder="marts", table=table, owner="nobody", expectations=expectations)


def real_suite(table: str) -> Suite:
    suites = load_suites(project_root() / "expectations")
    return next(suite for suite in suites if suite.table == table)


def test_a_missing_table_is_not_checked_and_the_next_table_is(candidate: str, audit: Audit) -> None:
    execute(candidate, "drop table marts_candidate.mart_tie_out")

    results = audit(real_suite("mart_tie_out"), suite_of(COUNT))

    missing = results["receivables_agree_with_the_ledger"]
    assert missing.state == "not_checked"
    assert missing.details == "table marts_candidate.mart_tie_out does not exist"
    assert results["rows_are_present"].state == "passed"


def test_a_folder_without_a_schema_is_not_checked(audit: Audit) -> None:
    stranger = Suite("raw_fec", "ledger_files", "nobody", (COUNT,))

    results = audit(stranger)

    assert results["rows_are_present"].state == "not_checked"
    assert results["rows_are_present"].table_name == "raw_fec.ledger_files"


def test_a_missing_column_is_not_checked_where_it_is_used_and_only_there(
    candidate: str, audit: Audit
) -> None:
    execute(candidate, "alter table marts_candidate.dim_customer drop column country_code")

    results = audit(real_suite("dim_customer"))

    states = {name: result.state for name, result in results.items()}
    assert states.pop("country_codes_are_two_letters") == "not_checked"
    assert set(states.values()) == {"passed"}
    assert 'column "country_code"' in results["country_codes_are_two_letters"].details


def test_a_missing_column_in_a_query_is_not_checked(candidate: str, audit: Audit) -> None:
    execute(candidate, "alter table marts_candidate.mart_tie_out drop column is_tied")

    result = audit(real_suite("mart_tie_out"))["receivables_agree_with_the_ledger"]

    assert result.state == "not_checked"
    assert result.details == 'column "is_tied" does not exist (UndefinedColumn)'


def test_a_missing_column_leaves_the_red_check_beside_it_red(candidate: str, audit: Audit) -> None:
    execute(
        candidate,
        """
        alter table marts_candidate.dim_customer drop column country_code;
        update marts_candidate.dim_customer set siren = 'x' where customer_id = 'c1'
        """,
    )

    results = audit(real_suite("dim_customer"))

    assert results["country_codes_are_two_letters"].state == "not_checked"
    assert results["sirens_have_nine_digits"].state == "failed"
    assert results["sirens_have_nine_digits"].sample_keys == ("c1",)


def test_broken_sql_is_not_checked_and_the_rest_of_the_suite_is(audit: Audit) -> None:
    broken = rows("broken", "select from where {table}")

    results = audit(suite_of(broken, COUNT))

    assert results["broken"].state == "not_checked"
    assert results["broken"].details.endswith("(SyntaxError)")
    assert results["rows_are_present"].state == "passed"


def test_an_unknown_expectation_type_is_not_checked(audit: Audit) -> None:
    unknown = Expectation("unknown", "expect_miracles", "info", "Because.", {})

    results = audit(suite_of(unknown, COUNT))

    assert results["unknown"].state == "not_checked"
    assert results["rows_are_present"].state == "passed"


def test_an_unknown_argument_of_an_expectation_is_not_checked(audit: Audit) -> None:
    misspelt = Expectation(
        "misspelt", "expect_table_row_count_to_be_between", "info", "Because.", {"minimum": 1}
    )

    results = audit(suite_of(misspelt, COUNT))

    assert results["misspelt"].state == "not_checked"
    assert results["rows_are_present"].state == "passed"


def test_a_check_that_takes_too_long_is_not_checked_and_the_rest_is(audit: Audit) -> None:
    slow = rows("slow", "select pg_sleep(30) from {table}")

    results = audit(suite_of(slow, COUNT), timeout_seconds=1)

    assert results["slow"].state == "not_checked"
    assert results["slow"].details.startswith("timeout")
    assert results["rows_are_present"].state == "passed"


def test_a_sample_key_that_the_query_does_not_select_is_not_checked_even_without_rows(
    audit: Audit,
) -> None:
    keyless = rows("keyless", "select customer_id from {table} where false", "entity_id")

    result = audit(suite_of(keyless))["keyless"]

    assert result.state == "not_checked"
    assert result.details == "sample_key entity_id is not a column of the query"


def test_an_audit_cannot_write(candidate: str, audit: Audit) -> None:
    writing = rows(
        "writing", "select customer_id from {table} where nextval('marts_candidate.n') > 0"
    )
    execute(candidate, "create sequence marts_candidate.n")

    result = audit(suite_of(writing))["writing"]

    assert result.state == "not_checked"
    assert "ReadOnlySqlTransaction" in result.details


def test_a_server_that_does_not_answer_is_worth_another_try() -> None:
    with pytest.raises(RetryableError):
        run_suites(
            [suite_of(COUNT)],
            database_url="postgresql://nobody:nothing@127.0.0.1:1/none",
            schemas=SCHEMAS,
            published_schema_exists=False,
            timeout_seconds=1,
        )


def test_a_percent_sign_and_a_colon_in_a_query_are_plain_text(audit: Audit) -> None:
    query = (
        "select customer_id from {table} where customer_id like 'c%' and ':c1' = ':' || customer_id"
    )

    result = audit(suite_of(rows("plain", query, "customer_id")))["plain"]

    assert result.sample_keys == ("c1",)


def test_at_most_twenty_sample_keys_are_kept_and_all_rows_are_counted(audit: Audit) -> None:
    query = "select n from {table} cross join generate_series(1, 25) as n where customer_id = 'c1'"

    result = audit(suite_of(rows("many", query, "n")))["many"]

    assert result.observed_value == "25 rows"
    assert len(result.sample_keys) == 20


def test_at_most_twenty_sample_keys_of_a_library_expectation_are_kept(
    candidate: str, audit: Audit
) -> None:
    execute(
        candidate,
        """
        insert into marts_candidate.dim_customer
        select 'fr01', 'x' || n, 'France', null from generate_series(1, 25) as n
        """,
    )

    result = audit(real_suite("dim_customer"))["country_codes_are_two_letters"]

    assert result.observed_value == "25 of 29 rows"
    assert len(result.sample_keys) == 20


def test_the_observed_figure_of_a_check_is_kept_when_it_passes(audit: Audit) -> None:
    trend = rows("trend", "select 1 from {table} where false", observe="select 0.25 from {table}")

    result = audit(suite_of(trend))["trend"]

    assert (result.state, result.observed_value) == ("passed", "0.25")


def test_results_quote_sample_keys_and_no_other_value(candidate: str, audit: Audit) -> None:
    execute(
        candidate,
        """
        update marts_candidate.dim_customer set country_code = 'Secret Ltd'
        where customer_id = 'c1'
        """,
    )
    cast = rows("cast", "select customer_id from {table} where cast(country_code as integer) > 0")

    results = audit(suite_of(cast, *real_suite("dim_customer").expectations))

    assert results["cast"].state == "not_checked"
    assert results["country_codes_are_two_letters"].sample_keys == ("c1",)
    assert "Secret" not in repr(results)


def test_the_library_prints_and_logs_nothing(
    candidate: str,
    audit: Audit,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    execute(candidate, "alter table marts_candidate.dim_customer drop column country_code")

    with caplog.at_level(logging.DEBUG):
        audit(real_suite("dim_customer"))

    assert [record for record in caplog.records if "great_expectations" in record.name] == []
    assert capfd.readouterr() == ("", "")


def test_a_run_leaves_no_file_and_no_connection_behind(
    candidate: str, audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    audit(real_suite("dim_customer"))

    assert list(tmp_path.rglob("*")) == []
    assert _no_other_session(candidate, within_seconds=10)


def _no_other_session(url: str, *, within_seconds: float) -> bool:
    """A closed connection's server process takes a moment to disappear."""
    query = """
        select pg_sleep(0.05), count(*)
        from pg_stat_activity
        where
            datname = current_database()
            and pid <> pg_backend_pid()
            and backend_type = 'client backend'
    """
    deadline = time.monotonic() + within_seconds
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(query).fetchone()
            if row is not None and row[1] == 0:
                return True
    return False


def test_the_observed_column_of_the_offending_rows_is_shown(audit: Audit) -> None:
    query = "select 'c1' as customer_id, 7 as observed from {table} limit 1"

    result = audit(suite_of(rows("seven", query, "customer_id")))["seven"]

    assert (result.observed_value, result.details) == ("7", "7: c1")
