"""From ledgers that fail to a few rows of them that still do.

Of one ledger every row is left out once, with what refers to it; all these ledgers are entities of
one attempt, which costs about as much as one. The smallest that still differs goes into the next
round. Figures that span ledgers take an attempt for each try: ledgers are left out by halves first,
then rows one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import islice

from oracle.balances import Books
from oracle.comparison import Case, differences, spanning_differences
from oracle.ledger import Ledger, streams_of
from oracle.workshop import Workshop

ROUNDS = 40
DIFFERENCES = 12


def shrink(
    workshop: Workshop, case: Case, as_of: date, dates: list[date]
) -> tuple[Case, list[str]]:
    """The smallest case found and its differences, by the compiled SQL of the last build."""
    found = failing(workshop, case, [case.ledger], as_of, dates)
    assert found, f"it differed in its batch and does not by itself:\n{case}"
    smallest = found[0]
    for _ in range(ROUNDS):
        found = failing(workshop, case, list(simpler(smallest[0])), as_of, dates)
        if not found:
            break
        smallest = min(found, key=lambda one: row_count(one[0]))
    return replace(case, ledger=smallest[0]), smallest[1]


def failing(
    workshop: Workshop, case: Case, ledgers: list[Ledger], as_of: date, dates: list[date]
) -> list[tuple[Ledger, list[str]]]:
    """Those that differ in the place of the case's own, with their first differences."""
    if not ledgers:
        return []
    entities = {f"L{number}": ledger for number, ledger in enumerate(ledgers)}
    days = dict.fromkeys(entities, case.days)
    marts = workshop.attempt(entities, as_of, days, home=case.home)
    judged = [
        (
            of,
            list(islice(differences(replace(case, ledger=of), marts, entity, dates), DIFFERENCES)),
        )
        for entity, of in entities.items()
    ]
    return [(ledger, found) for ledger, found in judged if found]


def shrink_together(
    workshop: Workshop, cases: list[Case], as_of: date, dates: list[date]
) -> tuple[list[Case], list[str]]:
    """The fewest rows of the fewest ledgers that still differ in what spans them."""
    home = cases[0].home

    def found_in(ledgers: list[Ledger]) -> list[str]:
        entities = {f"L{number}": ledger for number, ledger in enumerate(ledgers)}
        marts = workshop.attempt(entities, as_of, dict.fromkeys(entities, ()), home=home)
        books = {entity: Books(ledger, home) for entity, ledger in entities.items()}
        return list(islice(spanning_differences(books, marts, home, dates), DIFFERENCES))

    ledgers = [case.ledger for case in cases]
    assert found_in(ledgers), "they differed in their batch and do not by themselves"
    for fewer in (without_some, without_a_row):
        ledgers = reduced(ledgers, fewer, found_in)
    return [Case(ledger, (), home) for ledger in ledgers], found_in(ledgers)


def reduced(
    ledgers: list[Ledger],
    fewer: Callable[[list[Ledger]], Iterator[list[Ledger]]],
    differ: Callable[[list[Ledger]], object],
) -> list[Ledger]:
    """Until a whole round finds nothing smaller that still differs."""
    is_smaller = True
    while is_smaller:
        is_smaller, place = False, 0
        while place < len(tries := list(fewer(ledgers))):
            if differ(tries[place]):
                ledgers, is_smaller = tries[place], True
            else:
                place += 1
    return ledgers


def without_some(ledgers: list[Ledger]) -> Iterator[list[Ledger]]:
    """A half of them, then all but a half, a quarter, an eighth, down to all but one."""
    size = len(ledgers) // 2
    while size:
        starts = range(0, len(ledgers), size)
        if size * 2 >= len(ledgers):
            yield from (ledgers[start : start + size] for start in starts)
        yield from (ledgers[:start] + ledgers[start + size :] for start in starts)
        size //= 2


def without_a_row(ledgers: list[Ledger]) -> Iterator[list[Ledger]]:
    for place, ledger in enumerate(ledgers):
        for simple in simpler(ledger):
            yield [*ledgers[:place], simple, *ledgers[place + 1 :]]


def row_count(ledger: Ledger) -> int:
    return len(ledger.choices) + sum(len(rows) for rows in streams_of(ledger).values())


def simpler(ledger: Ledger) -> Iterator[Ledger]:
    """The ledger without each of its rows and choices."""
    for choice in ledger.choices:
        yield replace(ledger, choices=tuple(one for one in ledger.choices if one != choice))
    for stream in streams_of(ledger):
        rows = getattr(ledger, stream)
        for row in rows:
            # Instalments sum to their document: all of them or none.
            rest = tuple(
                other
                for other in rows
                if other != row
                and not (stream == "instalments" and other.document_id == row.document_id)
            )
            without = consistent(replace(ledger, **{stream: rest}))
            if without.documents:
                yield without


def consistent(ledger: Ledger) -> Ledger:
    """Without rows that refer to something that is not there."""
    customers = {row.customer_id for row in ledger.customers}
    documents = tuple(row for row in ledger.documents if row.customer_id in customers)
    payments = tuple(row for row in ledger.payments if row.customer_id in customers)
    names = {row.document_id for row in documents}
    paid = {row.payment_id for row in payments}
    parts = tuple(row for row in ledger.instalments if row.document_id in names)
    in_parts = {row.document_id for row in parts}

    def named(number: int | None, document_id: str) -> int | None:
        return number if document_id in in_parts else None

    return replace(
        ledger,
        documents=tuple(
            replace(
                row,
                credited_document_id=(
                    row.credited_document_id if row.credited_document_id in names else ""
                ),
            )
            for row in documents
        ),
        payments=payments,
        instalments=parts,
        allocations=tuple(
            replace(row, instalment_no=named(row.instalment_no, row.document_id))
            for row in ledger.allocations
            if row.source_id in (names | paid) and row.document_id in (names | paid)
        ),
        write_offs=tuple(row for row in ledger.write_offs if row.document_id in names),
        disputes=tuple(row for row in ledger.disputes if row.document_id in names),
        collection_cases=tuple(row for row in ledger.collection_cases if row.document_id in names),
        promises=tuple(
            row
            for row in ledger.promises
            if row.customer_id in customers and row.document_id in (names | {""})
        ),
    )
