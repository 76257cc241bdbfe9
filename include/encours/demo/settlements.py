"""How invoices get settled: payments, credit notes, advances, bounces, refunds, disputes.

Each posted invoice is planned once (`plan`); what will be paid by ordinary receipts is kept as dues
and paid together at the end (`pay_out`), so that one payment can settle several invoices.
Nothing dated after the end of the history is written.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from encours.demo.customers import Customer
from encours.demo.events import (
    CREDIT_NOTE,
    RECEIPT,
    REFUND,
    Allocation,
    Dispute,
    Document,
    Life,
    Part,
    Payment,
)
from encours.demo.pursuit import Pursuit
from encours.demo.randomness import Draw, whole
from encours.demo.sales import Seller
from encours.demo.world import World

# payment day, currency, order, invoice, instalment (0 = not named), amount
Due = tuple[int, str, int, Document, int, int]

_LATEST = 360
_LARGEST_GROUP = 40
_REASONS = ("price", "quantity", "quality", "delivery", "missing_order_number")
_METHODS = ("transfer", "transfer", "transfer", "transfer", "cheque", "card")


class Settlement:
    """Settles the invoices of one customer."""

    def __init__(
        self,
        world: World,
        customer: Customer,
        life: Life,
        draw: Draw,
        seller: Seller,
        pursuit: Pursuit,
    ) -> None:
        self._world = world
        self._days = world.days
        self._take = world.ids.take
        self._customer = customer
        self._payer = customer.payer
        self._life = life
        self._draw = draw
        self._seller = seller
        self._pursuit = pursuit
        self._run = world.days.payment_runs[
            0 if customer.payer.direct_debit else customer.payer.run
        ]
        self._dues: list[Due] = []
        self._rare = self._rare_fates()
        self._rare_share = self._rare[-1][0]

    def _rare_fates(self) -> list[tuple[float, Callable[[Document], None]]]:
        """The unusual fates of an invoice, by cumulated probability."""
        trouble = self._payer.trouble
        fates: list[tuple[float, Callable[[Document], None]]] = []
        total = 0.0
        for share, fate in (
            (0.15 * trouble, self._pay_in_two),
            (0.015 + 0.012 * trouble, self._dispute),
            (0.030, self._credit),
            (0.012, self._rebate),
            (0.020, self._pay_in_advance),
            (0.008 * trouble, self._pay_short),
            (self._payer.loss_rate, self._lose),
            (0.04 if self._payer.direct_debit else 0.0, self._bounce),
        ):
            total += share
            fates.append((total, fate))
        return fates

    # -- planning --------------------------------------------------------------------------------

    def plan(self, invoice: Document) -> None:
        """Decides the fate of a posted invoice."""
        if len(invoice.parts) > 1:
            self._plan_instalments(invoice)
            return
        u = self._draw()
        if u >= self._rare_share:
            self._expect(invoice, invoice.parts[0], invoice.gross)
            return
        for limit, fate in self._rare:
            if u < limit:
                fate(invoice)
                return

    def _expect(
        self, invoice: Document, part: Part, amount: int, earliest: int = 0, named: int = 0
    ) -> int:
        """The customer will pay this amount, with its own delay, once reminded if need be."""
        day = self._intended_day(part.due, max(earliest, invoice.issue))
        if day > part.due + 7:
            day = self._pursuit.chase(invoice, part.due, amount, day)
        self._owe(day, invoice, named, amount)
        return day

    def _intended_day(self, due: int, earliest: int) -> int:
        payer, draw = self._payer, self._draw
        if payer.direct_debit:
            return self._run[max(earliest, due)]
        late = (
            payer.base
            + payer.drift_per_day * (due - self._days.start)
            + payer.spread * (draw() + draw() - 1.0)
            + payer.tail * (1.0 / sqrt(1.0 - draw()) - 1.0)
        )
        return self._run[max(earliest, due + int(min(late, _LATEST)))]

    def _owe(self, day: int, invoice: Document, named: int, amount: int) -> None:
        self._dues.append((day, invoice.currency, len(self._dues), invoice, named, amount))

    def _plan_instalments(self, invoice: Document) -> None:
        u = self._draw()
        parts = invoice.parts
        paid, lost = parts, parts[:0]
        if u < self._payer.loss_rate:
            paid, lost = parts[:1], parts[1:]
        credited = 0
        if 0.9 < u < 0.94:
            credited = self._credit_last_part(invoice)
        last = 0
        for part in paid:
            amount = part.amount - (credited if part is parts[-1] else 0)
            if amount > 0:
                named = part.number if invoice.names_parts else 0
                last = self._expect(invoice, part, amount, 0, named)
        if lost:
            self._pursuit.lose(invoice, lost, sum(part.amount for part in lost), last)

    def _credit_last_part(self, invoice: Document) -> int:
        """Credits the last instalment, in part or whole, before anything is paid."""
        day = self._days.next_working[invoice.issue + 1 + whole(self._draw, 10)]
        if day > self._days.end:
            return 0
        last = invoice.parts[-1]
        amount = last.amount if self._draw() < 0.3 else max(100, last.amount // 3)
        note = self._seller.credit_note(invoice, amount, day, linked=True)
        named = last.number if invoice.names_parts else 0
        self._allocate(CREDIT_NOTE, note.document_id, invoice, named, amount, day)
        return amount

    # -- rare fates ------------------------------------------------------------------------------

    def _pay_in_two(self, invoice: Document) -> None:
        part = invoice.parts[0]
        first = int(invoice.gross * (0.3 + 0.5 * self._draw()))
        day = self._expect(invoice, part, first)
        later = self._run[day + 8 + whole(self._draw, 50)]
        later = self._pursuit.chase(invoice, part.due + 30, invoice.gross - first, later)
        self._owe(max(day, later), invoice, 0, invoice.gross - first)

    def _pay_short(self, invoice: Document) -> None:
        """Bank charges or a deducted cent: a residue stays, some of it is written off."""
        residue = min(invoice.gross // 10, 50 + whole(self._draw, 3_500))
        day = self._expect(invoice, invoice.parts[0], invoice.gross - residue)
        written_off = self._days.next_working[day + 30 + whole(self._draw, 60)]
        if self._draw() < 0.6 and written_off <= self._days.end:
            self._pursuit.write_off(invoice, 0, residue, written_off, "residue")

    def _lose(self, invoice: Document) -> None:
        rest = invoice.gross
        if self._draw() < 0.25:
            paid = int(invoice.gross * (0.1 + 0.4 * self._draw()))
            due = invoice.parts[0].due
            self._owe(self._run[due + 30 + whole(self._draw, 60)], invoice, 0, paid)
            rest -= paid
        self._pursuit.lose(invoice, invoice.parts, rest)

    def _credit(self, invoice: Document) -> None:
        """A credit note that corrects the invoice, before or after it was paid."""
        draw, days = self._draw, self._days
        amount = invoice.gross if draw() < 0.25 else max(100, int(invoice.gross * draw() * 0.6))
        if draw() < 0.75:
            day = days.next_working[invoice.issue + 3 + whole(draw, 25)]
            if day > days.end:
                self._expect(invoice, invoice.parts[0], invoice.gross)
                return
            note = self._seller.credit_note(invoice, amount, day, linked=True)
            self._allocate(CREDIT_NOTE, note.document_id, invoice, 0, amount, day)
            if amount < invoice.gross:
                self._expect(invoice, invoice.parts[0], invoice.gross - amount, day)
            return
        paid = self._expect(invoice, invoice.parts[0], invoice.gross)
        day = days.next_working[paid + 2 + whole(draw, 30)]
        if day <= days.end:
            note = self._seller.credit_note(invoice, amount, day, linked=True)
            if draw() < 0.65:
                self._refund(note.document_id, invoice.currency, amount, day + 10, "avoir")

    def _rebate(self, invoice: Document) -> None:
        """A credit note on no invoice in particular: used on this one, or left open."""
        draw, days = self._draw, self._days
        day = days.next_working[max(days.start, invoice.issue - 20 + whole(draw, 40))]
        amount = max(100, int(invoice.gross * (0.02 + 0.13 * draw())))
        if day > days.end:
            self._expect(invoice, invoice.parts[0], invoice.gross)
            return
        note = self._seller.credit_note(invoice, amount, day, linked=False)
        if draw() < 0.7:
            effective = max(day, invoice.issue)
            self._allocate(CREDIT_NOTE, note.document_id, invoice, 0, amount, effective)
            self._expect(invoice, invoice.parts[0], invoice.gross - amount, effective)
        else:
            self._expect(invoice, invoice.parts[0], invoice.gross)

    def _pay_in_advance(self, invoice: Document) -> None:
        """Paid before the invoice exists: the allocation takes effect on the invoice date."""
        draw, days = self._draw, self._days
        day = days.next_working[max(days.start, invoice.issue - 2 - whole(draw, 30))]
        share = (30, 30, 50, 100)[whole(draw, 4)]
        amount = invoice.gross * share // 100
        payment = self._pay(RECEIPT, day, invoice.currency, amount, "transfer", "acompte")
        effective = max(day, invoice.issue)
        self._allocate("payment", payment, invoice, 0, amount, effective)
        if amount < invoice.gross:
            self._expect(invoice, invoice.parts[0], invoice.gross - amount)

    def _dispute(self, invoice: Document) -> None:
        draw, days, part = self._draw, self._days, invoice.parts[0]
        opened = days.next_working[invoice.issue + 3 + whole(draw, 30)]
        if opened > days.end:
            self._expect(invoice, part, invoice.gross)
            return
        partial = draw() < 0.5
        amount = max(100, int(invoice.gross * (0.1 + 0.5 * draw()))) if partial else invoice.gross
        closed = days.next_working[opened + 10 + whole(draw, 90)]
        self._life.disputes.append(
            Dispute(
                self._take("L"), invoice.document_id, amount if partial else None, opened,
                closed if closed <= days.end else None, _REASONS[whole(draw, len(_REASONS))],
            )
        )  # fmt: skip
        rest = invoice.gross
        if closed <= days.end and draw() < 0.5:
            note = self._seller.credit_note(invoice, amount, closed, linked=True)
            self._allocate(CREDIT_NOTE, note.document_id, invoice, 0, amount, closed)
            rest -= amount
        elif partial:
            # What is not disputed is paid as usual; the disputed part waits for the outcome.
            self._owe(self._intended_day(part.due, invoice.issue), invoice, 0, rest - amount)
            rest = amount
        if rest:
            self._owe(self._intended_day(part.due, closed + 3), invoice, 0, rest)

    def _bounce(self, invoice: Document) -> None:
        """A direct debit that comes back.

        The receipt stays, the money leaves again as a refund, the allocation is reversed on that
        day, and the refund is allocated to the receipt: both are closed, the invoice is open again.
        """
        draw, days = self._draw, self._days
        day = days.next_working[max(invoice.parts[0].due, invoice.issue)]
        back = days.next_working[day + 2 + whole(draw, 7)]
        if back > days.end:
            self._owe(day, invoice, 0, invoice.gross)
            return
        amount, currency = invoice.gross, invoice.currency
        receipt = self._pay(RECEIPT, day, currency, amount, "direct_debit", invoice.number)
        self._allocate("payment", receipt, invoice, 0, amount, day, reversed_on=back)
        refund = self._pay(REFUND, back, currency, amount, "direct_debit", f"rejet {receipt}")
        self._pay_out_credit(refund, receipt, amount, back)
        again = self._run[back + 5 + whole(draw, 30)]
        again = self._pursuit.chase(invoice, back, amount, again)
        self._owe(again, invoice, 0, amount)

    # -- money -----------------------------------------------------------------------------------

    def pay_out(self) -> None:
        """Pays the dues in the order of their days; one payment per day of the payer and currency,
        unless this payer pays invoice by invoice."""
        dues = sorted(self._dues)
        end = self._days.end
        alone = self._customer.index % 5 < 2
        start = 0
        while start < len(dues) and dues[start][0] <= end:
            day, currency = dues[start][:2]
            stop = start + 1
            limit = start + (1 if alone else _LARGEST_GROUP)
            while stop < min(limit, len(dues)) and dues[stop][:2] == (day, currency):
                stop += 1
            self._receive(day, currency, dues[start:stop])
            start = stop
        if dues and self._draw() < 0.02:
            self._pay_on_account(dues[-1][1])

    def _receive(self, day: int, currency: str, dues: list[Due]) -> None:
        amount = dues[0][5] if len(dues) == 1 else sum(due[5] for due in dues)
        u = self._draw()
        surplus = 0
        if u < 0.006:
            surplus = max(100, amount * (1 + whole(self._draw, 100)) // 100)
        method = "direct_debit" if self._payer.direct_debit else _METHODS[int(u * 6)]
        reference = dues[0][3].number if len(dues) == 1 else f"{len(dues)} factures"
        payment = self._pay(RECEIPT, day, currency, amount + surplus, method, reference)
        if u > 0.97 and day > self._days.end - 30:
            return  # Just in, not matched yet: the invoices stay open beside an unapplied receipt.
        for _, _, _, invoice, named, part_amount in dues:
            self._allocate("payment", payment, invoice, named, part_amount, day)
        if surplus and self._draw() < 0.6:
            self._refund(payment, currency, surplus, day + 15, "trop-perçu")

    def _pay_on_account(self, currency: str) -> None:
        days = self._days
        day = days.next_working[max(days.start, days.end - 5 - whole(self._draw, 50))]
        if day <= days.end:
            amount = self._customer.base_amount
            self._pay(RECEIPT, day, currency, amount, "transfer", "acompte sur commande")

    def _refund(self, credit_id: str, currency: str, amount: int, after: int, why: str) -> None:
        day = self._days.next_working[after + whole(self._draw, 35)]
        if day <= self._days.end:
            refund = self._pay(REFUND, day, currency, amount, "transfer", f"remboursement {why}")
            self._pay_out_credit(refund, credit_id, amount, day)

    def _pay(
        self, kind: str, day: int, currency: str, amount: int, method: str, reference: str
    ) -> str:
        payment_id = self._take("P")
        rate = self._world.rate(currency, day)
        self._life.payments.append(
            Payment(payment_id, kind, day, currency, amount, rate, method, reference)
        )
        return payment_id

    def _allocate(
        self,
        source_type: str,
        source_id: str,
        invoice: Document,
        named: int,
        amount: int,
        day: int,
        reversed_on: int | None = None,
    ) -> None:
        self._life.allocations.append(
            Allocation(
                self._take("A"), source_type, source_id, invoice.document_id, named, amount,
                reversed_on, day,
            )
        )  # fmt: skip

    def _pay_out_credit(self, refund: str, credit_id: str, amount: int, day: int) -> None:
        """The refund pays out a credit note or a receipt (named in place of the document)."""
        self._life.allocations.append(
            Allocation(self._take("A"), "payment", refund, credit_id, 0, amount, None, day)
        )
