"""Rows of small books for the stand-ins: one customer, and what tests need of the rest."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from encours.sandbox.books import Allocation, Customer, Document, Entity, Payment, World

DAY = date(2026, 1, 10)


def customer(key: str = "C1", **values: Any) -> Customer:
    given: dict[str, Any] = {
        "customer_id": key,
        "customer_name": f"Client Secret {key}",
        "siren": "123456782",
        "vat_number": "FR00123456782",
        "country_code": "FR",
        "payment_terms": "45 days",
    }
    return Customer(**{**given, **values})


def invoice(key: str = "F1", amount: str = "120.10", **values: Any) -> Document:
    given: dict[str, Any] = {
        "document_id": key,
        "document_number": f"N-{key}",
        "customer_id": "C1",
        "issue_date": DAY,
        "due_date": DAY + timedelta(days=30),
        "amount_incl_tax": Decimal(amount),
    }
    return Document(**{**given, **values})


def credit_note(key: str, amount: str, **values: Any) -> Document:
    return invoice(key, amount, document_type="credit_note", **values)


def payment(key: str, amount: str, on: date = DAY, **values: Any) -> Payment:
    return Payment(
        payment_id=key, customer_id="C1", payment_date=on, amount=Decimal(amount), **values
    )


def allocation(key: str, source: str, document: str, amount: str, **values: Any) -> Allocation:
    return Allocation(
        allocation_id=key,
        source_id=source,
        document_id=document,
        amount=Decimal(amount),
        **values,
    )


def books(*rows: Any) -> World:
    return World([Entity(entity_name="Société de démonstration"), customer(), *rows])
