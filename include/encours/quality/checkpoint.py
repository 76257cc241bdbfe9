"""Runs suites with Great Expectations and says of every check: passed, failed or not checked.

Not checked is a state of its own. The library reports a missing column as an ordinary red
result; here a check is passed or failed only when its question was really put to the data.
Everything else (missing table or column, broken SQL, timeout, lost connection) is `not_checked`,
and the other checks still run.

Connections are read-only: an audit cannot change what it audits. Details and samples hold keys
and figures; values of other columns never leave the database.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from encours.errors import FatalError, RetryableError
from encours.quality.results import (
    MAX_SAMPLE_KEYS,
    TIMEOUT,
    CheckResult,
    State,
    counted,
    detailed,
    key_of,
)
from encours.quality.suites import UNEXPECTED_ROWS, Expectation, Suite, render_query

PUBLISHED_SCHEMA = "marts"
FIRST_PUBLICATION = "first publication"
CONNECT_TIMEOUT_SECONDS = 10

# The URL that the library sees. The real address and the password travel as driver arguments:
# the library prints URLs in its messages and reads $ in them as a variable.
_URL_WITHOUT_SECRETS = "postgresql+psycopg://encours@localhost/encours"
# Messages of these errors speak of tables, columns and syntax. All others may quote a value of
# the data, so only the name of the error is kept.
_HARMLESS_ERRORS = frozenset(
    {
        "AmbiguousColumn",
        "DatatypeMismatch",
        "GroupingError",
        "InsufficientPrivilege",
        "InvalidSchemaName",
        "SyntaxError",
        "UndefinedColumn",
        "UndefinedFunction",
        "UndefinedObject",
        "UndefinedTable",
    }
)
_DRIVER_ERROR = re.compile(r"\(psycopg\.(?:errors\.)?(\w+)\) ([^\n]*)")
_MISSING_SAMPLE_KEY = re.compile(r"sample_key [a-z0-9_, ]+ is not a column of the query")
_MISSING_COLUMN = re.compile(r'column "[^"\n]{1,63}" in BatchData does not exist')


@dataclass(frozen=True)
class _Target:
    """A table under test and the two schemas that its queries may read."""

    schema: str
    table: str

    def fill(self, template: str) -> str:
        schema = _quoted(self.schema)
        return render_query(
            template,
            table=f"{schema}.{_quoted(self.table)}",
            schema=schema,
            published=_quoted(PUBLISHED_SCHEMA),
        )


def run_suites(
    suites: Sequence[Suite],
    *,
    database_url: str,
    schemas: Mapping[str, str],
    published_schema_exists: bool,
    timeout_seconds: int,
) -> tuple[CheckResult, ...]:
    """One result per expectation, in the order of the suites.

    `schemas` says which schema stands for a folder of expectations. `timeout_seconds` bounds
    every single statement, so that one slow check does not take the time of the others.
    """
    present = _tables_in(database_url, schemas.values())
    results: list[CheckResult] = []
    with ExitStack() as stack:
        sources: dict[str, Any] = {}
        for suite in suites:
            skipped, due = _set_aside(suite, published_schema_exists=published_schema_exists)
            reason = _unreachable(suite, schemas, present)
            if reason:
                found = {one.name: _not_checked(suite, one, reason) for one in due}
            elif not due:
                found = {}
            else:
                schema = schemas[suite.folder]
                if schema not in sources:
                    sources[schema] = stack.enter_context(
                        _data_source(database_url, schema, timeout_seconds)
                    )
                found = _run_suite(sources[schema], suite, due, _Target(schema, suite.table))
            found |= skipped
            results.extend(found[one.name] for one in suite.expectations)
    return tuple(results)


def _set_aside(
    suite: Suite, *, published_schema_exists: bool
) -> tuple[dict[str, CheckResult], list[Expectation]]:
    """Comparisons with a publication that does not exist have passed; the rest is due."""
    if published_schema_exists:
        return {}, list(suite.expectations)
    skipped = {
        one.name: replace(_result(suite, one, "passed"), details=FIRST_PUBLICATION)
        for one in suite.expectations
        if one.needs_publication
    }
    return skipped, [one for one in suite.expectations if not one.needs_publication]


def _unreachable(
    suite: Suite, schemas: Mapping[str, str], present: frozenset[tuple[str, str]]
) -> str:
    schema = schemas.get(suite.folder)
    if schema is None:
        return f"no schema was named for the suites of folder {suite.folder}"
    if (schema, suite.table) not in present:
        return f"table {schema}.{suite.table} does not exist"
    return ""


def _run_suite(
    source: Any, suite: Suite, due: Sequence[Expectation], target: _Target
) -> dict[str, CheckResult]:
    """All checks of a table in one validation; whatever broke or failed is asked again alone.

    Metrics of one table share a statement, so one broken check takes others with it: asked alone,
    only the culprit stays unanswered. Failures are asked again for the keys of their rows.
    """
    try:
        asset = source.add_table_asset(f"{target.schema}.{target.table}", table_name=target.table)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must end as not checked
        reason = _explain(type(error).__name__, str(error))
        return {one.name: _not_checked(suite, one, reason) for one in due}
    found = _validate(batch, suite, due, target)
    for one in due:
        first = found.get(one.name)
        if one.type == UNEXPECTED_ROWS and first is not None:
            continue
        if first is None or (first.state == "not_checked" and first.details != TIMEOUT):
            alone = _validate(batch, suite, [one], target)
            found[one.name] = alone.get(one.name) or first or _not_checked(suite, one, "no answer")
        elif first.state == "failed" and one.sample_key:
            alone = _validate(batch, suite, [one], target, index_columns=one.sample_key)
            again = alone.get(one.name)
            found[one.name] = again if again and again.state == "failed" else first
    return found


def _validate(
    batch: Any,
    suite: Suite,
    due: Sequence[Expectation],
    target: _Target,
    *,
    index_columns: tuple[str, ...] = (),
) -> dict[str, CheckResult]:
    """Results by check name; a check is absent when the validation as a whole broke."""
    import great_expectations as gx

    found: dict[str, CheckResult] = {}
    built: list[Any] = []
    for one in due:
        try:
            built.append(_library_expectation(one, target))
        except Exception as error:  # noqa: BLE001 - an unknown type or argument: not checked
            found[one.name] = _not_checked(suite, one, _explain(type(error).__name__, str(error)))
    result_format: dict[str, Any] = {
        "result_format": "SUMMARY" if index_columns else "BASIC",
        "partial_unexpected_count": MAX_SAMPLE_KEYS,
    }
    if index_columns:
        result_format["unexpected_index_column_names"] = list(index_columns)
    by_name = {one.name: one for one in due}
    try:
        library_suite = gx.ExpectationSuite(name=suite.table_name, expectations=built)
        answers = batch.validate(library_suite, result_format=result_format).results
    except Exception as error:  # noqa: BLE001 - whatever it is, it must end as not checked
        if len(due) == 1 and not found:
            reason = _explain(type(error).__name__, str(error))
            return {due[0].name: _not_checked(suite, due[0], reason)}
        return found
    for answer in answers:
        one = by_name[answer.expectation_config.meta["check"]]
        found[one.name] = _read_answer(suite, one, answer)
    return found


def _read_answer(suite: Suite, one: Expectation, answer: Any) -> CheckResult:
    """A verdict only where the question was put: no exception, and figures came back."""
    reason = _exception_in(answer.exception_info or {})
    if reason:
        return _not_checked(suite, one, reason)
    figures = dict(answer.result or {})
    if answer.success not in (True, False) or not figures:
        return _not_checked(suite, one, "the check gave no figures")
    observed = _observed(figures)
    seen = replace(
        _result(suite, one, "passed" if answer.success else "failed"),
        observed_value=observed,
        details=observed,
        **_judged(one, figures),
    )
    if answer.success:
        return seen
    samples = tuple(_sample_keys(one, figures))
    return replace(seen, details=detailed(observed, samples), sample_keys=samples)


def _observed(figures: Mapping[str, Any]) -> str:
    if "observed_value" in figures:
        return str(figures["observed_value"])
    unexpected, total = figures.get("unexpected_count"), figures.get("element_count")
    return f"{unexpected} of {total} rows"


def _judged(one: Expectation, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a result that hold what was judged, and by what."""
    if "judged" in figures:
        return dict(figures["judged"])
    if "observed_value" not in figures:
        return {"row_count": figures.get("unexpected_count")}
    return {
        "figure": _plain(figures["observed_value"]),
        "at_least": _plain(one.kwargs.get("min_value")),
        "at_most": _plain(one.kwargs.get("max_value")),
    }


def _sample_keys(one: Expectation, figures: Mapping[str, Any]) -> Iterator[str]:
    rows = figures.get("sample_rows") or figures.get("partial_unexpected_index_list") or []
    if one.sample_key:
        for row in rows[:MAX_SAMPLE_KEYS]:
            yield key_of(row[key] for key in one.sample_key)


def _exception_in(info: Mapping[str, Any]) -> str:
    """The reason inside the library's two shapes: one exception, or one per broken metric."""
    if "raised_exception" in info or "exception_message" in info:
        candidates: Iterable[Any] = [info]
    else:
        candidates = info.values()
    for candidate in candidates:
        message = candidate.get("exception_message")
        if candidate.get("raised_exception") or message:
            return _explain("", str(message or ""))
    return ""


def _explain(error_name: str, message: str) -> str:
    """One line for a person that quotes no value of the data."""
    missing = _MISSING_COLUMN.search(message)
    if missing:
        return missing.group(0).replace(" in BatchData", "")
    if _MISSING_SAMPLE_KEY.fullmatch(message):
        return message
    driver = _DRIVER_ERROR.search(message)
    if driver is None:
        return f"the check could not run ({error_name or 'error in the check itself'})"
    name, text = driver.groups()
    if name == "QueryCanceled":
        return TIMEOUT
    return f"{text} ({name})" if name in _HARMLESS_ERRORS else f"the database refused ({name})"


def _result(suite: Suite, one: Expectation, state: State) -> CheckResult:
    return CheckResult(
        table_name=suite.table_name,
        check_name=one.name,
        severity=one.severity,
        state=state,
        observed_value=None,
        details="",
        sample_keys=(),
        why=one.why,
        sample_columns=one.sample_key,
        unit=one.unit,
    )


def _not_checked(suite: Suite, one: Expectation, reason: str) -> CheckResult:
    return replace(_result(suite, one, "not_checked"), details=reason)


def _library_expectation(one: Expectation, target: _Target) -> Any:
    from great_expectations.expectations.expectation_configuration import (
        ExpectationConfiguration,
    )

    meta = {"check": one.name}
    if one.type != UNEXPECTED_ROWS:
        configuration = ExpectationConfiguration(
            type=one.type, kwargs=dict(one.kwargs), meta=dict(meta)
        )
        return configuration.to_domain_obj()
    return _unexpected_rows_class()(
        query=target.fill(one.query),
        observe=target.fill(one.observe) if one.observe else "",
        sample_key=list(one.sample_key),
        meta=meta,
    )


@functools.cache
def _unexpected_rows_class() -> Any:
    """Our expectation: count and sample of the offending rows in a single statement.

    The library's own UnexpectedRowsExpectation runs the query twice and keeps whole rows.
    """
    from great_expectations.expectations.expectation import BatchExpectation

    class EncoursUnexpectedRows(BatchExpectation):  # type: ignore[misc]
        query: str
        observe: str = ""
        sample_key: list[str] = []  # noqa: RUF012 - a field of a pydantic model

        success_keys = ("query", "observe", "sample_key")

        def _validate(
            self, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None
        ) -> dict[str, Any]:
            return _offending_rows(
                execution_engine, self.query, observe=self.observe, sample_key=self.sample_key
            )

    return EncoursUnexpectedRows


def _offending_rows(
    engine: Any, query: str, *, observe: str, sample_key: Sequence[str]
) -> dict[str, Any]:
    """The answer of one `unexpected_rows` check, in the library's shape.

    The query goes to the driver as it stands: % and : have no second meaning in it.
    """
    statement = (
        f"select count(*) over () as offending_rows, offending.*\nfrom (\n{query}\n) as offending"
        f"\nlimit {MAX_SAMPLE_KEYS}"
    )
    with engine.get_connection() as pooled:
        connection = pooled.execution_options(no_parameters=True)
        cursor = connection.exec_driver_sql(statement)
        columns = list(cursor.keys())
        missing = [key for key in sample_key if key not in columns]
        if missing:
            raise FatalError(f"sample_key {', '.join(missing)} is not a column of the query")
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        count = rows[0]["offending_rows"] if rows else 0
        trend = _trend(connection, observe) if observe else {}
    if rows and rows[0].get("observed") is not None:
        observed = f"{rows[0]['observed']}" + (f" and {count - 1} more" if count > 1 else "")
    elif trend.get("observed") is not None:
        observed = str(trend["observed"])
    else:
        observed = counted(count)
    kept = [{key: row[key] for key in sample_key} for row in rows]
    judged = _figures_of(rows[0] if rows else trend) | {"row_count": count}
    return {
        "success": count == 0,
        "result": {"observed_value": observed, "sample_rows": kept, "judged": judged},
    }


def _trend(connection: Any, observe: str) -> dict[str, Any]:
    """What `observe` selects; a column that stands alone may bear any name."""
    cursor = connection.exec_driver_sql(observe)
    columns = list(cursor.keys())
    row = cursor.fetchone() or [None] * len(columns)
    return {"observed": row[0]} if len(columns) == 1 else dict(zip(columns, row, strict=True))


def _figures_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a result that a row of `query` or `observe` fills."""
    figures = {
        "figure": row.get("figure", row.get("observed")),
        "at_least": row.get("at_least", row.get("expected")),
        "at_most": row.get("at_most", row.get("expected")),
    }
    plain = {name: _plain(value) for name, value in figures.items()}
    for kind, unit in ((datetime, "moment"), (date, "day")):
        if any(isinstance(value, kind) for value in figures.values()):
            return plain | {"unit": unit}
    return plain


def _plain(value: object) -> str | None:
    """A number, a day or a moment as text; words are shown, they are no figure."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        # Cents are written out; zeros behind them come from a division or a rounding.
        is_long = Decimal(value.as_tuple().exponent) < -2
        return f"{value.normalize() if is_long else value:f}"
    return str(value) if isinstance(value, int) else None


@contextmanager
def _data_source(database_url: str, schema: str, timeout_seconds: int) -> Iterator[Any]:
    """The library's view of one schema; its connections are closed on the way out."""
    from psycopg.conninfo import conninfo_to_dict

    gx = import_library()
    arguments = conninfo_to_dict(database_url)
    # One schema as search path: the library then needs no schema name of its own, and a table
    # that is missing in the candidate cannot be found by accident in another schema.
    options = {
        "search_path": _quoted(schema),
        "statement_timeout": str(timeout_seconds * 1000),
        "lock_timeout": str(timeout_seconds * 1000),
        "default_transaction_read_only": "on",
    }
    arguments["options"] = " ".join(
        [
            str(arguments.get("options") or ""),
            *(f"-c {key}={value}" for key, value in options.items()),
        ]
    ).strip()
    arguments["connect_timeout"] = CONNECT_TIMEOUT_SECONDS
    context = gx.get_context(mode="ephemeral", project_config=_in_memory())
    source = context.data_sources.add_postgres(
        schema,
        connection_string=_URL_WITHOUT_SECRETS,
        kwargs={"connect_args": arguments},
    )
    try:
        yield source
    finally:
        source.get_execution_engine().engine.dispose()
        source.get_engine().dispose()


def import_library() -> Any:
    """Great Expectations, silent and without telemetry: both must be set before its import."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Under Airflow its hundreds of INFO lines would fill the task log, and its ERROR lines quote
    # values of the data. A level is not enough: some of its modules set their own.
    logger = logging.getLogger("great_expectations")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
    return great_expectations


def _in_memory() -> Any:
    """A context that keeps everything in memory: no docs site, no progress bar, no telemetry."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _tables_in(database_url: str, schemas: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Tables and views that exist, so that a missing one is named instead of guessed at."""
    import psycopg

    query = (
        "select schemas.nspname, tables.relname"
        " from pg_catalog.pg_class as tables"
        " inner join pg_catalog.pg_namespace as schemas on tables.relnamespace = schemas.oid"
        " where tables.relkind in ('r', 'p', 'v', 'm', 'f') and schemas.nspname = any(%s)"
    )
    try:
        with psycopg.connect(database_url, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            rows = connection.execute(query, [sorted(set(schemas))]).fetchall()
    except psycopg.OperationalError as error:
        # Without the driver's message: it names the host and the user.
        raise RetryableError("the warehouse did not answer, no check was run") from error
    return frozenset((str(schema), str(table)) for schema, table in rows)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
