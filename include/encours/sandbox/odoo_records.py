"""The books as an Odoo database keeps them: moves, their lines, and what reconciles the lines.

Each document, payment and write-off is a journal entry with its receivable lines (one for each
instalment) and one line on the other side; an allocation is a partial reconcile of two receivable
lines. Values are as Odoo answers them: `False` for empty, an id with a name for a reference, floats
for amounts, UTC without fractions of a second for moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zlib import crc32

from encours.sandbox.books import World
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

Values = dict[str, Any]
Tables = Mapping[str, Mapping[int, Values]]

_CENT = Decimal("0.01")
_STATES = {"posted": "posted", "draft": "draft", "void": "cancel"}
# What a reference refers to, for conditions that look through it.
RELATIONS = {
    "account_id": "account.account",
    "debit_move_id": "account.move.line",
    "credit_move_id": "account.move.line",
    "move_id": "account.move",
    "company_id": "res.company",
}


def number_of(kind: str, *key: object) -> int:
    """The id of a record: the same for the same books everywhere, and fit for XML-RPC."""
    return crc32("/".join((kind, *map(str, key))).encode()) % (2**31 - 1) + 1


def moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class _Line:
    """A receivable line while entries are reconciled; amounts signed, debit positive."""

    values: Values
    amount: Decimal
    rate: Decimal
    open_amount: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self.open_amount = self.amount


@dataclass
class Database:
    """All tables of one company's books, built once for as long as the books do not change."""

    world: World
    desk: Desk
    version: int
    tables: dict[str, dict[int, Values]] = field(default_factory=dict)
    _lines: dict[tuple[str, str], list[_Line]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._company = self.desk.company()
        self._base = self._company.base_currency
        for name in ("res.company", "res.currency", "account.account", "res.partner"):
            self.tables[name] = {}
        for name in ("account.move", "account.move.line", "account.partial.reconcile"):
            self.tables[name] = {}
        self._add_companies()
        self._add_accounts()
        self._add_partners()
        for document in self.world.documents:
            self._add_document(document)
        for payment in self.world.payments:
            self._add_payment(payment)
        for write_off in self.world.write_offs:
            self._add_write_off(write_off)
        self._reconcile()
        for lines in self._lines.values():
            for line in lines:
                line.values["amount_residual"] = _float(_company(line.open_amount, line.rate))
                line.values["amount_residual_currency"] = _float(line.open_amount)
        for model, table in self.tables.items():
            for row in table.values():
                _age(model, row, self.version)

    # ------------------------------------------------------------------ what does not move

    def _add_companies(self) -> None:
        others = [e for e in self.world.rows(Entity) if e.entity_id != self.world.entity_id]
        for entity in (self._company, *others):
            self._put(
                "res.company",
                number_of("company", entity.entity_id),
                entity.updated_at,
                name=entity.entity_name or entity.entity_id,
                create_date=moment(entity.created_at),
                currency_id=self._currency(entity.base_currency),
                company_registry=entity.siren or False,
                vat=False,
                currency_exchange_journal_id=_reference("journal", "EXCH", "Exchange Difference"),
            )

    def _add_accounts(self) -> None:
        kinds = {"411": "asset_receivable", "706": "income", "512": "asset_cash"}
        for code, kind in kinds.items():
            self._put(
                "account.account",
                number_of("account", code),
                self._company.updated_at,
                code=code,
                name=code,
                account_type=kind,
            )

    def _add_partners(self) -> None:
        known = {customer.customer_id for customer in self.world.customers}
        named = [document.customer_id for document in self.world.documents]
        named += [payment.customer_id for payment in self.world.payments]
        unlisted = [
            Customer(customer_id=name, updated_at=self._company.updated_at)
            for name in dict.fromkeys(named)
            if name not in known
        ]
        for customer in (*self.world.customers, *unlisted):
            self._add_partner(customer)

    def _add_partner(self, customer: Customer) -> None:
        terms = customer.payment_terms
        parent = customer.parent_customer_id
        limit = customer.credit_limit
        self._put(
            "res.partner",
            number_of("partner", customer.customer_id),
            customer.updated_at,
            name=customer.customer_name or customer.customer_id,
            ref=customer.customer_id,
            vat=customer.vat_number or False,
            company_registry=customer.siren or False,
            country_code=customer.country_code or False,
            company_id=False,
            parent_id=self._partner(parent) if parent else False,
            commercial_partner_id=self._partner(customer.customer_id),
            property_payment_term_id=_reference("term", terms, terms) if terms else False,
            credit_limit=_float(limit or Decimal(0)),
            customer_rank=1,
            active=customer.attributes.get("active", "true") == "true",
        )

    # ------------------------------------------------------------------ entries

    def _add_document(self, document: Document) -> None:
        is_invoice = document.document_type == "invoice"
        due = document.due_date or document.issue_date + timedelta(days=30)
        instalments = sorted(
            self.world.where(Instalment, document_id=document.key),
            key=lambda instalment: instalment.instalment_no,
        )
        parts = [(part.due_date, part.amount) for part in instalments]
        number = document.document_number or document.document_id
        rate = self._rate(document.currency_code, document.exchange_rate)
        open_amount = self.world.remaining_amount(document)
        credited = document.credited_document_id
        move = self._put(
            "account.move",
            number_of("move", "document", document.key),
            self.world.touched_at(document),
            name="/" if document.status == "draft" else number,
            move_type="out_invoice" if is_invoice else "out_refund",
            state=_STATES[document.status],
            payment_state="paid" if open_amount == 0 else "not_paid",
            ref=False,
            partner_id=self._partner(document.customer_id),
            commercial_partner_id=self._partner(document.customer_id),
            date=document.issue_date.isoformat(),
            invoice_date=document.issue_date.isoformat(),
            invoice_date_due=due.isoformat(),
            invoice_payment_term_id=False,
            currency_id=self._currency(document.currency_code),
            amount_total=_float(document.amount_incl_tax),
            amount_untaxed=_float(document.amount_excl_tax or document.amount_incl_tax),
            amount_residual=_float(open_amount),
            reversed_entry_id=(
                _reference("move", "document", credited, name=credited) if credited else False
            ),
        )
        for position, (day, amount) in enumerate(parts or [(due, document.amount_incl_tax)]):
            line = self._add_line(
                move,
                ("document", document.key, position),
                amount if is_invoice else -amount,
                rate,
                self._currency(document.currency_code),
                date_maturity=day.isoformat(),
            )
            self._lines.setdefault(("document", document.key), []).append(line)

    def _add_payment(self, payment: Payment) -> None:
        used = self.world.where(Allocation, source_type="payment", source_id=payment.key)
        gone = [
            tombstone.deleted_at
            for tombstone in self.world.tombstones(Allocation)
            if isinstance(tombstone.row, Allocation) and tombstone.row.source_id == payment.key
        ]
        name = f"BNK1/{payment.key}"
        move = self._entry("payment", payment, name, payment.payment_date, payment.customer_id)
        move["write_date"] = moment(max([payment.updated_at, *(a.updated_at for a in used), *gone]))
        line = self._add_line(
            move,
            ("payment", payment.key),
            payment.amount if payment.payment_type == "refund" else -payment.amount,
            self._rate(payment.currency_code, payment.exchange_rate),
            self._currency(payment.currency_code),
            payment_id=_reference("payment", payment.key, f"P{name}"),
            journal_id=_reference("journal", "BNK1", payment.method or "Bank"),
            ref=payment.reference or False,
        )
        self._lines[("payment", payment.key)] = [line]

    def _add_write_off(self, write_off: WriteOff) -> None:
        document = self.world.get(Document, write_off.document_id)
        move = self._entry(
            "write_off",
            write_off,
            f"MISC/{write_off.key}",
            write_off.write_off_date,
            document.customer_id,
        )
        line = self._add_line(
            move,
            ("write_off", write_off.key),
            -write_off.amount,
            self._rate(document.currency_code, document.exchange_rate),
            self._currency(document.currency_code),
            ref=write_off.reason or False,
        )
        self._lines[("write_off", write_off.key)] = [line]

    def _entry(self, kind: str, row: Any, name: str, day: Any, customer_id: str) -> Values:
        return self._put(
            "account.move",
            number_of("move", kind, row.key),
            row.updated_at,
            name=name,
            move_type="entry",
            state="posted",
            payment_state="not_paid",
            ref=False,
            partner_id=self._partner(customer_id) if customer_id else False,
            commercial_partner_id=self._partner(customer_id) if customer_id else False,
            date=day.isoformat(),
            invoice_date=False,
            invoice_date_due=False,
            invoice_payment_term_id=False,
            currency_id=self._currency(self._base),
            amount_total=0.0,
            amount_untaxed=0.0,
            amount_residual=0.0,
            reversed_entry_id=False,
        )

    def _add_line(
        self,
        move: Values,
        key: tuple[object, ...],
        amount: Decimal,
        rate: Decimal,
        currency: list[Any],
        **values: Any,
    ) -> _Line:
        """The receivable line of an entry, and the line on its other side."""
        written_at = move["write_date"]
        shared = {
            "move_id": [move["id"], move["name"]],
            "move_name": move["name"],
            "parent_state": move["state"],
            "date": move["date"],
            "partner_id": move["partner_id"],
            "currency_id": currency,
            "date_maturity": False,
            "payment_id": False,
            "statement_line_id": False,
            "journal_id": _reference("journal", "MISC", "Miscellaneous"),
            "name": False,
            "ref": False,
            **values,
        }
        balance = _company(amount, rate)
        other_side = "706" if values.get("date_maturity") else "512"
        self._put(
            "account.move.line",
            number_of("line", "other", *key),
            written_at,
            **shared,
            account_id=_reference("account", other_side, other_side),
            balance=_float(-balance),
            amount_currency=_float(-amount),
            amount_residual=0.0,
            amount_residual_currency=0.0,
        )
        found = self._put(
            "account.move.line",
            number_of("line", *key),
            written_at,
            **shared,
            account_id=_reference("account", "411", "411"),
            balance=_float(balance),
            amount_currency=_float(amount),
        )
        return _Line(found, amount, rate)

    # ------------------------------------------------------------------ reconciling

    def _reconcile(self) -> None:
        """In the order in which they take effect; oldest due date first where none is named."""
        for allocation in sorted(self.world.allocations, key=self._effect):
            if not self.world.is_in_force(allocation):
                continue
            source = ("payment", allocation.source_id)
            if allocation.source_type == "credit_note":
                source = ("document", allocation.source_id)
            target = ("document", allocation.document_id)
            if target not in self._lines:
                target = ("payment", allocation.document_id)
            self._match(
                allocation, self._lines[source], self._lines[target], allocation.instalment_no
            )
        for write_off in self.world.write_offs:
            lines = self._lines[("document", write_off.document_id)]
            self._match(
                write_off,
                self._lines[("write_off", write_off.key)],
                lines,
                write_off.instalment_no,
            )

    def _effect(self, allocation: Allocation) -> tuple[str, str]:
        keys = [("payment", allocation.source_id), ("document", allocation.source_id)]
        keys += [("document", allocation.document_id), ("payment", allocation.document_id)]
        dates = [line.values["date"] for key in keys for line in self._lines.get(key, [])]
        return max(dates, default=""), allocation.key

    def _match(
        self,
        row: Allocation | WriteOff,
        sources: list[_Line],
        targets: list[_Line],
        instalment_no: int | None,
    ) -> None:
        left = row.amount
        if instalment_no is not None and len(targets) > 1:
            targets = [targets[instalment_no - 1]]
        for target in sorted(targets, key=lambda line: str(line.values["date_maturity"])):
            for source in sources:
                amount = min(left, abs(target.open_amount), abs(source.open_amount))
                if amount > 0:
                    left -= amount
                    self._match_lines(row, source, target, amount)

    def _match_lines(
        self, row: Allocation | WriteOff, source: _Line, target: _Line, amount: Decimal
    ) -> None:
        debit, credit = (target, source) if target.amount > 0 else (source, target)
        debit.open_amount -= amount
        credit.open_amount += amount
        values = self._put_reconcile(row, debit.values, credit.values, amount, debit.rate)
        difference = _company(amount, credit.rate) - _company(amount, debit.rate)
        if difference:
            values["exchange_move_id"] = self._book_exchange(
                row, debit if difference < 0 else credit, difference
            )

    def _book_exchange(
        self, row: Allocation | WriteOff, line: _Line, difference: Decimal
    ) -> list[Any]:
        """The rates of both sides differ: an entry in the company's currency alone takes what is
        left there of one line."""
        key = ("exchange", row.key, line.values["id"])
        move = self._entry("exchange", row, f"EXCH/{row.key}", self.world.clock.date(), "")
        move["partner_id"] = line.values["partner_id"]
        found = self._put(
            "account.move.line",
            number_of("line", *key),
            row.updated_at,
            **{
                **line.values,
                "move_id": [move["id"], move["name"]],
                "move_name": move["name"],
                "payment_id": False,
                "date_maturity": False,
                "journal_id": _reference("journal", "EXCH", "Exchange Difference"),
                "balance": _float(difference),
                "amount_currency": 0.0,
                "amount_residual": 0.0,
                "amount_residual_currency": 0.0,
            },
        )
        sides = (found, line.values) if difference > 0 else (line.values, found)
        reconcile = self._put_reconcile(row, *sides, Decimal(0), Decimal(1), "exchange")
        reconcile["amount"] = _float(abs(difference))
        return [move["id"], move["name"]]

    def _put_reconcile(
        self,
        row: Allocation | WriteOff,
        debit: Values,
        credit: Values,
        amount: Decimal,
        rate: Decimal,
        *kind: str,
    ) -> Values:
        is_base = debit["currency_id"] == self._currency(self._base)
        return self._put(
            "account.partial.reconcile",
            number_of("reconcile", row.stream, row.key, debit["id"], credit["id"], *kind),
            row.updated_at,
            debit_move_id=[debit["id"], debit["move_name"]],
            credit_move_id=[credit["id"], credit["move_name"]],
            amount=_float(_company(amount, rate)),
            debit_amount_currency=_float(amount),
            credit_amount_currency=_float(amount),
            amount_currency=0.0 if is_base else _float(amount),
            currency_id=False if is_base else debit["currency_id"],
            exchange_move_id=False,
            full_reconcile_id=False,
            max_date=max(debit["date"], credit["date"]),
        )

    # ------------------------------------------------------------------ parts of a row

    def _put(self, model: str, number: int, written_at: datetime | str, **values: Any) -> Values:
        company = self._company
        values.pop("id", None)
        written = written_at if isinstance(written_at, str) else moment(written_at)
        row: Values = {
            "id": number,
            "company_id": _reference("company", company.entity_id, company.entity_name),
            **values,
            "write_date": written,
        }
        table = self.tables.setdefault(model, {})
        if number in table:
            raise ValueError(f"two rows of {model} have the id {number}")
        table[number] = row
        return row

    def _partner(self, customer_id: str) -> list[Any]:
        return _reference("partner", customer_id, customer_id)

    def _currency(self, code: str) -> list[Any]:
        number = number_of("currency", code)
        if number not in self.tables["res.currency"]:
            self._put("res.currency", number, self._company.updated_at, name=code, active=True)
        return [number, code]

    def _rate(self, currency: str, stated: Decimal | None) -> Decimal:
        return Decimal(1) if currency == self._base else stated or Decimal(1)


def _reference(kind: str, *key: object, name: str = "") -> list[Any]:
    """An id with a name; the last part of the key is the name unless one is given."""
    parts = key if name else key[:-1]
    return [number_of(kind, *parts), name or str(key[-1])]


def _age(model: str, row: Values, version: int) -> None:
    """The row as an older version has it."""
    if model == "account.move" and version < 14:
        row["type"] = row.pop("move_type")
    if model == "account.partial.reconcile":
        since_14 = ("debit_amount_currency", "credit_amount_currency")
        for name in ("amount_currency", "currency_id") if version >= 14 else since_14:
            del row[name]
        if version < 16:
            del row["exchange_move_id"]
    if model == "account.account" and version < 16:
        del row["account_type"]
    if model == "account.move.line" and version < 16:
        is_receivable = row["account_id"][1] == "411"
        row["account_internal_type"] = "receivable" if is_receivable else "other"
    if model == "res.partner" and version < 16:
        del row["company_registry"], row["country_code"]


def _company(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount * rate).quantize(_CENT, ROUND_HALF_UP)


def _float(amount: Decimal) -> float:
    """Odoo computes and answers in binary fractions; their shortest form has the digits of any
    amount."""
    return float(amount)
