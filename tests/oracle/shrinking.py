"""From a ledger that fails to a few rows of it that still do.

Every row is left out once, with what refers to it; all these ledgers are entities of one attempt,
which costs about as much as one. The smallest that still differs goes into the next round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import islice

from oracle.comparison import Case, differences
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
