"""The books as a site of ERPNext keeps them: vouchers, and the Payment Ledger that they post to.

A document is a Sales Invoice (a credit note one with `is_return`), a payment a Payment Entry, a
write-off a Journal Entry of that type. What a payment settles is a ledger row of the payment
against the invoice; what it leaves is a row against itself. A credit note that settles the one
invoice that it names, whole, is posted against it; any other is set off by a journal entry with a
row on each side, as the reconciliation tool does.

The row of a payment is deleted and written again under another name when what it settles changes,
and nothing tells of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from encours.sandbox.books import Tombstone, World
from encours.sandbox.desk import Desk
from encours.sandbox.rows import (
    Allocation,
    Customer,
    Document,
    Entity,
    Instalment,
    Payment,
    WriteOff,
)
from encours.sandbox.rows import Row as BookRow

Row = dict[str, Any]

TIME_ZONE = "Europe/Paris"
# Which parent's right a child table is read by.
CHILD_OF = {"Payment Schedule": "Sales Invoice"}
_CENT = Decimal("0.01")
_DOCSTATUS = {"draft": 0, "posted": 1, "void": 2}
_DOCTYPES = {"documents": "Sales Invoice", "payments": "Payment Entry", "customers": "Customer"}
_TABLES = (
    *("Company", "Customer", "Sales Invoice", "Payment Schedule", "Payment Entry"),
    *("Journal Entry", "Payment Ledger Entry", "Deleted Document"),
)


def moment(value: datetime) -> str:
    """In the time zone of the site."""
    return value.astimezone(ZoneInfo(TIME_ZONE)).strftime("%Y-%m-%d %H:%M:%S.%f")


@dataclass
class Site:
    """All tables of the site, as they are now."""

    world: World
    desk: Desk
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _TABLES})

    def __post_init__(self) -> None:
        company = self.desk.company()
        self._company = company.entity_name or company.entity_id
        self._base = company.base_currency
        others = [e for e in self.world.rows(Entity) if e.entity_id != self.world.entity_id]
        for entity in (company, *others):
            self._add_company(entity)
        self._add_customers()
        for document in self.world.documents:
            self._add_invoice(document)
        for payment in self.world.payments:
            self._add_payment(payment)
        for allocation in self.world.allocations:
            self._add_set_off(allocation)
        for write_off in self.world.write_offs:
            self._add_write_off(write_off)
        for gone in self.world.tombstones():
            self._add_deletion(gone)

    # ------------------------------------------------------------------ what does not move

    def _add_company(self, entity: Entity) -> None:
        name = entity.entity_name or entity.entity_id
        key = f"{(12 + 3 * (int(entity.siren) % 97)) % 97:02d}" if entity.siren else ""
        self._put(
            "Company",
            name,
            entity,
            company_name=name,
            default_currency=entity.base_currency,
            tax_id=f"FR{key}{entity.siren}" if entity.siren else None,
        )

    def _add_customers(self) -> None:
        known = {customer.customer_id for customer in self.world.customers}
        named = [document.customer_id for document in self.world.documents]
        named += [payment.customer_id for payment in self.world.payments]
        company = self.desk.company()
        unlisted = [
            Customer(customer_id=name, created_at=company.created_at, updated_at=company.updated_at)
            for name in dict.fromkeys(named)
            if name not in known
        ]
        for customer in (*self.world.customers, *unlisted):
            self._put(
                "Customer",
                customer.customer_id,
                customer,
                customer_name=customer.customer_name or customer.customer_id,
                tax_id=customer.vat_number or None,
                territory=customer.region or None,
                industry=customer.sector or None,
                payment_terms=customer.payment_terms or None,
            )

    # ------------------------------------------------------------------ vouchers

    def _add_invoice(self, document: Document) -> None:
        name = _name(document)
        sign = 1 if document.document_type == "invoice" else -1
        rate = self._rate(document.currency_code, document.exchange_rate)
        total = sign * document.amount_incl_tax
        net = sign * (document.amount_excl_tax or document.amount_incl_tax)
        credited = self.world.find(Document, document.credited_document_id)
        touched_at = self.world.touched_at(document)
        self._put(
            "Sales Invoice",
            name,
            document,
            modified=moment(touched_at),
            docstatus=_DOCSTATUS[document.status],
            company=self._company,
            customer=document.customer_id,
            posting_date=document.issue_date,
            due_date=document.due_date or document.issue_date + timedelta(days=30),
            currency=document.currency_code,
            party_account_currency=document.currency_code,
            conversion_rate=rate,
            grand_total=total,
            base_grand_total=_based(total, rate),
            rounded_total=Decimal(0),
            base_rounded_total=Decimal(0),
            net_total=net,
            base_net_total=_based(net, rate),
            write_off_amount=Decimal(0),
            base_write_off_amount=Decimal(0),
            outstanding_amount=sign * self.world.remaining_amount(document),
            is_pos=0,
            is_return=int(sign < 0),
            return_against=_name(credited) if credited else None,
        )
        self._add_schedule(document, name)
        if document.status != "draft":
            against = self._posted_against(document) or document
            self._post(
                ("Sales Invoice", name),
                ("Sales Invoice", _name(against)),
                total,
                rate,
                document,
                at=document.updated_at,
                on=document.issue_date,
                delinked=int(document.status == "void"),
            )

    def _add_schedule(self, document: Document, name: str) -> None:
        parts = sorted(
            self.world.where(Instalment, document_id=document.key),
            key=lambda part: part.instalment_no,
        )
        dates = [(part.due_date, part.amount) for part in parts]
        if not dates and document.document_type == "invoice":
            due = document.due_date or document.issue_date + timedelta(days=30)
            dates = [(due, document.amount_incl_tax)]
        for number, (due, amount) in enumerate(dates, 1):
            self._put(
                "Payment Schedule",
                _hash("schedule", name, number),
                document,
                parent=name,
                parenttype="Sales Invoice",
                idx=number,
                due_date=due,
                payment_amount=amount,
            )

    def _posted_against(self, note: Document) -> Document | None:
        """The invoice that a credit note is posted against: the only one that it settles, whole."""
        used = self.world.where(Allocation, source_type="credit_note", source_id=note.key)
        if len(used) != 1 or note.status != "posted" or not self.world.is_in_force(used[0]):
            return None
        is_whole = used[0].amount == note.amount_incl_tax
        is_named = used[0].document_id == note.credited_document_id
        return self.world.find(Document, used[0].document_id) if is_whole and is_named else None

    def _add_payment(self, payment: Payment) -> None:
        used = self.world.where(Allocation, source_type="payment", source_id=payment.key)
        gone = [
            tombstone.deleted_at
            for tombstone in self.world.tombstones(Allocation)
            if isinstance(tombstone.row, Allocation) and tombstone.row.source_id == payment.key
        ]
        at = max([payment.updated_at, *(a.updated_at for a in used), *gone])
        self._put(
            "Payment Entry",
            payment.key,
            payment,
            modified=moment(at),
            docstatus=1,
            company=self._company,
            payment_type="Pay" if payment.payment_type == "refund" else "Receive",
            posting_date=payment.payment_date,
            party_type="Customer",
            party=payment.customer_id,
            mode_of_payment=payment.method or None,
            reference_no=payment.reference or None,
        )
        sign = 1 if payment.payment_type == "refund" else -1
        rate = self._rate(payment.currency_code, payment.exchange_rate)
        settled: dict[tuple[str, str], Decimal] = {}
        for allocation in used:
            if self.world.is_in_force(allocation):
                against = self._voucher(allocation.document_id)
                settled[against] = settled.get(against, Decimal(0)) + allocation.amount
        rest = payment.amount - sum(settled.values(), Decimal(0))
        own = ("Payment Entry", payment.key)
        for against, amount in [*settled.items(), (own, rest)]:
            if amount:
                self._post(own, against, sign * amount, rate, payment, at, payment.payment_date)

    def _add_set_off(self, allocation: Allocation) -> None:
        note = self.world.find(Document, allocation.source_id)
        if allocation.source_type != "credit_note" or note is None:
            return
        if self._posted_against(note) is not None or not self.world.is_in_force(allocation):
            return
        on = max(note.issue_date, self.world.get(Document, allocation.document_id).issue_date)
        voucher = self._journal(f"SET-OFF-{allocation.key}", "Credit Note", allocation, on)
        rate = self._rate(note.currency_code, note.exchange_rate)
        at = allocation.updated_at
        for against, amount in (
            (("Sales Invoice", _name(note)), allocation.amount),
            (self._voucher(allocation.document_id), -allocation.amount),
        ):
            self._post(voucher, against, amount, rate, note, at, on)

    def _add_write_off(self, write_off: WriteOff) -> None:
        document = self.world.get(Document, write_off.document_id)
        on = write_off.write_off_date
        voucher = self._journal(f"LOSS-{write_off.key}", "Write Off Entry", write_off, on)
        rate = self._rate(document.currency_code, document.exchange_rate)
        against = ("Sales Invoice", _name(document))
        self._post(voucher, against, -write_off.amount, rate, document, write_off.updated_at, on)

    def _journal(self, name: str, kind: str, row: BookRow, on: date) -> tuple[str, str]:
        self._put(
            "Journal Entry",
            name,
            row,
            docstatus=1,
            company=self._company,
            voucher_type=kind,
            posting_date=on,
            cheque_no=None,
        )
        return "Journal Entry", name

    def _add_deletion(self, gone: Tombstone) -> None:
        """A cancelled voucher may be deleted; what was reconciled leaves nothing."""
        doctype = _DOCTYPES.get(gone.kind)
        if doctype is not None:
            name = _name(gone.row) if isinstance(gone.row, Document) else gone.key
            self._put(
                "Deleted Document",
                _hash("deleted", doctype, name),
                gone.row,
                modified=moment(gone.deleted_at),
                deleted_doctype=doctype,
                deleted_name=name,
            )

    # ------------------------------------------------------------------ ledger

    def _voucher(self, key: str) -> tuple[str, str]:
        document = self.world.find(Document, key)
        return ("Sales Invoice", _name(document)) if document else ("Payment Entry", key)

    def _post(
        self,
        voucher: tuple[str, str],
        against: tuple[str, str],
        amount: Decimal,
        rate: Decimal,
        row: Document | Payment,
        at: datetime,
        on: date,
        delinked: int = 0,
    ) -> None:
        """Amounts of a receivable account: debit positive."""
        self._put(
            "Payment Ledger Entry",
            _hash("ledger", *voucher, *against, amount),
            row,
            modified=moment(at),
            company=self._company,
            account_type="Receivable",
            party_type="Customer",
            party=row.customer_id,
            posting_date=on,
            voucher_type=voucher[0],
            voucher_no=voucher[1],
            against_voucher_type=against[0],
            against_voucher_no=against[1],
            amount=_based(amount, rate),
            account_currency=row.currency_code,
            amount_in_account_currency=amount,
            delinked=delinked,
        )

    # ------------------------------------------------------------------ parts of a row

    def _put(self, doctype: str, name: str, row: BookRow, **values: Any) -> None:
        self.tables[doctype].append(
            {
                "name": name,
                "creation": moment(row.created_at),
                "modified": moment(row.updated_at),
                **values,
            }
        )

    def _rate(self, currency: str, stated: Decimal | None) -> Decimal:
        return Decimal(1) if currency == self._base else stated or Decimal(1)


def _name(document: Document) -> str:
    return document.document_number or document.document_id


def _hash(*parts: object) -> str:
    """Ten signs, as the framework names rows that nobody names."""
    return blake2b("/".join(map(str, parts)).encode(), digest_size=5).hexdigest()


def _based(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount * rate).quantize(_CENT, ROUND_HALF_UP)
