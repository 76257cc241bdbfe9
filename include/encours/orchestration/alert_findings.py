"""What the gate found, in the words of a message: rows and rules, no customer and no amount of one.

A figure is told only where the rows of the check are no customers or documents; of the others, how
many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from encours.alerts.notices import Finding, Quantity
from encours.quality.results import CheckResult
from encours.quality.suites import UNEXPECTED_ROWS, Expectation, Suite

# What may identify the rows of a check whose figure can be told.
OF_MANY = frozenset(
    {
        *("entity_id", "source", "stream", "currency_code", "company_currency_code"),
        *("as_of_date", "month_start", "issue_month", "period_end_date", "closing_date"),
        *("bucket", "scope_type", "attribute", "account", "run_id", "measure", "policy"),
    }
)
_ROWS = re.compile(r"(\d+)(?: of \d+)? rows?")
_AND_MORE = re.compile(r"(?P<figure>.*) and (?P<others>\d+) more")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|«[^»]*»|“[^”]*”")
_AMOUNT = re.compile(r"(?<![\w.])-?\d[\d \u00a0\u202f']*[.,]\d{2,}(?![\w.])")
_LONGEST_LINE = 300


def holding(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The results that hold a publication, in the words of the verdict's rule."""
    return [
        result
        for result in results
        if result.state not in ("passed", "failed")
        or (result.state == "failed" and result.severity == "critical")
    ]


def findings(results: Sequence[CheckResult], suites: Sequence[Suite]) -> Iterator[Finding]:
    known = {
        (suite.table_name, expectation.name): expectation
        for suite in suites
        for expectation in suite.expectations
    }
    for result in results:
        yield _finding(result, known.get((result.table_name, result.check_name)))


def absent(reasons: Sequence[str], results: Sequence[CheckResult]) -> Iterator[Finding]:
    """What the verdict misses: checks that were expected and reported nothing."""
    told = {(result.table_name, result.check_name) for result in results}
    for reason in reasons:
        table, _, rest = reason.partition(": ")
        check, _, _ = rest.partition(": ")
        if (table, check) not in told:
            yield Finding(
                what=f"{table} / {check}" if rest else table,
                observed=Quantity("no_answer", "word"),
                expected=Quantity("an_answer", "word"),
            )


def _finding(result: CheckResult, expectation: Expectation | None) -> Finding:
    what = f"{result.table_name} / {result.check_name}"
    if result.state != "failed":
        return Finding(
            what,
            observed=Quantity("no_answer", "word"),
            expected=Quantity("an_answer", "word"),
            why=without_data(result.why),
        )
    keys = expectation.sample_key if expectation else ()
    return Finding(
        what,
        observed=_observed(result, expectation),
        expected=_expected(expectation),
        why=result.why,
        entity_ids=_entities(result, keys),
    )


def _observed(result: CheckResult, expectation: Expectation | None) -> Quantity:
    keys = expectation.sample_key if expectation else ()
    text = (result.observed_value or "").strip()
    if rows := _ROWS.fullmatch(text):
        return Quantity(rows[1], "rows")
    several = _AND_MORE.fullmatch(text)
    figure = several["figure"] if several else text
    if not _is_number(figure):
        return Quantity("unknown", "word")
    if expectation is None:
        # A test of the models: it counts its rows.
        return Quantity(figure, "rows") if figure.isdigit() else Quantity("unknown", "word")
    if expectation.type != UNEXPECTED_ROWS or (keys and OF_MANY.issuperset(keys)):
        return Quantity(figure, "number")
    return Quantity(str(1 + int(several["others"])) if several else "1", "rows")


def _expected(expectation: Expectation | None) -> Quantity:
    limits: Mapping[str, object] = expectation.kwargs if expectation else {}
    low, high = limits.get("min_value"), limits.get("max_value")
    if low is None and high is None:
        return Quantity("0", "rows")
    if low is not None and high is not None:
        return Quantity(str(low), "number", high=str(high))
    if high is not None:
        return Quantity(str(high), "number", "at_most")
    return Quantity(str(low), "number", "at_least")


def _entities(result: CheckResult, keys: Sequence[str]) -> tuple[str, ...]:
    if "entity_id" not in keys:
        return ()
    place = list(keys).index("entity_id")
    found = (sample.split("|") for sample in result.sample_keys)
    return tuple(sorted({parts[place] for parts in found if len(parts) == len(keys)}))


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def without_data(line: str) -> str:
    """An error's line without what it quotes of the data, and without amounts."""
    masked = _AMOUNT.sub("…", _QUOTED.sub("'…'", " ".join(line.split())))
    return masked if len(masked) <= _LONGEST_LINE else f"{masked[: _LONGEST_LINE - 1]}…"
