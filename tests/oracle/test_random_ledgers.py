"""Random ledgers: the warehouse publishes what the oracle computes, to the cent.

Each batch is one real build of many ledgers, drawn by Hypothesis, as many entities. When one fails,
all its simplifications are built at once by the compiled SQL, round after round, so that what is
printed is a ledger of a few rows. (Hypothesis shrinks too, but one try at a time: 120 tries left 19
rows where the rounds leave a handful.)
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import islice
from typing import Any

import pytest
import yaml

from encours.policies import read_policies
from encours.settings import project_root
from oracle import balances, behaviour, bridge, cei, cohorts, kpis, rates, ratios, rolls, settled
from oracle.balances import ZERO
from oracle.batches import Batch, BuiltBatch, agree, agree_together, build, drawn_cases
from oracle.choices import NOT_COVERED, Choices, Chosen
from oracle.compared import TABLES
from oracle.ledger import Allocation, Customer, Document, Ledger
from oracle.segments import spanning_scopes
from oracle.shrinking import reduced, row_count, without_a_row, without_some
from oracle.strategies import LONG_AGO, POLICIES, cases
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow


# A credit note that names an invoice of tomorrow and settles one of yesterday; a customer who owes
# no more than what is not shown; and an invoice that is due on the as-of date.
ON_THE_EDGE = Ledger(
    customers=(Customer("C1", tier="3"), Customer("C2", tier="4"), Customer("C3")),
    documents=(
        Document("I1", "invoice", "C1", date(2023, 12, 10), Decimal(100)),
        Document("I2", "invoice", "C1", date(2024, 3, 10), Decimal(100)),
        Document(
            "N1",
            "credit_note",
            "C1",
            date(2024, 1, 20),
            Decimal(40),
            credited_document_id="I2",
        ),
        Document("I3", "invoice", "C2", date(2024, 1, 5), Decimal(20), due_date=date(2024, 1, 20)),
        Document("I4", "invoice", "C3", date(2024, 2, 1), Decimal(30), due_date=date(2024, 2, 29)),
    ),
    allocations=(Allocation("A1", "credit_note", "N1", "I1", Decimal(40)),),
    choices=(
        ("zero_month", "pass"),
        ("credit_note_month", "credited_invoice"),
        ("display_residue", "20"),
    ),
)
# A credit that pays the older of two late invoices and nothing of the younger one.
NETTED = Ledger(
    customers=(Customer("C1"),),
    documents=(
        Document("I1", "invoice", "C1", date(2024, 1, 5), Decimal(100), due_date=date(2024, 1, 20)),
        Document("I2", "invoice", "C1", date(2024, 5, 2), Decimal(100), due_date=date(2024, 5, 20)),
        Document("N1", "credit_note", "C1", date(2024, 5, 25), Decimal(100)),
    ),
    choices=(("unapplied", "oldest_first"),),
)
# What is open in another currency on a day between two published rates.
FOREIGN = Ledger(
    customers=(Customer("C1"),),
    documents=(
        Document(
            "I1",
            "invoice",
            "C1",
            date(2024, 5, 2),
            Decimal(100),
            currency_code="USD",
            exchange_rate=Decimal("0.92"),
        ),
    ),
)
# Three values of an attribute are a segment; the six of order_ref are not, nor the tiers, of which
# the ledger above has two more than the others.
HOME_THAT_NETS = (
    ("unapplied", "oldest_first"),
    ("zero_month", "stop"),
    ("attribute_values", "3"),
)
# Fewer month ends than the ledgers have months: what is older is there and not shown.
HOME_THAT_DATES = (
    ("month_ends", "12"),
    ("unapplied", "own_date"),
    ("bucket_limits", "15|45|90"),
    ("countback_period", "day"),
    ("credit_note_month", "credited_invoice"),
    ("default_payment_days", "45"),
    ("display_residue", "20"),
)


def complete_ledgers(
    as_of: date, bases: tuple[str, ...], seed: int, home: Chosen = (), *made: Ledger
) -> Batch:
    drawn = cases(as_of, bases, is_choosing=True, is_complete=True, home=home)
    return Batch(as_of, seed, ((drawn, 120),), home, made)


BATCHES = {
    "end of a leap February": complete_ledgers(
        date(2024, 2, 29), ("EUR",), 1, HOME_THAT_NETS, ON_THE_EDGE
    ),
    "middle of a month": complete_ledgers(
        date(2024, 6, 15), ("EUR", "JPY", "TND"), 2, (), NETTED, FOREIGN
    ),
    "first of a month": complete_ledgers(date(2025, 3, 1), ("EUR",), 3, HOME_THAT_DATES),
}


@pytest.fixture(scope="module", params=BATCHES, ids=lambda name: name.replace(" ", "-"))
def built(request: pytest.FixtureRequest, workshop: Workshop) -> BuiltBatch:
    return build(BATCHES[request.param], workshop)


def test_every_ledger_of_the_batch_agrees_with_the_oracle(
    built: BuiltBatch, workshop: Workshop
) -> None:
    agree(built, workshop)


def test_scopes_above_the_entity_agree_where_there_is_one_base_currency(
    built: BuiltBatch, workshop: Workshop
) -> None:
    agree_together(built, workshop)


def test_scopes_are_those_of_segments_and_attributes_and_no_others(built: BuiltBatch) -> None:
    published = {key for key in built.marts.scopes if key[0] not in ("customer", "entity")}
    spanning = spanning_scopes(built.books(), built.batch.home).keys()
    of_entities = {("entity", entity) for entity in built.entities.values()}

    assert published == spanning
    for table in (bridge.TABLE, behaviour.LATE_PAYMENTS):
        assert built.marts.tables[table.name].keys() <= spanning | of_entities


def test_month_ends_are_as_many_as_the_home_shows(built: BuiltBatch) -> None:
    shown = {
        day
        for figures in built.marts.scopes.values()
        for day in (*figures.dso, *figures.explain, *figures.aged_balance)
    }

    assert shown == set(built.batch.dates)


def test_largest_amounts_come_first_within_a_currency(built: BuiltBatch) -> None:
    as_of = built.batch.as_of
    debtors: dict[str, list[Decimal]] = defaultdict(list)
    invoices: dict[str, list[Decimal]] = defaultdict(list)
    for books in built.books().values():
        currency = books.ledger.base_currency
        debtors[currency] += [amount for amount, _ in books.debtors(as_of).values()]
        invoices[currency] += [amount for amount, _ in books.overdue_invoices(as_of).values()]

    assert built.marts.ranked_debtors == by_size(debtors)
    assert built.marts.ranked_overdue_invoices == by_size(invoices)


def by_size(amounts: Mapping[str, list[Decimal]]) -> dict[str, list[Decimal]]:
    return {currency: sorted(of, reverse=True) for currency, of in amounts.items() if of}


# --- the tests of the test ---------------------------------------------------------------------


def settled_a_day_late(dates: Sequence[date]) -> date:
    return max(dates) + timedelta(days=1)


@pytest.mark.parametrize("built", ["middle of a month"], indirect=True, ids=["middle-of-a-month"])
def test_wrong_rule_is_found_and_shrinks_to_a_few_rows(
    built: BuiltBatch, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balances, "effective_date", settled_a_day_late)

    with pytest.raises(AssertionError) as caught:
        agree(built, workshop)

    told = str(caught.value)
    rows = [line for line in told.splitlines() if re.match(r"\w+: ", line.strip())]
    assert "allocation: " in told
    assert re.search(r"oracle .*, warehouse ", told)
    assert len(rows) <= 8, told


def test_figures_of_several_ledgers_shrink_to_a_few_rows_of_those_it_takes() -> None:
    cases_of_batch = drawn_cases(BATCHES["middle of a month"])
    ledgers = [case.ledger for case in islice(cases_of_batch, 3, 15)]

    def differ(tried: list[Ledger]) -> bool:
        return sum(bool(ledger.write_offs) for ledger in tried) > 1

    for fewer in (without_some, without_a_row):
        ledgers = reduced(ledgers, fewer, differ)

    assert len(ledgers) == 2
    # Of each a customer, an invoice and its write-off.
    assert [row_count(ledger) for ledger in ledgers] == [3, 3]


def due_today_is_overdue(item: balances.Item, day: date, choices: Choices) -> str:
    if item.due_date == day:
        return "overdue_1_30"
    return CORRECT_BUCKET(item, day, choices)


def without_fraction(month: date, as_of: date) -> int:
    """Forgets that the month of the as-of date is not over."""
    return CORRECT_DAYS(month, date.max)


def oldest_last(items: Iterable[balances.Item]) -> list[balances.Item]:
    return CORRECT_ORDER(items)[::-1]


def rounded_down(amount: Decimal, currency: str) -> Decimal:
    minor = balances.MINOR_UNITS.get(currency, 2)
    return amount.quantize(Decimal(1).scaleb(-minor), ROUND_DOWN)


def rate_of_a_later_day(currency: str, base: str, day: date) -> rates.Rate | None:
    return CORRECT_RATE(currency, base, day + timedelta(days=3))


def youngest_bucket_first(limits: Sequence[int]) -> list[str]:
    return CORRECT_BUCKETS(limits)[::-1]


def in_its_own_month(*_: Any) -> Iterator[Any]:
    return iter(())


def by_the_months_of_the_days(
    receivables: Decimal, as_of: date, revenue: Mapping[date, Decimal], zero_month: str
) -> ratios.CountBack:
    months: dict[date, Decimal] = defaultdict(Decimal)
    for day, amount in revenue.items():
        months[day.replace(day=1)] += amount
    return ratios.count_back(receivables, as_of, months, min(months, default=None), zero_month)


def by_the_home_only(*chosen: Chosen) -> Choices:
    return CORRECT_CHOICES(chosen[0])


def never_worse(*_: Any) -> str:
    return "same"


def less_what_was_credited(books: balances.Books, items: Iterable[balances.Item]) -> Decimal:
    credited = settled.by_item(books, date.max)
    billed = CORRECT_BILLED(books, items)
    return billed - sum(of["credit_note"] for item, of in credited.items() if item in items)


def credits_are_not_due(scope: ratios.Scope, day: date) -> bridge.Parts:
    parts = CORRECT_PARTS(scope, day)
    return bridge.Parts(parts.not_due + parts.overdue, ZERO, parts.disputed)


def with_tax(books: balances.Books, after: date, until: date) -> Iterator[Decimal]:
    return (amount for _, amount in settled.written_off(books, after, until))


def whatever_happened_by_then(
    books: balances.Books, after: date, until: date
) -> tuple[Decimal, Decimal]:
    due, paid = CORRECT_DUE(books, after, until)
    return due, max(due, paid)


def not_at_all(*_: Any) -> Decimal:
    return ZERO


def from_the_day_itself(placed: balances.Placed) -> int:
    return CORRECT_DAYS_LATE(placed) + 1


CORRECT_BILLED = cohorts.billed_amount
CORRECT_DAYS_LATE = behaviour.days_late
CORRECT_DUE = kpis.fell_due
CORRECT_PARTS = bridge.parts
CORRECT_BUCKETS = balances.oldest_buckets_first
CORRECT_CHOICES = balances.in_force
CORRECT_RATE = rates.last_published
CORRECT_BUCKET = balances.bucket_of
CORRECT_DAYS = ratios.days_of_month
CORRECT_ORDER = balances.oldest_first


@pytest.mark.parametrize(
    ("module", "rule", "mistake"),
    [
        (balances, "bucket_of", due_today_is_overdue),
        (balances, "oldest_first", oldest_last),
        (balances, "oldest_buckets_first", youngest_bucket_first),
        (balances, "in_force", by_the_home_only),
        (balances, "rounded", rounded_down),
        (behaviour, "days_late", from_the_day_itself),
        (bridge, "parts", credits_are_not_due),
        (cei, "_written_off", not_at_all),
        (cohorts, "billed_amount", less_what_was_credited),
        (kpis, "fell_due", whatever_happened_by_then),
        (kpis, "lost_excl_tax", with_tax),
        (rates, "last_published", rate_of_a_later_day),
        (ratios, "credited_invoices", in_its_own_month),
        (ratios, "days_of_month", without_fraction),
        (ratios, "count_back_by_days", by_the_months_of_the_days),
        (rolls, "moved", never_worse),
    ],
    ids=[
        "due-day-overdue",
        "youngest-due-date-first",
        "youngest-bucket-first",
        "choices-of-the-entity-ignored",
        "rounded-down",
        "late-from-the-due-day",
        "credits-not-due",
        "write-offs-collected",
        "billed-after-credit-notes",
        "all-that-fell-due-paid-on-time",
        "lost-with-tax",
        "later-rate",
        "credit-note-in-its-own-month",
        "whole-current-month",
        "days-as-months",
        "nothing-rolls",
    ],
)
@pytest.mark.parametrize("built", ["middle of a month"], indirect=True, ids=["middle-of-a-month"])
def test_wrong_rule_is_found(
    built: BuiltBatch, monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, mistake: Any
) -> None:
    monkeypatch.setattr(module, rule, mistake)

    assert any(built.differences())


def holds_item_of_any_kind(_: Any, members: frozenset[str], item: balances.Item) -> bool:
    return item.holder[1] in members


@pytest.mark.parametrize(
    "built", ["end of a leap February"], indirect=True, ids=["end-of-a-leap-February"]
)
def test_wrong_rule_of_document_attributes_is_found(
    built: BuiltBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratios.DocumentScope, "holds_item", holds_item_of_any_kind)

    assert any(built.spanning_differences())


Kinds = dict[str, Callable[[Ledger, date], bool]]
# Kind → whether a ledger has it at the as-of date of its batch. Every ledger has these.
KINDS: Kinds = {
    "no instalments": lambda ledger, _: any(
        (d.document_type, d.status) == ("invoice", "posted")
        and d.document_id not in {i.document_id for i in ledger.instalments}
        for d in ledger.documents
    ),
    "instalments": lambda ledger, _: bool(ledger.instalments),
    "advance": lambda ledger, _: any(
        p.payment_id == a.source_id
        and d.document_id == a.document_id
        and p.payment_date < d.issue_date
        for a in ledger.allocations
        for p in ledger.payments
        for d in ledger.documents
    ),
    "partial payment": lambda ledger, _: any(
        a.amount < d.amount_incl_tax
        for a in ledger.allocations
        for d in ledger.documents
        if a.source_type == "payment" and a.document_id == d.document_id
    ),
    "payment of several invoices": lambda ledger, _: any(
        len({a.document_id for a in ledger.allocations if a.source_id == p.payment_id}) > 1
        for p in ledger.payments
    ),
    "overpayment": lambda ledger, _: any(
        0 < sum(a.amount for a in ledger.allocations if a.source_id == p.payment_id) < p.amount
        for p in ledger.payments
    ),
    "credit note matched": lambda ledger, _: any(
        a.source_type == "credit_note" for a in ledger.allocations
    ),
    "credit note that names its invoice": lambda ledger, _: any(
        d.credited_document_id for d in ledger.documents
    ),
    "credit note on its own": lambda ledger, _: any(
        d.document_type == "credit_note" and not d.credited_document_id for d in ledger.documents
    ),
    "refund": lambda ledger, _: any(p.payment_type == "refund" for p in ledger.payments),
    "refund of a credit": lambda ledger, _: any(a.source_id[0] == "R" for a in ledger.allocations),
    "reversal": lambda ledger, as_of: any(
        a.reversed_on and a.reversed_on <= as_of for a in ledger.allocations
    ),
    "write-off": lambda ledger, _: bool(ledger.write_offs),
    "draft": lambda ledger, _: any(d.status == "draft" for d in ledger.documents),
    "void": lambda ledger, _: any(d.status == "void" for d in ledger.documents),
    "future-dated document": lambda ledger, as_of: any(
        d.status == "posted" and d.issue_date > as_of for d in ledger.documents
    ),
    "whole dispute": lambda ledger, _: any(d.amount is None for d in ledger.disputes),
    "partial dispute": lambda ledger, _: any(d.amount is not None for d in ledger.disputes),
    "collection": lambda ledger, _: any(c.stage == "collection" for c in ledger.collection_cases),
    "litigation": lambda ledger, _: any(c.stage == "litigation" for c in ledger.collection_cases),
    "promise": lambda ledger, _: bool(ledger.promises),
    "promise of no document": lambda ledger, _: any(not p.document_id for p in ledger.promises),
    "two currencies": lambda ledger, _: len({d.currency_code for d in ledger.documents}) > 1,
}
# Some have these.
PECULIARITIES: Kinds = {
    "document of long ago": lambda ledger, _: any(
        d.issue_date == LONG_AGO for d in ledger.documents
    ),
    "promise that was brought forward": lambda ledger, as_of: any(
        p.document_id
        and p.document_id == later.document_id
        and p.recorded_on < later.recorded_on <= as_of
        and p.promised_date > later.promised_date
        for p in ledger.promises
        for later in ledger.promises
    ),
    "no minor unit": lambda ledger, _: any(d.currency_code == "JPY" for d in ledger.documents),
    "three decimals": lambda ledger, _: any(d.currency_code == "TND" for d in ledger.documents),
    "foreign item with a rate of the date": lambda ledger, as_of: any(
        d.currency_code != ledger.base_currency
        and rates.last_published(d.currency_code, ledger.base_currency, as_of)
        for d in ledger.documents
    ),
    "foreign item without": lambda ledger, as_of: any(
        d.currency_code != ledger.base_currency
        and not rates.last_published(d.currency_code, ledger.base_currency, as_of)
        for d in ledger.documents
    ),
    "estimated due date": lambda ledger, _: any(d.due_date is None for d in ledger.documents),
    "attribute of a customer": lambda ledger, _: any(c.channel for c in ledger.customers),
    "attribute of a document": lambda ledger, _: any(d.project for d in ledger.documents),
    **{
        f"{policy} {value}": lambda ledger, _, chosen=(policy, value): chosen in ledger.choices
        for policy, values in POLICIES.items()
        for value in values
    },
}


def test_every_policy_is_drawn_or_says_why_not() -> None:
    at_home = {policy for batch in BATCHES.values() for policy, _ in batch.home}

    drawn = at_home | POLICIES.keys()

    assert drawn | NOT_COVERED.keys() == read_policies().keys()
    assert drawn & NOT_COVERED.keys() == set()


def test_every_column_of_a_mart_that_is_compared_by_row_is_compared() -> None:
    described = {
        model["name"]: {column["name"] for column in model["columns"]}
        for path in (project_root() / "dbt_project" / "models" / "marts").glob("*__models.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    }

    for table in TABLES:
        # The other columns of mart_dso are compared as ratios of a scope.
        if table != cei.TABLE:
            assert described[table.name] == {*table.owner, *table.key, *table.figures}


def test_three_hundred_different_ledgers_each_hold_every_kind_of_document() -> None:
    ledgers = [
        (case.ledger, batch.as_of)
        for batch in BATCHES.values()
        for case in drawn_cases(batch)
        if case.ledger not in batch.made
    ]

    lacking = {
        kind: [str(of) for of, day in ledgers if not has(of, day)] for kind, has in KINDS.items()
    }
    counts = {kind: sum(has(*ledger) for ledger in ledgers) for kind, has in PECULIARITIES.items()}

    assert len(ledgers) >= 300
    assert {kind: of[0] for kind, of in lacking.items() if of} == {}
    assert {kind: count for kind, count in counts.items() if count < 10} == {}
