"""What the gate found, in the words of a message: rows and rules, no customer and no amount of one.

Where the rows of a check are companies, sources or dates, what was judged and what it should have
been is told of the first; where they are customers or documents, how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from encours.alerts.notices import Finding, Quantity
from encours.quality.results import CheckResult

# What may identify the rows of a check whose figures can be told. A check whose rows have no key
# is about the whole of its table.
OF_MANY = frozenset(
    {
        *("entity_id", "source", "stream", "currency_code", "company_currency_code"),
        *("as_of_date", "month_start", "issue_month", "period_end_date", "closing_date"),
        *("bucket", "scope_type", "attribute", "account", "run_id", "measure", "item", "policy"),
        "table_name",
    }
)
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


def findings(results: Sequence[CheckResult]) -> Iterator[Finding]:
    return map(_finding, results)


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


def _finding(result: CheckResult) -> Finding:
    what = f"{result.table_name} / {result.check_name}"
    if result.state != "failed":
        return Finding(
            what,
            observed=Quantity("no_answer", "word"),
            expected=Quantity("an_answer", "word"),
            why=without_data(result.why),
        )
    limits = (result.at_least, result.at_most)
    has_figures = limits != (None, None) and OF_MANY.issuperset(result.sample_columns)
    return Finding(
        what,
        observed=_figure(result) if has_figures else _counted(result),
        expected=_expected(result) if has_figures else Quantity("0", "rows"),
        why=result.why,
        entity_ids=_entities(result),
        more_count=max(result.row_count or 0, 1) - 1 if has_figures else 0,
    )


def _figure(result: CheckResult) -> Quantity:
    if result.figure is None:
        return Quantity("nothing", "word")
    return Quantity(result.figure, result.unit)


def _counted(result: CheckResult) -> Quantity:
    if result.row_count is None:
        # A result of an earlier version of Encours.
        return Quantity("unknown", "word")
    return Quantity(str(result.row_count), "rows")


def _expected(result: CheckResult) -> Quantity:
    low, high = result.at_least, result.at_most
    if low == high:
        return Quantity(str(low), result.unit)
    if low is not None and high is not None:
        return Quantity(low, result.unit, high=high)
    if high is not None:
        return Quantity(high, result.unit, "at_most")
    return Quantity(str(low), result.unit, "at_least")


def _entities(result: CheckResult) -> tuple[str, ...]:
    """In the order of the rows: the figures are those of the first."""
    columns = result.sample_columns
    if "entity_id" not in columns:
        return ()
    place = columns.index("entity_id")
    found = (sample.split("|") for sample in result.sample_keys)
    named = (parts[place] for parts in found if len(parts) == len(columns))
    return tuple(dict.fromkeys(name for name in named if name))


def without_data(line: str) -> str:
    """An error's line without what it quotes of the data, and without amounts."""
    masked = _AMOUNT.sub("…", _QUOTED.sub("'…'", " ".join(line.split())))
    return masked if len(masked) <= _LONGEST_LINE else f"{masked[: _LONGEST_LINE - 1]}…"
