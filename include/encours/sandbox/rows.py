"""The rows of a set of books: what the flat files say, typed.

Amounts are Decimal and positive, in the currency of their row; the type of a row gives the sign.
Every row bears when the source made and last touched it (UTC). A row that is built without these
moments gets them from the world that takes it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import ClassVar

UNSTAMPED = datetime.min.replace(tzinfo=UTC)
DEFAULT_ENTITY = "main"
DEFAULT_CURRENCY = "EUR"


@dataclass(frozen=True, kw_only=True)
class Row:
    """`stream` is the flat file's name, `key_columns` what names a row within one entity."""

    stream: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]

    created_at: datetime = UNSTAMPED
    updated_at: datetime = UNSTAMPED

    @property
    def key(self) -> str:
        """The row's name within its entity and stream: `F-1`, or `F-1/2` for an instalment."""
        return "/".join(str(getattr(self, column)) for column in self.key_columns)

    @property
    def owner(self) -> str | None:
        """The entity that the row belongs to; None for a row that all entities share."""
        return None


@dataclass(frozen=True, kw_only=True)
class EntityRow(Row):
    """A row of one entity. Without `entity_id` it is one of the entity that the world serves."""

    entity_id: str = ""

    @property
    def owner(self) -> str | None:
        return self.entity_id


@dataclass(frozen=True, kw_only=True)
class Entity(Row):
    stream = "entities"
    key_columns = ("entity_id",)

    entity_id: str = DEFAULT_ENTITY
    entity_name: str = ""
    siren: str = ""
    base_currency: str = DEFAULT_CURRENCY
    time_zone: str = ""


@dataclass(frozen=True, kw_only=True)
class Customer(EntityRow):
    stream = "customers"
    key_columns = ("customer_id",)

    customer_id: str
    customer_name: str = ""
    siren: str = ""
    vat_number: str = ""
    country_code: str = ""
    sector: str = ""
    region: str = ""
    size_band: str = ""
    payment_terms: str = ""
    portfolio: str = ""
    parent_customer_id: str = ""
    credit_limit: Decimal | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Document(EntityRow):
    """`document_type`: invoice or credit_note. `status`: posted, draft or void."""

    stream = "documents"
    key_columns = ("document_id",)

    document_id: str
    document_type: str = "invoice"
    document_number: str = ""
    customer_id: str
    issue_date: date
    due_date: date | None = None
    currency_code: str = DEFAULT_CURRENCY
    amount_incl_tax: Decimal
    amount_excl_tax: Decimal | None = None
    exchange_rate: Decimal | None = None
    credited_document_id: str = ""
    status: str = "posted"
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Instalment(EntityRow):
    stream = "instalments"
    key_columns = ("document_id", "instalment_no")

    document_id: str
    instalment_no: int
    due_date: date
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Payment(EntityRow):
    """`payment_type`: receipt or refund."""

    stream = "payments"
    key_columns = ("payment_id",)

    payment_id: str
    customer_id: str
    payment_type: str = "receipt"
    payment_date: date
    currency_code: str = DEFAULT_CURRENCY
    amount: Decimal
    exchange_rate: Decimal | None = None
    method: str = ""
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Allocation(EntityRow):
    """`source_type`: payment or credit_note. A refund is allocated to what it gives back."""

    stream = "allocations"
    key_columns = ("allocation_id",)

    allocation_id: str
    source_type: str = "payment"
    source_id: str
    document_id: str
    instalment_no: int | None = None
    amount: Decimal
    reversed_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class WriteOff(EntityRow):
    stream = "write_offs"
    key_columns = ("write_off_id",)

    write_off_id: str
    document_id: str
    instalment_no: int | None = None
    write_off_date: date
    amount: Decimal
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Dispute(EntityRow):
    stream = "disputes"
    key_columns = ("dispute_id",)

    dispute_id: str
    document_id: str
    amount: Decimal | None = None
    opened_on: date
    closed_on: date | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Promise(EntityRow):
    stream = "promises"
    key_columns = ("promise_id",)

    promise_id: str
    customer_id: str
    document_id: str = ""
    amount: Decimal
    promised_date: date
    recorded_on: date


@dataclass(frozen=True, kw_only=True)
class CollectionCase(EntityRow):
    """`stage`: collection or litigation."""

    stream = "collection_cases"
    key_columns = ("case_id",)

    case_id: str
    document_id: str
    stage: str
    opened_on: date
    closed_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class DunningAction(EntityRow):
    stream = "dunning_actions"
    key_columns = ("action_id",)

    action_id: str
    customer_id: str
    document_id: str
    level: str = ""
    channel: str = ""
    is_automatic: bool | None = None
    action_date: date
    collector: str = ""
    minutes_spent: Decimal | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class CreditDecision(Row):
    stream = "credit_decisions"
    key_columns = (
        "buyer_id_type",
        "buyer_id",
        "provider",
        "policy_ref",
        "event_type",
        "event_at",
        "valid_from",
    )

    buyer_id: str
    buyer_id_type: str
    provider: str
    policy_ref: str = ""
    decision_status: str = ""
    amount: Decimal | None = None
    currency_code: str = DEFAULT_CURRENCY
    valid_from: date | None = None
    valid_to: date | None = None
    grade: str = ""
    score: Decimal | None = None
    event_type: str = ""
    event_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LedgerBalance(EntityRow):
    """`balance` in the base currency, debit positive."""

    stream = "ledger_balances"
    key_columns = ("account", "balance_date")

    account: str
    balance_date: date
    balance: Decimal


@dataclass(frozen=True, kw_only=True)
class ExchangeRate(Row):
    stream = "exchange_rates"
    key_columns = ("currency_code", "base_currency", "rate_date")

    currency_code: str
    base_currency: str = DEFAULT_CURRENCY
    rate_date: date
    rate: Decimal


KINDS: tuple[type[Row], ...] = (
    Entity,
    Customer,
    Document,
    Instalment,
    Payment,
    Allocation,
    WriteOff,
    Dispute,
    Promise,
    CollectionCase,
    DunningAction,
    CreditDecision,
    LedgerBalance,
    ExchangeRate,
)
