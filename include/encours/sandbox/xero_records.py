"""The books as Xero's records.

In Xero, a payment pays one document. So a receipt that was used up on its day by one document is a
payment, by several of them a batch of payments; one that was not is money on account: a prepayment
if it came before what it settles, else an overpayment. What becomes free when such a payment is
deleted is an overpayment, as when a bookkeeper enters it anew. A refund pays a credit note, or what
is on account, back; one that pays back nothing has no place in the receivables. A write-off is the
credit note that it is booked as. A document has one due date: of several, the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID, uuid5

from encours.sandbox.books import World
from encours.sandbox.rows import (
    Allocation,
    Customer,
    Document,
    Instalment,
    Payment,
    Promise,
    WriteOff,
)

Item = dict[str, Any]
Dated = tuple[datetime, Item]

_NAMESPACE = UUID("7c1f4a52-98f5-4f58-9d1c-2f8f3c5f7f10")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_MONEY = Decimal("0.00")


def id_of(kind: str, key: str) -> str:
    """The same for the same row everywhere."""
    return str(uuid5(_NAMESPACE, f"{kind}/{key}"))


def xero_moment(moment: datetime) -> str:
    milliseconds = (moment - _EPOCH) // (datetime.resolution * 1000)
    return f"/Date({milliseconds}+0000)/"


def xero_day(day: date) -> str:
    return xero_moment(datetime.combine(day, time(), UTC))


class XeroBooks:
    """The books at the moment of one request, each record with the moment of its last change."""

    def __init__(self, world: World) -> None:
        self._world = world
        # With those that were deleted, and when: they show in what they were a part of.
        self._gone: dict[str, datetime] = {}
        self._by_source: dict[tuple[str, str], list[Allocation]] = {}
        for allocation in world.allocations:
            self._note(allocation)
            if not world.is_in_force(allocation):
                self._gone[allocation.key] = allocation.updated_at
        for tombstone in world.tombstones(Allocation):
            if isinstance(tombstone.row, Allocation):
                self._note(tombstone.row)
                self._gone[tombstone.key] = tombstone.deleted_at

    def _note(self, allocation: Allocation) -> None:
        source = (allocation.source_type, allocation.source_id)
        self._by_source.setdefault(source, []).append(allocation)

    # ------------------------------------------------------------------ contacts

    def contacts(self) -> list[Dated]:
        rows: list[tuple[Customer, datetime | None]] = [
            (row, None) for row in self._world.customers
        ]
        for gone in self._world.tombstones(Customer):
            if isinstance(gone.row, Customer):
                rows.append((gone.row, gone.deleted_at))
        return [
            _dated(deleted_at or row.updated_at, self._contact(row, deleted_at))
            for row, deleted_at in rows
        ]

    def _contact(self, row: Customer, archived_at: datetime | None) -> Item:
        days = row.payment_terms.partition(" ")[0]
        sales = {"Day": int(days), "Type": "DAYSAFTERBILLDATE"} if days.isdecimal() else None
        return {
            "ContactID": id_of("contact", row.key),
            "ContactStatus": "ARCHIVED" if archived_at else "ACTIVE",
            "Name": row.customer_name or row.key,
            "EmailAddress": f"{row.key}@example.test",
            "CompanyNumber": row.siren,
            "TaxNumber": row.vat_number,
            "BankAccountDetails": "",
            "AccountNumber": row.key,
            "Addresses": [
                {"AddressType": "POBOX", "City": "", "Region": "", "Country": ""},
                {
                    "AddressType": "STREET",
                    "City": "",
                    "Region": row.region,
                    "Country": row.country_code,
                },
            ],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "IsSupplier": False,
            "IsCustomer": bool(self._world.where(Document, customer_id=row.key)),
            **({"PaymentTerms": {"Sales": sales}} if sales else {}),
            "HasAttachments": False,
            "HasValidationErrors": False,
        }

    # ------------------------------------------------------------------ documents

    def invoices(self) -> list[Dated]:
        found = []
        for row, deleted_at in self._documents("invoice"):
            promises = self._world.where(Promise, document_id=row.key)
            touched = [self._world.touched_at(row), *(promise.updated_at for promise in promises)]
            item = self._invoice(row, deleted_at)
            if promises:
                last = max(promises, key=lambda promise: promise.recorded_on)
                item["ExpectedPaymentDate"] = xero_day(last.promised_date)
            found.append(_dated(deleted_at or max(touched), item))
        return found

    def credit_notes(self) -> list[Dated]:
        return [
            *(
                _dated(
                    deleted_at
                    or self._touched(self._world.touched_at(row), "credit_note", row.key),
                    self._credit_note(row, deleted_at),
                )
                for row, deleted_at in self._documents("credit_note")
            ),
            *(
                _dated(row.updated_at, self._write_off_note(row, document))
                for row in self._world.write_offs
                if (document := self._world.find(Document, row.document_id)) is not None
            ),
        ]

    def _documents(self, kind: str) -> Iterator[tuple[Document, datetime | None]]:
        for row in self._world.where(Document, document_type=kind):
            yield row, None
        for gone in self._world.tombstones(Document):
            if isinstance(gone.row, Document) and gone.row.document_type == kind:
                yield gone.row, gone.deleted_at

    def _invoice(self, row: Document, deleted_at: datetime | None) -> Item:
        due = [each.due_date for each in self._world.where(Instalment, document_id=row.key)]
        due_date = max(due, default=row.due_date)
        rest = _NO_MONEY if deleted_at else self._world.remaining_amount(row)
        paid = sum((each.amount for each in self._paying(row)), _NO_MONEY)
        credited = row.amount_incl_tax - rest - paid
        is_posted = row.status == "posted" and deleted_at is None
        return {
            "Type": "ACCREC",
            "InvoiceID": id_of("document", row.key),
            "InvoiceNumber": row.document_number or row.key,
            "Reference": "",
            **self._document(row, deleted_at, rest),
            **(
                {"DueDateString": _text(due_date), "DueDate": xero_day(due_date)}
                if due_date
                else {}
            ),
            "AmountDue": rest,
            "AmountPaid": paid if is_posted else _NO_MONEY,
            "AmountCredited": credited if is_posted else _NO_MONEY,
            "Payments": [
                {
                    "PaymentID": id_of("payment", each.key),
                    "Date": xero_day(self._world.get(Payment, each.source_id).payment_date),
                    "Amount": each.amount,
                    "HasAccount": False,
                    "HasValidationErrors": False,
                }
                for each in self._paying(row)
            ],
            "CreditNotes": [],
            "Prepayments": [],
            "Overpayments": [],
            "SentToContact": is_posted,
            "IsDiscounted": False,
            "HasAttachments": False,
            "HasErrors": False,
        }

    def _credit_note(self, row: Document, deleted_at: datetime | None) -> Item:
        rest = _NO_MONEY if deleted_at else self._world.remaining_amount(row)
        return {
            "Type": "ACCRECCREDIT",
            "CreditNoteID": id_of("document", row.key),
            "CreditNoteNumber": row.document_number or row.key,
            "Reference": "",
            **self._document(row, deleted_at, rest),
            "RemainingCredit": rest,
            "Allocations": self._allocations(self._by_source.get(("credit_note", row.key), ())),
            "Payments": [],
            "HasAttachments": False,
            "HasErrors": False,
        }

    def _write_off_note(self, row: WriteOff, document: Document) -> Item:
        return {
            "Type": "ACCRECCREDIT",
            "CreditNoteID": id_of("write-off", row.key),
            "CreditNoteNumber": f"W-{row.key}",
            "Reference": row.reason,
            "Contact": self._contact_of(document.customer_id),
            "DateString": _text(row.write_off_date),
            "Date": xero_day(row.write_off_date),
            "Status": "PAID",
            **_amounts(row.amount, row.amount),
            **_currency(document.currency_code, document.exchange_rate),
            "RemainingCredit": _NO_MONEY,
            "Allocations": [
                self._allocation(id_of("write-off allocation", row.key), row.amount, document)
            ],
            "Payments": [],
            "HasAttachments": False,
            "HasErrors": False,
        }

    def _document(self, row: Document, deleted_at: datetime | None, rest: Decimal) -> Item:
        net = row.amount_incl_tax if row.amount_excl_tax is None else row.amount_excl_tax
        return {
            "Contact": self._contact_of(row.customer_id),
            "DateString": _text(row.issue_date),
            "Date": xero_day(row.issue_date),
            "Status": _status(row, deleted_at, rest),
            **_amounts(row.amount_incl_tax, net),
            **_currency(row.currency_code, row.exchange_rate),
        }

    def _paying(self, row: Document) -> list[Allocation]:
        """What pays it directly, not out of money on account."""
        return [
            each
            for each in self._world.where(Allocation, document_id=row.key, source_type="payment")
            if each.key not in self._gone
            and (payment := self._world.find(Payment, each.source_id)) is not None
            and each in self._at_once(payment)
            and not self._is_on_account(payment)
        ]

    # ------------------------------------------------------------------ payments

    def payments(self) -> list[Dated]:
        return [item for row, gone in self._receipts() for item in self._payments_of(row, gone)]

    def _receipts(self) -> Iterator[tuple[Payment, datetime | None]]:
        for row in self._world.payments:
            yield row, None
        for gone in self._world.tombstones(Payment):
            if isinstance(gone.row, Payment):
                yield gone.row, gone.deleted_at

    def _payments_of(self, row: Payment, deleted_at: datetime | None) -> Iterator[Dated]:
        if row.payment_type == "receipt" and self._is_on_account(row):
            return
        is_refund = row.payment_type == "refund"
        parts = self._made_of(row) if is_refund else self._at_once(row)
        batch = self._batch(row, parts) if len(parts) > 1 else {}
        for each in parts:
            target = self._target(each)
            gone_at = self._gone.get(each.key) or deleted_at
            if target is None:
                continue
            item = {
                "PaymentID": id_of("payment", each.key),
                **batch,
                "Date": xero_day(row.payment_date),
                "BankAmount": each.amount,
                "Amount": each.amount,
                "Reference": row.reference,
                "CurrencyRate": _foreign_per_base(row.exchange_rate),
                "PaymentType": _PAYMENT_TYPES[target["Type"]],
                "Status": "DELETED" if gone_at else "AUTHORISED",
                "HasAccount": True,
                "IsReconciled": True,
                "Account": {"AccountID": id_of("account", "bank"), "Code": "512"},
                "Invoice": target,
                "HasValidationErrors": False,
            }
            yield _dated(max(filter(None, (row.updated_at, each.updated_at, gone_at))), item)

    def _batch(self, row: Payment, parts: Iterable[Allocation]) -> Item:
        batch_id = id_of("batch", row.key)
        return {
            "BatchPaymentID": batch_id,
            "BatchPayment": {
                "Account": {"AccountID": id_of("account", "bank")},
                "BatchPaymentID": batch_id,
                "Date": xero_day(row.payment_date),
                "Type": "PAYBATCH" if row.payment_type == "refund" else "RECBATCH",
                "Status": "AUTHORISED",
                "TotalAmount": sum((each.amount for each in parts), _NO_MONEY),
            },
        }

    def _target(self, allocation: Allocation) -> Item | None:
        """What a payment pays, as the specification's examples show it: also a credit is there an
        `Invoice`, of its own type."""
        document = self._world.find(Document, allocation.document_id)
        if document is not None:
            kind = "ACCREC" if document.document_type == "invoice" else "ACCRECCREDIT"
            number = document.document_number or document.key
            id = id_of("document", document.key)
            customer_id, currency_code = document.customer_id, document.currency_code
        else:
            receipt = self._world.find(Payment, allocation.document_id)
            if receipt is None:
                return None
            kind = f"AR{self._kind_of(receipt).upper()}"
            number = receipt.reference
            id = id_of("credit", receipt.key)
            customer_id, currency_code = receipt.customer_id, receipt.currency_code
        return {
            "Type": kind,
            "InvoiceID": id,
            "InvoiceNumber": number,
            "Payments": [],
            "CreditNotes": [],
            "Prepayments": [],
            "Overpayments": [],
            "HasErrors": False,
            "IsDiscounted": False,
            "Contact": self._contact_of(customer_id),
            "LineItems": [],
            "CurrencyCode": currency_code,
        }

    # ------------------------------------------------------------------ money on account

    def credits(self, kind: str) -> list[Dated]:
        """Overpayments or prepayments."""
        return [
            self._credit(row, total, deleted_at)
            for row, deleted_at in self._receipts()
            if row.payment_type == "receipt"
            and (total := self._on_account(row, deleted_at)) > 0
            and self._kind_of(row) == kind
        ]

    def _credit(self, row: Payment, total: Decimal, deleted_at: datetime | None) -> Dated:
        whole = self._is_on_account(row)
        used = [each for each in self._made_of(row) if whole or each not in self._at_once(row)]
        refunds = self._world.where(Allocation, source_type="payment", document_id=row.key)
        out = sum(
            (each.amount for each in (*used, *refunds) if each.key not in self._gone), _NO_MONEY
        )
        rest = _NO_MONEY if deleted_at else total - out
        kind = self._kind_of(row)
        item = {
            f"{kind}ID": id_of("credit", row.key),
            "ID": id_of("credit", row.key),
            "Type": f"RECEIVE-{kind.upper()}",
            "Reference": row.reference,
            "Contact": self._contact_of(row.customer_id),
            "DateString": _text(row.payment_date),
            "Date": xero_day(row.payment_date),
            "Status": "VOIDED" if deleted_at else "AUTHORISED" if rest else "PAID",
            **_amounts(total, total),
            **_currency(row.currency_code, row.exchange_rate),
            "RemainingCredit": rest,
            "Allocations": self._allocations(used),
            "Payments": [],
            "HasAttachments": False,
        }
        touched = deleted_at or max(
            [row.updated_at, *(self._changed_at(each) for each in (*self._made_of(row), *refunds))]
        )
        return _dated(touched, item)

    def _on_account(self, row: Payment, deleted_at: datetime | None) -> Decimal:
        if self._is_on_account(row):
            return row.amount
        freed = [each.amount for each in self._at_once(row) if each.key in self._gone]
        return _NO_MONEY if deleted_at else sum(freed, _NO_MONEY)

    def _is_on_account(self, row: Payment) -> bool:
        """Whether it was not used up when it was entered; that it was is not undone by what is
        deleted later."""
        return sum((each.amount for each in self._at_once(row)), _NO_MONEY) < row.amount

    def _kind_of(self, row: Payment) -> str:
        return "Overpayment" if self._at_once(row) else "Prepayment"

    def _made_of(self, row: Payment) -> list[Allocation]:
        return self._by_source.get(("payment", row.key), [])

    def _at_once(self, row: Payment) -> list[Allocation]:
        return [
            each for each in self._made_of(row) if each.created_at.date() <= row.created_at.date()
        ]

    # ------------------------------------------------------------------ parts of a record

    def _allocations(self, rows: Iterable[Allocation]) -> list[Item]:
        found = []
        for row in rows:
            document = self._world.find(Document, row.document_id)
            if document is not None:
                item = self._allocation(id_of("allocation", row.key), row.amount, document)
                found.append({**item, "IsDeleted": row.key in self._gone})
        return found

    def _allocation(self, id: str, amount: Decimal, document: Document) -> Item:
        return {
            "AllocationID": id,
            "Amount": amount,
            "Date": xero_day(document.issue_date),
            "IsDeleted": False,
            "Invoice": {
                "InvoiceID": id_of("document", document.key),
                "InvoiceNumber": document.document_number or document.key,
                "Payments": [],
                "CreditNotes": [],
                "Prepayments": [],
                "Overpayments": [],
                "HasErrors": False,
                "IsDiscounted": False,
                "LineItems": [],
            },
        }

    def _contact_of(self, customer_id: str) -> Item:
        customer = self._world.find(Customer, customer_id)
        return {
            "ContactID": id_of("contact", customer_id),
            "Name": customer.customer_name if customer else customer_id,
            "Addresses": [],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "HasValidationErrors": False,
        }

    def _touched(self, at: datetime, source_type: str, key: str) -> datetime:
        return max(
            [at, *(self._changed_at(each) for each in self._by_source.get((source_type, key), ()))]
        )

    def _changed_at(self, row: Allocation) -> datetime:
        return max(row.updated_at, self._gone.get(row.key, row.updated_at))


_PAYMENT_TYPES = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "AROVERPAYMENT": "AROVERPAYMENTPAYMENT",
    "ARPREPAYMENT": "ARPREPAYMENTPAYMENT",
}


def _dated(updated_at: datetime, item: Item) -> Dated:
    return updated_at, {**item, "UpdatedDateUTC": xero_moment(updated_at)}


def _status(row: Document, deleted_at: datetime | None, rest: Decimal) -> str:
    if row.status == "draft":
        return "DELETED" if deleted_at else "DRAFT"
    if row.status == "void" or deleted_at:
        return "VOIDED"
    return "AUTHORISED" if rest else "PAID"


def _amounts(total: Decimal, net: Decimal) -> Item:
    return {
        "LineAmountTypes": "Exclusive",
        "LineItems": [{"Description": "Sales", "Quantity": Decimal(1), "LineAmount": net}],
        "SubTotal": net,
        "TotalTax": total - net,
        "Total": total,
    }


def _currency(code: str, rate: Decimal | None) -> Item:
    return {"CurrencyCode": code, "CurrencyRate": _foreign_per_base(rate)}


def _foreign_per_base(rate: Decimal | None) -> Decimal:
    return (1 / (rate or Decimal(1))).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _text(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"
