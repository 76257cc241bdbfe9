"""The books as Sage Intacct keeps them: invoices, adjustments, payments, and their details.

An invoice is an ARINVOICE. A credit note is an ARADJUSTMENT below zero, and so is a loss. Money
that settles something is an ARPYMT with a detail for each document; what is left of it is an
overpayment, an ARPYMT of its own. Money that came before any document it settles is an ARADVANCE.
Using an advance or a credit is an ARPYMT of nothing whose details name it. All numbers come from
one series.

Values are text, as Intacct answers them. What it has no place for is left out: refunds,
instalments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b

from encours.sandbox.books import World
from encours.sandbox.desk import Desk
from encours.sandbox.rows import (
    Allocation,
    Customer,
    Dispute,
    Document,
    DunningAction,
    Instalment,
    Payment,
    Row,
    WriteOff,
)

Values = dict[str, str]

OBJECTS = ("ARINVOICE", "ARADJUSTMENT", "ARPYMT", "ARADVANCE", "ARPYMTDETAIL", "CUSTOMER")
_CENT = Decimal("0.01")
# The keys and amounts of what may settle a document; each detail has all of them.
_CREDITS = {
    "payment": ("PAYMENTKEY", "PAYMENTAMOUNT"),
    "adjustment": ("ADJUSTMENTKEY", "ADJUSTMENTAMOUNT"),
    "advance": ("POSTEDADVANCEKEY", "POSTEDADVANCEAMOUNT"),
    "overpayment": ("POSTEDOVERPAYMENTKEY", "POSTEDOVERPAYMENTAMOUNT"),
    "negative invoice": ("NEGATIVEINVOICEKEY", "NEGATIVEINVOICEAMOUNT"),
    "inline": ("INLINEKEY", "INLINEAMOUNT"),
}


def number_of(kind: str, *key: object) -> str:
    """The RECORDNO of a record: the same for the same books everywhere."""
    name = "/".join((kind, *map(str, key))).encode()
    return str(int.from_bytes(blake2b(name, digest_size=6).digest()) + 1)


def day(value: date | None) -> str:
    return f"{value:%m/%d/%Y}" if value else ""


def moment(value: datetime) -> str:
    return f"{value:%m/%d/%Y %H:%M:%S}"


def amount(value: Decimal) -> str:
    """Without the zeros that it does not need: 4598.4, 7797."""
    return f"{value.normalize():f}" if value else "0"


@dataclass
class Database:
    """All tables of one company's books, built once for as long as the books do not change."""

    world: World
    desk: Desk
    tables: dict[str, dict[str, Values]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._base = self.desk.company().base_currency
        self.tables = {name: {} for name in OBJECTS}
        for customer in self.world.customers:
            self._add_customer(customer)
        for document in self.world.documents:
            self._add_document(document)
        for payment in self.world.payments:
            if payment.payment_type == "receipt":
                self._add_receipt(payment)
        for allocation in self.world.allocations:
            if allocation.source_type == "credit_note" and self.world.is_in_force(allocation):
                note = self.world.get(Document, allocation.source_id)
                credit = ("adjustment", number_of("document", note.key))
                self._apply(allocation, credit, allocation.document_id, note.issue_date)
        for write_off in self.world.write_offs:
            self._add_write_off(write_off)

    # ------------------------------------------------------------------ customers, documents

    def _add_customer(self, customer: Customer) -> None:
        limit = customer.credit_limit
        self._put(
            "CUSTOMER",
            number_of("customer", customer.key),
            customer.updated_at,
            {
                "CUSTOMERID": customer.customer_id,
                "NAME": customer.customer_name or customer.customer_id,
                "PARENTID": customer.parent_customer_id,
                "TERMNAME": customer.payment_terms,
                "TAXID": "",
                "CREDITLIMIT": amount(limit) if limit is not None else "",
                "STATUS": "active",
                # A SIRET is the SIREN and five digits of the establishment.
                "DISPLAYCONTACT.SIRET": f"{customer.siren}00017" if customer.siren else "",
                "DISPLAYCONTACT.TAXID": customer.vat_number,
                "DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE": customer.country_code,
            },
        )

    def _add_document(self, document: Document) -> None:
        is_invoice = document.document_type == "invoice"
        sign = 1 if is_invoice else -1
        rate = self._rate(document)
        total = document.amount_incl_tax
        due = self.world.remaining_amount(document)
        name = document.document_number or document.document_id
        dates = [part.due_date for part in self.world.where(Instalment, document_id=document.key)]
        values = {
            "RECORDTYPE": "ri" if is_invoice else "ra",
            "RECORDID": name,
            "CUSTOMERID": document.customer_id,
            "DOCNUMBER": "",
            **self._state(document, due),
            "WHENCREATED": day(document.issue_date),
            "WHENPOSTED": day(document.issue_date),
            "BASECURR": self._base,
            "CURRENCY": document.currency_code,
            "EXCHANGE_RATE": amount(rate),
            "TRX_TOTALENTERED": amount(sign * total),
            "TRX_TOTALPAID": amount(sign * (total - due)),
            "TRX_TOTALDUE": amount(sign * due),
            "TOTALENTERED": amount(sign * _company(total, rate)),
            "TOTALDUE": amount(sign * _company(due, rate)),
        }
        touched = self.world.touched_at(document)
        if is_invoice:
            disputes = self.world.where(Dispute, document_id=document.key)
            reminders = self.world.where(DunningAction, document_id=document.key)
            touched = max([touched, *(row.updated_at for row in (*disputes, *reminders))])
            reasons = [d.reason or "Disputed" for d in disputes if self._is_open(d)]
            values |= {
                "WHENDUE": day(max(dates, default=document.due_date)),
                "TERMNAME": "",
                "DUNNINGCOUNT": str(len(reminders)),
                "DISPUTEREASON": reasons[0] if reasons else "",
                "EINVOICESTATUS": "",
            }
        table = "ARINVOICE" if is_invoice else "ARADJUSTMENT"
        self._put(table, number_of("document", document.key), touched, values)
        if document.status == "void":
            self._reverse(table, document, touched, values)

    def _state(self, document: Document, due: Decimal) -> Values:
        if document.status == "draft":
            return {"STATE": "Draft", "RAWSTATE": "D"}
        if document.status == "void":
            return {"STATE": "Reversed", "RAWSTATE": "V"}
        if document.amount_incl_tax == 0:
            state = "No Value"
        elif due == 0:
            state = "Paid"
        else:
            state = "Posted" if due == document.amount_incl_tax else "Partially Paid"
        return {"STATE": state, "RAWSTATE": "A"}

    def _is_open(self, dispute: Dispute) -> bool:
        today = self.world.clock.date()
        return dispute.opened_on <= today and (
            dispute.closed_on is None or dispute.closed_on > today
        )

    def _reverse(self, table: str, document: Document, touched: datetime, values: Values) -> None:
        """What undoes a document is another one, below zero, with its number."""
        negative = {
            name: amount(-Decimal(values[name])) for name in ("TRX_TOTALENTERED", "TOTALENTERED")
        }
        self._put(
            table,
            number_of("reversal", document.key),
            touched,
            {
                **values,
                **negative,
                "RECORDID": f"Reversed - {values['RECORDID']}",
                "STATE": "Reversal",
                "WHENCREATED": day(touched.date()),
                "WHENPOSTED": day(touched.date()),
            },
        )

    def _add_write_off(self, write_off: WriteOff) -> None:
        """A loss is a credit memo that is used at once."""
        document = self.world.get(Document, write_off.document_id)
        number = number_of("write_off", write_off.key)
        total = -write_off.amount
        self._put(
            "ARADJUSTMENT",
            number,
            write_off.updated_at,
            {
                "RECORDTYPE": "ra",
                "RECORDID": f"WO-{write_off.key}",
                "STATE": "Paid",
                "RAWSTATE": "A",
                "CUSTOMERID": document.customer_id,
                "DOCNUMBER": "",
                "WHENCREATED": day(write_off.write_off_date),
                "WHENPOSTED": day(write_off.write_off_date),
                "BASECURR": self._base,
                "CURRENCY": document.currency_code,
                "EXCHANGE_RATE": amount(self._rate(document)),
                "TRX_TOTALENTERED": amount(total),
                "TRX_TOTALPAID": amount(total),
                "TRX_TOTALDUE": "0",
                "TOTALENTERED": amount(_company(total, self._rate(document))),
                "TOTALDUE": "0",
            },
        )
        self._apply(
            write_off, ("adjustment", number), write_off.document_id, write_off.write_off_date
        )

    # ------------------------------------------------------------------ money

    def _add_receipt(self, payment: Payment) -> None:
        used = [row for row in self._used(payment) if self.world.is_in_force(row)]
        touched = self._payment_touched_at(payment)
        documents = [self.world.get(Document, row.document_id) for row in used]
        if all(document.issue_date > payment.payment_date for document in documents):
            # Nothing was there to be paid.
            number = number_of("payment", payment.key)
            self._put_money("ARADVANCE", "rr", number, payment, payment.amount, touched)
            for row, document in zip(used, documents, strict=True):
                self._apply(row, ("advance", number), document.key, document.issue_date)
            return
        number = number_of("payment", payment.key)
        applied = sum((row.amount for row in used), Decimal(0))
        self._put_money("ARPYMT", "rp", number, payment, applied, touched)
        for row in used:
            self._put_detail(row, ("payment", number), row.document_id, number, payment)
        if left := payment.amount - applied:
            over = number_of("overpayment", payment.key)
            self._put_money("ARPYMT", "ro", over, payment, left, touched)["PARENTPAYMENTKEY"] = (
                number
            )

    def _used(self, payment: Payment) -> tuple[Allocation, ...]:
        return self.world.where(Allocation, source_type="payment", source_id=payment.key)

    def _payment_touched_at(self, payment: Payment) -> datetime:
        gone = [
            tombstone.deleted_at
            for tombstone in self.world.tombstones(Allocation)
            if isinstance(tombstone.row, Allocation) and tombstone.row.source_id == payment.key
        ]
        used = [row.updated_at for row in self._used(payment)]
        return max([payment.updated_at, *used, *gone])

    def _put_money(
        self,
        table: str,
        record_type: str,
        number: str,
        payment: Payment,
        total: Decimal,
        touched: datetime,
    ) -> Values:
        dates = {"RECEIPTDATE": day(payment.payment_date)}
        dates["PAYMENTDATE" if table == "ARADVANCE" else "WHENPAID"] = day(payment.payment_date)
        own = {"PARENTPAYMENTKEY": ""} if table == "ARPYMT" else {}
        return self._put(
            table,
            number,
            touched,
            {
                "RECORDTYPE": record_type,
                "STATE": "C",
                "RAWSTATE": "C",
                "CUSTOMERID": payment.customer_id,
                "PAYMENTMETHOD": payment.method,
                "DOCNUMBER": payment.reference,
                **dates,
                **own,
                "BASECURR": self._base,
                "CURRENCY": payment.currency_code,
                "TRX_TOTALENTERED": amount(total),
                "TOTALENTERED": amount(_company(total, self._rate(payment))),
            },
        )

    # ------------------------------------------------------------------ what settles what

    def _apply(
        self,
        row: Allocation | WriteOff,
        credit: tuple[str, str],
        document_id: str,
        applied_on: date,
    ) -> None:
        """A payment of nothing, whose detail uses a credit."""
        document = self.world.get(Document, document_id)
        number = number_of("application", row.stream, row.key)
        application = Payment(
            payment_id=number,
            customer_id=document.customer_id,
            payment_date=max(applied_on, document.issue_date),
            currency_code=document.currency_code,
            amount=Decimal(0),
            exchange_rate=document.exchange_rate,
        )
        self._put_money("ARPYMT", "rp", number, application, Decimal(0), row.updated_at)
        self._put_detail(row, credit, document_id, number, application)

    def _put_detail(
        self,
        row: Allocation | WriteOff,
        credit: tuple[str, str],
        document_id: str,
        payment_key: str,
        payment: Payment,
    ) -> None:
        kind, key = credit
        settled: Values = {}
        for name, (key_name, amount_name) in _CREDITS.items():
            value = amount(row.amount) if name == kind else ""
            settled |= {
                key_name: key if name == kind else "",
                amount_name: amount(_company(row.amount, self._rate(payment))) if value else "",
                f"TRX_{amount_name}": value,
            }
        self._put(
            "ARPYMTDETAIL",
            number_of("detail", row.stream, row.key),
            row.updated_at,
            {
                "RECORDKEY": number_of("document", document_id),
                "ENTRYKEY": "",
                "POSADJKEY": "",
                **settled,
                "PAYMENTKEY": payment_key,
                "PAYMENTDATE": day(payment.payment_date),
                "DISCOUNTAMOUNT": "",
                "TRX_DISCOUNTAMOUNT": "",
                "CURRENCY": payment.currency_code,
                "STATE": "C",
            },
        )

    # ------------------------------------------------------------------ parts of a record

    def _put(self, table: str, number: str, touched: datetime, values: Mapping[str, str]) -> Values:
        rows = self.tables[table]
        if any(number in other for other in self.tables.values()):
            raise ValueError(f"two records have the number {number}")
        row = {
            "RECORDNO": number,
            **values,
            "MEGAENTITYID": "",
            "WHENMODIFIED": moment(touched),
        }
        rows[number] = row
        return row

    def _rate(self, row: Document | Payment) -> Decimal:
        same = row.currency_code == self._base
        return Decimal(1) if same else row.exchange_rate or Decimal(1)


def sources_of(world: World) -> Iterator[tuple[Row, ...]]:
    """What the tables are made of: as long as these are the same, so are they."""
    kinds = (Customer, Document, Instalment, Payment, Allocation, WriteOff, Dispute, DunningAction)
    for kind in kinds:
        yield world.rows(kind)


def _company(value: Decimal, rate: Decimal) -> Decimal:
    return (value * rate).quantize(_CENT, ROUND_HALF_UP)
