"""The pages as HTML. Every value is escaped; what they show is worked out here, not in the
templates."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from encours.gate_page.access import Visitor
from encours.gate_page.freshness import books_of
from encours.gate_page.wording import Wording

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Frame:
    """What every page needs. `base` is the path that the app is mounted at, `airflow` that of
    Airflow's own UI; the page may stand inside of it, and then leads to itself only."""

    wording: Wording
    base: str
    airflow: str
    visitor: Visitor | None
    is_embedded: bool


@dataclass(frozen=True)
class Attempt:
    """A form that came back: which, what was written in it, and what is wrong with it."""

    action: str
    reason: str
    problem: str


def render_overview(
    frame: Frame,
    status: Mapping[str, Any],
    run: Mapping[str, Any] | None,
    *,
    asked: str | None = None,
    done: str = "",
    attempt: Attempt | None = None,
) -> str:
    """`run` is the one that is shown: the one asked for, else the one held, else the last one."""
    current = status["publication"]
    return _render(
        frame,
        "overview.html",
        status=status,
        current=current,
        # A link tells what was done only while it is what stands.
        done=done if current and current["action"] == done else "",
        asked=asked,
        run=run,
        other_reasons=other_reasons(run) if run else [],
        books=books_of(status["freshness"], status["extractions"]),
        attempt=attempt,
    )


def render_confirmation(
    frame: Frame,
    status: Mapping[str, Any],
    run: Mapping[str, Any] | None,
    *,
    action: str,
    reason: str,
    token: str,
) -> str:
    """`run` is the one to be released; without it, the publication before comes back."""
    return _render(
        frame,
        "confirmation.html",
        current=status["publication"],
        run=run,
        then=run if action == "release" else status["earlier"],
        action=action,
        reason=reason,
        token=token,
    )


def render_message(frame: Frame, message: str, *, detail: str = "", sign_in: str = "") -> str:
    """A page that says one thing: `message` names its title, and with `_text` what to do."""
    return _render(frame, "message.html", message=message, detail=detail, sign_in=sign_in)


def other_reasons(run: Mapping[str, Any]) -> list[str]:
    """Why a run is held beyond the checks that left a result, such as one that left none."""
    told = [f"{check['table_name']}: {check['check_name']}:" for check in run["checks"]]
    reasons: Sequence[str] = run["reasons"]
    return [reason for reason in reasons if not reason.startswith(tuple(told))]


def _render(frame: Frame, template: str, **values: Any) -> str:
    page = _environment().get_template(template)
    return page.render(frame=frame, say=frame.wording, t=frame.wording.words, **values)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
