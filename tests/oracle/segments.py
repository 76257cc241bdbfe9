"""Which scopes span the entities of a home: DECISIONS 23 and 36."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from oracle.balances import Books
from oracle.choices import Chosen, in_force
from oracle.ledger import CUSTOMER_ATTRIBUTES, DOCUMENT_ATTRIBUTES
from oracle.ratios import DocumentScope, Scope

SEGMENTS = ("sector", "region", "size_band", "portfolio")

Key = tuple[str, str]
# Scope → entity → customers or documents.
Members = dict[Key, dict[str, list[str]]]


def spanning_scopes(books: Mapping[str, Books], home: Chosen) -> dict[Key, Scope]:
    """The group, and a scope for each value that a segment or a custom attribute has; none where
    two entities keep their books in different currencies."""
    if len({of.ledger.base_currency for of in books.values()}) > 1:
        return {}
    choices = in_force(home)
    customers, documents = customer_scopes(books), _document_scopes(books)
    values: dict[str, int] = defaultdict(int)
    for scope_type, _ in (*customers, *documents):
        values[scope_type] += 1

    def is_segment(scope_type: str) -> bool:
        return "." not in scope_type or values[scope_type] <= choices.attribute_values

    return {
        key: kind(((books[entity], of) for entity, of in members.items()), choices)
        for kind, scopes in ((Scope, customers), (DocumentScope, documents))
        for key, members in scopes.items()
        if is_segment(key[0])
    }


def customer_scopes(books: Mapping[str, Books]) -> Members:
    scopes: Members = defaultdict(lambda: defaultdict(list))
    for entity, of in books.items():
        for customer in of.ledger.customers:
            for key in (("group", "all"), *_segments(customer), *_attributes("customer", customer)):
                scopes[key][entity].append(customer.customer_id)
    return scopes


def _document_scopes(books: Mapping[str, Books]) -> Members:
    scopes: Members = defaultdict(lambda: defaultdict(list))
    for entity, of in books.items():
        for document in of.ledger.documents:
            for key in _attributes("document", document):
                scopes[key][entity].append(document.document_id)
    return scopes


def _segments(customer: Any) -> Iterator[Key]:
    for name in SEGMENTS:
        if value := getattr(customer, name):
            yield name, value


def _attributes(kind: str, row: Any) -> Iterator[Key]:
    names = CUSTOMER_ATTRIBUTES if kind == "customer" else DOCUMENT_ATTRIBUTES
    for name in names:
        if value := getattr(row, name):
            yield f"{kind}.{name}", value
