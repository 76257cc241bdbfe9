"""What is done about late invoices: reminders, promises, collection, litigation, write-offs."""

from __future__ import annotations

from encours.demo.events import Action, Case, Document, Life, Part, Promise, WriteOff
from encours.demo.randomness import Draw, whole
from encours.demo.world import World

FAR = 1 << 30

# days after the due date, then at random so many more; share sent by the robot;
# chance that the customer reacts to an automatic and to a manual action
_LEVELS = ((1, 8, 5, 0.92, 0.12, 0.22), (2, 21, 7, 0.55, 0.15, 0.30), (3, 42, 10, 0.2, 0.18, 0.35))
# channel, minutes of work (at least, at random more), cost in cents
_AUTOMATIC = (("email", 10), ("email", 10), ("letter", 185))
_MANUAL = (("email", 4, 6, 10), ("phone", 6, 20, 60), ("registered_letter", 12, 25, 740))
_COST_PER_MINUTE = 55
ROBOT = "robot"
_AGENTS = 6


class Pursuit:
    """Chases the invoices of one customer and writes what was done into its life."""

    def __init__(self, world: World, life: Life, draw: Draw, portfolio_agent: int) -> None:
        self._ids = world.ids
        self._days = world.days
        self._life = life
        self._draw = draw
        self._agent = portfolio_agent

    def chase(
        self, document: Document, due: int, amount: int, intended: int, *, deaf: bool = False
    ) -> int:
        """Reminds until the payment day that the customer intends; returns the day it becomes."""
        draw, days = self._draw, self._days
        pay_day = intended
        for level, after, spread, automatic_share, auto_effect, manual_effect in _LEVELS:
            day = days.next_working[due + after + whole(draw, spread)]
            # Now and then a reminder crosses the payment in the post.
            if day > days.end or day >= pay_day + (2 if draw() < 0.1 else 0):
                break
            automatic = draw() < automatic_share
            self._act(document, level, day, automatic)
            if deaf or day >= pay_day:
                continue
            if draw() < (auto_effect if automatic else manual_effect):
                pay_day = min(pay_day, days.next_working[day + 2 + whole(draw, 10)])
            elif not automatic and draw() < 0.5:
                pay_day = self._promise(document, amount, day, pay_day)
        if pay_day > due + 60:
            self._open_cases(document, due, pay_day)
        return pay_day

    def lose(
        self, document: Document, parts: tuple[Part, ...], rest: int, last_payment: int = 0
    ) -> None:
        """Nothing more will come: reminders in vain, a case, and in the end a write-off."""
        draw, days = self._draw, self._days
        due = parts[-1].due
        given_up = days.next_working[max(due + 150 + whole(draw, 200), last_payment + 1)]
        self.chase(document, due, rest, FAR if given_up > days.end else given_up, deaf=True)
        if given_up > days.end:
            return
        reason = "insolvency" if draw() < 0.6 else "uncollectible"
        if len(parts) > 1 and document.names_parts:
            for part in parts:
                self.write_off(document, part.number, part.amount, given_up, reason)
        else:
            self.write_off(document, 0, rest, given_up, reason)

    def write_off(self, document: Document, part: int, amount: int, day: int, reason: str) -> None:
        self._life.write_offs.append(
            WriteOff(self._ids.take("W"), document.document_id, part, day, amount, reason)
        )

    def _act(self, document: Document, level: int, day: int, automatic: bool) -> None:
        if automatic:
            channel, cost = _AUTOMATIC[level - 1]
            minutes, collector = 0, ROBOT
        else:
            channel, least, more, postage = _MANUAL[level - 1]
            minutes = least + whole(self._draw, more)
            cost = postage + minutes * _COST_PER_MINUTE
            substitute = self._draw() < 0.15
            agent = whole(self._draw, _AGENTS) if substitute else self._agent
            collector = f"agent-{agent + 1:02d}"
        self._life.actions.append(
            Action(
                self._ids.take("R"), document.document_id, level, channel, automatic, day,
                collector, minutes, cost,
            )
        )  # fmt: skip

    def _promise(self, document: Document, amount: int, day: int, pay_day: int) -> int:
        """Kept: the promised day is the payment day or just after. Broken: payment comes later."""
        draw, days = self._draw, self._days
        about_document = document.document_id if draw() < 0.88 else ""
        if draw() < 0.68 and pay_day < day + 45:
            promised = pay_day + whole(draw, 3)
        else:
            promised = days.next_working[day + 4 + whole(draw, 12)]
            pay_day = max(pay_day, days.next_working[promised + 7 + whole(draw, 25)])
        self._life.promises.append(
            Promise(self._ids.take("M"), about_document, amount, promised, day)
        )
        return pay_day

    def _open_cases(self, document: Document, due: int, settled: int) -> None:
        draw, days = self._draw, self._days
        last = min(settled, days.end)
        collection = days.next_working[due + 50 + whole(draw, 10)]
        litigation = days.next_working[due + 105 + whole(draw, 30)]
        for stage, opened, until, share in (
            ("collection", collection, min(settled, litigation), 0.7),
            ("litigation", litigation, settled, 0.5),
        ):
            if draw() < share and opened < last and opened < until:
                closed = until if until <= days.end else None
                self._life.cases.append(
                    Case(self._ids.take("K"), document.document_id, stage, opened, closed)
                )
