"""What a message says: facts in, text, Markdown and HTML out. Pure.

A notice holds facts without a language, as they are kept in `ops.alert_message`; it is put into
words when it is sent. It names tables, checks, sources and entities; it holds no customer and no
amount unless the home asks for customers (`with_customers`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from encours.alerts.texts import TEXTS
from encours.quality.reasons import reason_of
from encours.typography import NO_BREAK, number, percent

KINDS = frozenset({"hold", "failure", "freshness", "business"})
Stage = Literal["opened", "recovered"]
SHOWN_FINDINGS = 15


@dataclass(frozen=True)
class Quantity:
    """A number, a moment or words, with what it counts.

    `unit`: days, rows, failures (whole or decimal numbers), ratio (0..1), moment, day (ISO),
    number, text (shown as it stands) and word (a key of texts). `form` is a key of texts that
    takes the value: at_most, at_least, before. `high` closes a range that `value` opens.
    """

    value: str
    unit: str = "text"
    form: str = ""
    high: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that failed: `what` is a key of texts, `<table> / <check>`, or a name that is shown
    as it stands. `why` is the reason in English, as the ledger keeps it."""

    what: str
    observed: Quantity
    expected: Quantity
    why: str = ""
    entity_ids: tuple[str, ...] = ()
    source: str = ""
    since: str = ""
    customer_count: int = 0
    # Rows that the check found beside the one whose figures are told.
    more_count: int = 0
    # Only where the home asks for them.
    customers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice:
    """The facts of one message. `kind` is of KINDS, or `test`; moments and dates are ISO."""

    kind: str
    stage: Stage = "opened"
    run_id: str = ""
    dag_id: str = ""
    step: str = ""
    entity_id: str = ""
    as_of_date: str = ""
    error: str = ""
    findings: tuple[Finding, ...] = ()
    opened_at: str = ""
    closed_at: str = ""
    seen_count: int = 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(content: Mapping[str, Any]) -> Notice:
    """The notice that `to_json` wrote."""
    findings = tuple(
        Finding(
            **{
                **finding,
                "observed": Quantity(**finding["observed"]),
                "expected": Quantity(**finding["expected"]),
                "entity_ids": tuple(finding["entity_ids"]),
                "customers": tuple(finding["customers"]),
            }
        )
        for finding in content["findings"]
    )
    return Notice(**{**content, "findings": findings})


@dataclass(frozen=True)
class Message:
    """The same in the formats that channels show. `notify_type` is apprise's."""

    subject: str
    text: str
    markdown: str
    html: str
    notify_type: str


@dataclass(frozen=True)
class _Item:
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Page:
    """A message before it has a format."""

    lead: str
    heading: str
    items: tuple[_Item, ...]
    facts: tuple[tuple[str, str], ...]
    link: tuple[str, str] | None
    todo: tuple[str, str] | None = field(default=None)


def render(notice: Notice, *, language: str, time_zone: str, link: str | None = None) -> Message:
    """Put a notice into words. `link` leads to the gate page, None where no UI runs."""
    words = _Words(language, time_zone)
    title = words.title(notice)
    page = _Page(
        lead=words.text(f"{notice.kind}.{notice.stage}.lead"),
        heading=words.heading(notice),
        items=tuple(words.items(notice)),
        facts=tuple(words.facts(notice)),
        link=(words.text("link"), link) if link else None,
        todo=words.todo(notice),
    )
    kinds = {"hold": "failure", "failure": "failure", "freshness": "warning", "business": "warning"}
    is_good = notice.stage == "recovered"
    return Message(
        subject=f"[Encours] {title}",
        text=_plain(page, words),
        markdown=_markdown(page, words),
        html=_html(title, page, words),
        notify_type="success" if is_good else kinds.get(notice.kind, "info"),
    )


# ------------------------------------------------------------------------------ words


class _Words:
    """Words, numbers and moments of one language."""

    def __init__(self, language: str, time_zone: str) -> None:
        self._texts = TEXTS[language]
        self._language = language
        self._zone = ZoneInfo(time_zone)

    def text(self, key: str, **values: object) -> str:
        pattern = self._texts[key]
        return pattern.format(**values) if values else pattern

    def count(self, count: int, noun: str) -> str:
        is_one = count == 1 or (count == 0 and self._language == "fr")
        form = self._texts[f"{noun}.{'1' if is_one else 'n'}"]
        return f"{number(count, self._language)}{NO_BREAK}{form}"

    def title(self, notice: Notice) -> str:
        total = sum(finding.customer_count or 1 for finding in notice.findings)
        return self.text(
            f"{notice.kind}.{notice.stage}",
            checks=self.count(total, "check"),
            things=self.count(total, "source" if notice.kind == "freshness" else "thing"),
            place=self._place(notice),
        )

    def _place(self, notice: Notice) -> str:
        if notice.dag_id.startswith("ingest_"):
            source = notice.dag_id.removeprefix("ingest_")
            of_entity = f" ({notice.entity_id})" if notice.entity_id else ""
            return self.text("place.ingest", source=f"{source}{of_entity}")
        key = f"place.{notice.dag_id}"
        return self.text(key if key in self._texts else "place.other", dag_id=notice.dag_id)

    def heading(self, notice: Notice) -> str:
        if notice.stage == "recovered":
            return self.text("what.recovered")
        key = f"what.{notice.kind}"
        return self.text(key if key in self._texts else "what")

    def items(self, notice: Notice) -> Iterator[_Item]:
        shown = notice.findings[:SHOWN_FINDINGS]
        for finding in shown:
            yield _Item(self._what(finding), tuple(self._lines(finding, notice)))
        if len(notice.findings) > len(shown):
            yield _Item(self.text("more", count=len(notice.findings) - len(shown)), ())

    def _what(self, finding: Finding) -> str:
        name = finding.what
        if name in self._texts:
            name = self.text(
                name,
                source=finding.source,
                customers=self.count(finding.customer_count, "customer"),
            )
        entities = ", ".join(finding.entity_ids)
        label = f"{self.text('entity')}{self.text('separator')}{entities}"
        return f"{name} ({label})" if entities else name

    def _lines(self, finding: Finding, notice: Notice) -> Iterator[str]:
        if notice.stage == "recovered":
            return
        separator = self.text("separator")
        line = (
            f"{self.text('observed')}{separator}{self.quantity(finding.observed)} · "
            f"{self.text('expected')}{separator}{self.quantity(finding.expected)}"
        )
        if finding.more_count:
            line += f" · {self.text('more', count=number(finding.more_count, self._language))}"
        if finding.since:
            line += f" · {self.text('since')} {self.day(finding.since)}"
        yield line
        yield from finding.customers
        if why := self._why(finding):
            yield why

    def _why(self, finding: Finding) -> str:
        table, _, check = finding.what.partition(" / ")
        return reason_of(table, check, why=finding.why, language=self._language).text

    def facts(self, notice: Notice) -> Iterator[tuple[str, str]]:
        if notice.error:
            yield self.text("error"), notice.error
        if notice.entity_id:
            yield self.text("entity"), notice.entity_id
        if notice.step:
            yield self.text("step"), notice.step
        if notice.as_of_date:
            yield self.text("as_of_date"), self.day(notice.as_of_date)
        if notice.run_id:
            yield self.text("run"), notice.run_id
        if notice.stage == "recovered" and notice.opened_at:
            yield (
                self.text("lasted"),
                self.text(
                    "lasted.value",
                    opened=self.moment(notice.opened_at),
                    closed=self.moment(notice.closed_at),
                    times=self.count(notice.seen_count, "time"),
                ),
            )

    def todo(self, notice: Notice) -> tuple[str, str] | None:
        key = f"{notice.kind}.{notice.stage}.todo"
        if key not in self._texts:
            return None
        return self.text("todo"), self.text(key, run_id=notice.run_id)

    def quantity(self, quantity: Quantity) -> str:
        if quantity.high:
            low, high = (
                self._shown(text, quantity.unit) for text in (quantity.value, quantity.high)
            )
            return self.text("between", low=low, high=high)
        shown = self._shown(quantity.value, quantity.unit)
        return self.text(quantity.form, value=shown) if quantity.form else shown

    def _shown(self, value: str, unit: str) -> str:
        if unit == "word":
            return self.text(value)
        if unit == "moment":
            return self.moment(value)
        if unit == "day":
            return self.day(value)
        if unit == "ratio":
            return percent(Decimal(value), self._language)
        if unit in ("days", "rows", "failures"):
            return self._counted(Decimal(value), unit.removesuffix("s"))
        return number(Decimal(value), self._language) if unit == "number" else value

    def _counted(self, counted: Decimal, noun: str) -> str:
        if counted == counted.to_integral_value():
            return self.count(int(counted), noun)
        return f"{number(counted, self._language)}{NO_BREAK}{self._texts[f'{noun}.n']}"

    def day(self, iso: str) -> str:
        day = date.fromisoformat(iso)
        return f"{day:%d/%m/%Y}" if self._language == "fr" else day.isoformat()

    def moment(self, iso: str) -> str:
        moment = datetime.fromisoformat(iso).astimezone(self._zone)
        clock = f"{moment:%H:%M} ({self._zone.key})"
        joint = " à " if self._language == "fr" else ", "
        return f"{self.day(moment.date().isoformat())}{joint}{clock}"


# ------------------------------------------------------------------------------ formats


def _plain(page: _Page, words: _Words) -> str:
    separator = words.text("separator")
    blocks = [page.lead]
    if page.items:
        lines = [f"{page.heading}{separator}".rstrip()]
        for item in page.items:
            lines.append(f"- {item.title}")
            lines.extend(f"  {line}" for line in item.lines)
        blocks.append("\n".join(lines))
    facts = [*page.facts, *((page.link,) if page.link else ())]
    if facts:
        blocks.append("\n".join(f"{label}{separator}{value}" for label, value in facts))
    if page.todo:
        blocks.append(f"{page.todo[0]}{separator}{page.todo[1]}")
    return "\n\n".join(blocks)


def _markdown(page: _Page, words: _Words) -> str:
    separator = words.text("separator")
    blocks = [_escaped(page.lead)]
    if page.items:
        lines = [f"**{_escaped(page.heading)}**", ""]
        for item in page.items:
            told = " — ".join(_escaped(line) for line in item.lines)
            lines.append(f"- **{_escaped(item.title)}**" + (f"{separator}{told}" if told else ""))
        blocks.append("\n".join(lines))
    facts: Sequence[tuple[str, str]] = page.facts
    if facts:
        blocks.append(
            "\n".join(f"- **{label}**{separator}{_escaped(value)}" for label, value in facts)
        )
    if page.link:
        blocks.append(f"[{page.link[0]}]({page.link[1]})")
    if page.todo:
        blocks.append(f"**{page.todo[0]}**{separator}{_escaped(page.todo[1])}")
    return "\n\n".join(blocks)


def _escaped(text: str) -> str:
    """Names are full of underscores, which Markdown would take for italics."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def _html(title: str, page: _Page, words: _Words) -> str:
    separator = words.text("separator")
    parts = [f"<h2>{html.escape(title)}</h2>", f"<p>{html.escape(page.lead)}</p>"]
    if page.items:
        parts.append(f"<h3>{html.escape(page.heading)}</h3><ul>")
        for item in page.items:
            told = "".join(f"<br>{html.escape(line)}" for line in item.lines)
            parts.append(f"<li><b>{html.escape(item.title)}</b>{told}</li>")
        parts.append("</ul>")
    for label, value in page.facts:
        parts.append(f"<p><b>{html.escape(label)}</b>{separator}{html.escape(value)}</p>")
    if page.link:
        address = html.escape(page.link[1], quote=True)
        parts.append(f'<p><a href="{address}">{html.escape(page.link[0])}</a></p>')
    if page.todo:
        parts.append(
            f"<p><b>{html.escape(page.todo[0])}</b>{separator}{html.escape(page.todo[1])}</p>"
        )
    return "\n".join(parts)
