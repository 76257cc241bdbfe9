"""Oracle against warehouse, to the cent: every difference as one line that a person understands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from oracle.balances import ZERO, Books, Sum
from oracle.choices import Chosen, in_force
from oracle.compared import entity_row_differences, scope_row_differences
from oracle.ledger import Ledger
from oracle.published import CUSTOMER_KEY, Marts, Published, ScopeFigures
from oracle.ratios import CountBack, Ratios, Scope
from oracle.segments import spanning_scopes

MONTH_ENDS = 36
# Half a unit of the published figure, and the error of a long division.
DIVISION_ERROR = Decimal("1e-9")


@dataclass(frozen=True)
class Case:
    """A ledger, the past dates at which its positions are asked for, and what its home chose."""

    ledger: Ledger
    days: tuple[date, ...]
    home: Chosen = ()

    def __str__(self) -> str:
        home = "".join(f"\nchoice of the home: {policy}={value}" for policy, value in self.home)
        days = f"\npositions at {', '.join(map(str, self.days))}" if self.days else ""
        return f"{self.ledger}{home}{days}"

    def books(self) -> Books:
        return Books(self.ledger, self.home)


def differences(
    case: Case, marts: Marts, entity: str, dates: list[date], books: Books | None = None
) -> Iterator[str]:
    """Empty when the warehouse publishes what the oracle says of this ledger."""
    books = books or case.books()
    published = marts.ledgers[entity]
    yield from (f"refused: {reason}" for of, reason in marts.refused if of == entity)
    yield from _balance_differences(case, books, published, dates)
    customers = [customer.customer_id for customer in case.ledger.customers]
    whole = Scope([(books, customers)])
    yield from scope_differences(f"entity {entity}", whole, marts.scope("entity", entity), dates)
    yield from aged_scope_differences(
        f"entity {entity}", whole, marts.scope("entity", entity), dates
    )
    yield from scope_row_differences(("entity", entity), whole, marts.tables, dates)
    scopes = {customer: Scope([(books, [customer])]) for customer in customers}
    for customer, scope in scopes.items():
        yield from scope_differences(
            f"customer {customer}", scope, marts.customer_scope(entity, customer), dates
        )
    by_key = {
        CUSTOMER_KEY.format(entity=entity, customer=customer): scope
        for customer, scope in scopes.items()
    }
    yield from entity_row_differences(entity, books, by_key, marts.tables, dates)


def spanning_differences(
    books: Mapping[str, Books], marts: Marts, home: Chosen, dates: list[date]
) -> Iterator[str]:
    """Of the group, of segments and of custom attributes; nothing where they do not exist."""
    for key, scope in spanning_scopes(books, home).items():
        figures = marts.scopes.get(key, ScopeFigures())
        yield from scope_differences(" ".join(key), scope, figures, dates)
        yield from aged_scope_differences(" ".join(key), scope, figures, dates)
        yield from scope_row_differences(key, scope, marts.tables, dates)


def _balance_differences(
    case: Case, books: Books, published: Published, dates: list[date]
) -> Iterator[str]:
    for day in case.days:
        yield from _compared(
            f"positions {day}", books.positions(day), published.positions.get(day, {})
        )
        yield from _compared(
            f"movements to {day}",
            {item: amounts for item, amounts in books.positions(day).items()},
            published.movements.get(day, {}),
        )
        yield from _compared(
            f"aged positions {day}",
            _summed(books.aged_balance(day, in_force())),
            published.aged_positions.get(day, {}),
        )
        yield from _compared(
            f"positions by issue date {day}",
            _summed(books.aged_by_issue_date(day, in_force())),
            published.issued_positions.get(day, {}),
        )
    yield from _compared("open items", books.positions(dates[-1]), published.open_items)
    yield from _compared("revalued", books.revalued(dates[-1]), published.revalued)
    yield from _compared("bucket, due date, promise", books.ageing(dates[-1]), published.ageing)
    yield from _compared(
        "days since issue, bucket", books.issue_ageing(dates[-1]), published.issue_ageing
    )
    yield from _compared("taken off", books.taken_off(dates[-1]), published.taken_off)
    yield from _compared(
        "aged balance by issue date",
        _summed(books.aged_by_issue_date(dates[-1])),
        published.aged_by_issue_date.get(dates[-1], {}),
    )
    yield from _compared("debtors", books.debtors(dates[-1]), published.debtors)
    yield from _compared(
        "future documents", books.future_documents(dates[-1]), published.future_documents
    )
    yield from _compared(
        "overdue invoices", books.overdue_invoices(dates[-1]), published.overdue_invoices
    )
    for day in dates:
        yield from _compared(
            f"aged balance {day}",
            _summed(books.aged_balance(day)),
            published.aged_balance.get(day, {}),
        )
        yield from _compared(
            f"outstanding {day}", books.outstanding(day), published.outstanding.get(day, {})
        )


def scope_differences(
    name: str, scope: Scope, figures: ScopeFigures, dates: list[date]
) -> Iterator[str]:
    for day in dates:
        ratios = scope.ratios(day, dates[0])
        row = figures.dso.get(day)
        if row is None:
            if scope.open_items(day):
                yield f"DSO of {name} at {day}: no row, oracle {_shown(ratios.outstanding)} owed"
            continue
        yield from _ratio_differences(f"DSO of {name} at {day}", ratios, row)
        yield from _explain_differences(
            f"DSO explain of {name} at {day}", ratios.countback, figures.explain.get(day, {})
        )


def aged_scope_differences(
    name: str, scope: Scope, figures: ScopeFigures, dates: list[date]
) -> Iterator[str]:
    """Of every scope but a customer, whose aged balance is that of the ledger."""
    for day in dates:
        yield from _compared(
            f"aged balance of {name} at {day}",
            _summed(scope.aged_balance(day)),
            figures.aged_balance.get(day, {}),
        )


def _summed(sums: Mapping[Any, Sum]) -> dict[Any, tuple[Decimal, Decimal, int]]:
    return {key: (sum_.open_amount, sum_.company_amount, sum_.items) for key, sum_ in sums.items()}


def _ratio_differences(what: str, ratios: Ratios, row: Mapping[str, Any]) -> Iterator[str]:
    expected: dict[str, Any] = {
        "outstanding": ratios.outstanding,
        "dso_receivables": ratios.dso_receivables,
        "overdue": ratios.overdue,
        "dso_countback": ratios.countback.days,
        "dso_status": ratios.countback.status,
        "dso_remainder_amount": ratios.countback.remainder,
        "dso_best_possible": ratios.best_possible,
        "dso_accounting_90": ratios.accounting_90,
        "dso_accounting_365": ratios.accounting_365,
        "cei": ratios.cei,
        "overdue_ratio_amount": ratios.overdue_ratio_amount,
        "overdue_ratio_count": ratios.overdue_ratio_count,
    }
    for column, value in expected.items():
        if not _same(value, row[column]):
            yield f"{what}, {column}: oracle {_shown(value)}, warehouse {_shown(row[column])}"
    # A difference of two rounded figures: a cent of each.
    delinquent = row["average_days_delinquent"]
    if abs(ratios.average_days_delinquent - delinquent) > Decimal("0.01") + DIVISION_ERROR:
        yield (
            f"{what}, average_days_delinquent: oracle"
            f" {_shown(ratios.average_days_delinquent)}, warehouse {_shown(delinquent)}"
        )


def _explain_differences(
    what: str, countback: CountBack, rows: Mapping[date, tuple[Decimal, Decimal, Decimal]]
) -> Iterator[str]:
    expected = {
        month: (row.revenue, row.consumed, row.days) for month, row in countback.months.items()
    }
    for month in sorted(expected.keys() | rows.keys()):
        ours, theirs = expected.get(month), rows.get(month)
        if ours is None or theirs is None or not all(map(_same, ours, theirs)):
            yield f"{what}, {month:%Y-%m}: oracle {_shown(ours)}, warehouse {_shown(theirs)}"


def _compared(what: str, ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> Iterator[str]:
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            name = " ".join(key) if isinstance(key, tuple) else key
            yield (
                f"{what}, {name}: oracle {_shown(ours.get(key))},"
                f" warehouse {_shown(theirs.get(key))}"
            )


def _same(ours: Any, theirs: Any) -> bool:
    """Texts and absences exactly; numbers to the last digit that the warehouse publishes."""
    if not isinstance(ours, Decimal) or not isinstance(theirs, Decimal):
        return bool(ours == theirs)
    last_digit = Decimal(1).scaleb(int(theirs.as_tuple().exponent))
    return abs(ours - theirs) <= last_digit / 2 + DIVISION_ERROR


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, Decimal):
        return f"{value.normalize() if value else ZERO:f}"
    return "nothing" if value is None else str(value)


def report(cases: Iterable[Case], found: Iterable[str]) -> str:
    """What a failing test prints: the ledgers, then the figures of both sides."""
    return "\n".join(["", *(f"{case}\n" for case in cases), *list(found)[:12]])
