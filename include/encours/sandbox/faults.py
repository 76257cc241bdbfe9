"""What goes wrong with real APIs, on demand.

    sandbox.faults.add("truncated", on="/pennylane/customer_invoices", times=1, after=3)

A fault concerns the requests whose path fits `on` (`*` stands for anything): it lets `after` of
them pass, then strikes `times` of them. Faults that lie in the data (a new field, a switched
account) last until they are removed, others strike once; `times` says otherwise. Several faults may
strike one request: the one added last is nearest to the stand-in.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from typing import Any

from starlette.responses import Response

from encours.errors import BadInput
from encours.sandbox.books import World
from encours.sandbox.desk import Call, Desk

ALWAYS = sys.maxsize


@dataclass(frozen=True)
class Answer:
    """An answer on its way out. `cut_at`: the connection is closed after so many bytes of the body,
    whatever the Content-Length said. `skew` is added to the Date header."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut_at: int | None = None
    skew: timedelta = timedelta()

    def with_body(self, body: bytes, content_type: str | None = None) -> Answer:
        dropped = {"content-length"} | ({"content-type"} if content_type else set())
        headers = [(name, value) for name, value in self.headers if name.lower() not in dropped]
        headers.append(("content-length", str(len(body))))
        if content_type:
            headers.append(("content-type", content_type))
        return replace(self, headers=tuple(headers), body=body)


def answer_of(response: Response) -> Answer:
    headers = tuple((name.decode(), value.decode()) for name, value in response.raw_headers)
    return Answer(response.status_code, headers, bytes(response.body))


@dataclass(frozen=True)
class Visit:
    """One request, as a fault sees it. `previous` is the last answer that went out for this path,
    `is_gone` returns once the caller has hung up."""

    call: Call
    desk: Desk
    world: World
    previous: Answer | None
    is_gone: Callable[[], Awaitable[None]]


# Which requests a fault concerns: those with a path like this, or those that a test picks.
On = str | Callable[[Call], bool]
Serve = Callable[[], Awaitable[Answer]]
Act = Callable[[Visit, Serve], Awaitable[Answer]]


def _always(visit: Visit) -> bool:
    return True


@dataclass(frozen=True)
class Strike:
    """What a fault does to a request; one that does not concern it is not used up by it."""

    act: Act
    concerns: Callable[[Visit], bool] = _always


@dataclass
class Fault:
    """A fault that was added. `struck` counts the requests that it concerned so far."""

    name: str
    on: On
    times: int
    after: int
    strike: Strike = field(repr=False)
    passed: int = 0
    struck: int = 0

    def is_due(self, visit: Visit) -> bool:
        """Whether it strikes this request; counts the request if its path fits."""
        fits = self.on(visit.call) if callable(self.on) else fnmatchcase(visit.call.path, self.on)
        if not fits or self.struck >= self.times:
            return False
        if self.passed < self.after:
            self.passed += 1
            return False
        if not self.strike.concerns(visit):
            return False
        self.struck += 1
        return True


class Faults:
    """The faults of one sandbox. Added and removed at run time, from any thread."""

    def __init__(self) -> None:
        self._added: list[Fault] = []

    def add(
        self, name: str, *, on: On = "*", times: int | None = None, after: int = 0, **options: Any
    ) -> Fault:
        """See above; `options` are those of the fault's function below. BadInput where the name or
        an option of it is unknown."""
        kind = KINDS.get(name)
        if kind is None:
            raise BadInput(f"there is no fault '{name}'", mend=f"one of {', '.join(sorted(KINDS))}")
        try:
            strike = kind.make(**options)
        except TypeError as error:
            raise BadInput(
                f"the fault {name} cannot be had with {', '.join(sorted(options)) or 'no options'}",
                mend=kind.options,
            ) from error
        fault = Fault(name, on, kind.times if times is None else times, after, strike)
        self._added = [*self._added, fault]
        return fault

    def remove(self, fault: Fault) -> None:
        self._added = [added for added in self._added if added is not fault]

    def clear(self) -> None:
        self._added = []

    def due(self, visit: Visit, *, in_data_only: bool = False) -> list[Fault]:
        """`in_data_only`: not those of requests, which a database does not have."""
        return [
            fault
            for fault in self._added
            if (KINDS[fault.name].lies_in_data or not in_data_only) and fault.is_due(visit)
        ]


async def strike_all(due: list[Fault], visit: Visit, serve: Serve) -> Answer:
    """The answer with all faults that are due, the first added outermost."""
    if not due:
        return await serve()
    return await due[0].strike.act(visit, lambda: strike_all(due[1:], visit, serve))


# ---------------------------------------------------------------------- instead of an answer


def too_many_requests(retry_after: float = 1, form: str = "seconds") -> Strike:
    """429 in the vendor's shape; `form` of Retry-After: `seconds`, `date` or `none`."""
    if form not in ("seconds", "date", "none"):
        raise TypeError(form)

    async def act(visit: Visit, serve: Serve) -> Answer:
        refused = answer_of(visit.desk.refusal(retry_after))
        headers = [h for h in refused.headers if h[0].lower() != "retry-after"]
        if form == "seconds":
            headers.append(("retry-after", str(math.ceil(retry_after))))
        elif form == "date":
            moment = visit.world.clock + timedelta(seconds=retry_after)
            headers.append(("retry-after", format_datetime(moment, usegmt=True)))
        return replace(refused, headers=tuple(headers))

    return Strike(act)


def server_error(status: int = 500, body: str = "Internal Server Error") -> Strike:
    async def act(visit: Visit, serve: Serve) -> Answer:
        return Answer(status, (("content-type", "text/plain"),), b"").with_body(body.encode())

    return Strike(act)


def hang(seconds: float = 60) -> Strike:
    """Answers after so long, unless the caller has hung up before."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        gone = asyncio.ensure_future(visit.is_gone())
        await asyncio.wait({gone}, timeout=seconds)
        gone.cancel()
        return await serve()

    return Strike(act)


def html_page(status: int = 200) -> Strike:
    """What a proxy or a login page says in the API's place."""
    page = b"<!DOCTYPE html><html><body><h1>Service unavailable</h1></body></html>"

    async def act(visit: Visit, serve: Serve) -> Answer:
        return Answer(status, (), b"").with_body(page, "text/html; charset=utf-8")

    return Strike(act)


def deleted_id(id: str = "") -> Strike:
    """404 for one id: that which the last part of the path names, by default the first one asked
    for. Other ids are answered."""
    chosen = id

    def concerns(visit: Visit) -> bool:
        nonlocal chosen
        last = visit.call.path.rstrip("/").rpartition("/")[2]
        if not chosen and any(character.isdigit() for character in last):
            chosen = last
        return last == chosen

    async def act(visit: Visit, serve: Serve) -> Answer:
        return answer_of(visit.desk.not_found())

    return Strike(act, concerns)


# ---------------------------------------------------------------------- half an answer


def reset(share: float = 0.5) -> Strike:
    """The connection is closed after this share of a body that was announced whole."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        return replace(answer, cut_at=int(len(answer.body) * share))

    return Strike(act)


def truncated(share: float = 0.5) -> Strike:
    """A body that ends too early, with a Content-Length that agrees with it."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        return answer.with_body(answer.body[: int(len(answer.body) * share)])

    return Strike(act)


# ---------------------------------------------------------------------- another answer


def repeated_page() -> Strike:
    """The last answer of the same path again, instead of the one that is asked for."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        return visit.previous or await serve()

    return Strike(act, lambda visit: visit.previous is not None)


def moving_rows(change: Callable[[World], object] | None = None) -> Strike:
    """The books change once the answer is made, before the next page is asked for. By default
    another document is booked, like the last one."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        (change or _book_another)(visit.world)
        return answer

    return Strike(act)


def _book_another(world: World) -> None:
    last = max(world.documents, key=lambda document: document.created_at, default=None)
    if last is not None:
        name = f"{last.document_id}-moved-{len(world.documents)}"
        world.add(replace(last, document_id=name, document_number=name))


def dead_token(token: str = "") -> Strike:
    """The token dies (all of the desk's access tokens without one): this request and the next are
    refused by the stand-in, until a token is refreshed or issued."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        visit.desk.revoke(token or None)
        return await serve()

    return Strike(act)


def switched_account() -> Strike:
    """The same credentials open another company: for good, as when a person changed it."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        visit.desk.is_switched = True
        return await serve()

    return Strike(act)


def clock_skew(seconds: float = 3600) -> Strike:
    """The source's clock is so far ahead (or behind, when negative): the Date header says so."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        return replace(answer, skew=answer.skew + timedelta(seconds=seconds))

    return Strike(act)


# ---------------------------------------------------------------------- another body


def rewritten(change: Callable[[Any], Any]) -> Strike:
    """The decoded body goes through a function; bodies that are none of the vendor's stay as they
    are."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        return _rewrite(visit, answer, change)

    return Strike(act)


def unknown_value(field: str = "", value: Any = "sandbox_unknown") -> Strike:
    """A value that the vendor's documentation does not name."""
    return _on_fields("unknown_value", field, "**.status", lambda _: value)


def other_type(field: str = "", value: Any = None) -> Strike:
    """A number becomes text and text a number, everything else null; `value` says otherwise."""

    def other(old: Any) -> Any:
        if value is not None:
            return value
        if isinstance(old, str):
            return 12345
        return None if isinstance(old, bool | list | dict | None) else str(old)

    return _on_fields("other_type", field, "**.amount", other)


def missing_field(field: str = "") -> Strike:
    return _on_fields("missing_field", field, "**.currency", None)


def new_field(field: str = "", value: Any = "sandbox_new") -> Strike:
    """A field that was not there before, in each record."""

    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        usual = visit.desk.usual_fields.get("new_field", "**.sandbox_new_field")
        where, _, name = (field or usual).rpartition(".")
        return _rewrite(visit, answer, lambda body: put_field(body, where, name, value))

    return Strike(act)


def _on_fields(name: str, field: str, fallback: str, change: Callable[[Any], Any] | None) -> Strike:
    async def act(visit: Visit, serve: Serve) -> Answer:
        answer = await serve()
        path = field or visit.desk.usual_fields.get(name, fallback)
        return _rewrite(visit, answer, lambda body: change_field(body, path, change))

    return Strike(act)


def _rewrite(visit: Visit, answer: Answer, change: Callable[[Any], Any]) -> Answer:
    try:
        body = visit.desk.read_body(answer.body)
    except ValueError:
        return answer
    return answer.with_body(visit.desk.write_body(change(body)))


def change_field(body: Any, path: str, change: Callable[[Any], Any] | None) -> Any:
    """The body with the value at a path changed, or taken out where `change` is None.

    A path is keys with dots between: `items.*.customer.id`. `*` is each element of a list or each
    value of an object, a number one element, `**` any depth. What is not there is not added.
    """
    return _change(body, path.split("."), change)


_GONE = object()


def _change(value: Any, keys: list[str], change: Callable[[Any], Any] | None) -> Any:
    if not keys:
        return _GONE if change is None else change(value)
    key, rest = keys[0], keys[1:]
    if key == "**":
        value = _change(value, rest, change)
        return value if value is _GONE else _inside(value, "*", keys, change)
    return _inside(value, key, rest, change)


def _inside(value: Any, key: str, rest: list[str], change: Callable[[Any], Any] | None) -> Any:
    """The members that the key names, each with the rest of the path followed in it."""
    if isinstance(value, dict):
        changed = {
            name: _change(member, rest, change) if key in ("*", name) else member
            for name, member in value.items()
        }
        return {name: member for name, member in changed.items() if member is not _GONE}
    if isinstance(value, list):
        members = [
            _change(member, rest, change) if key in ("*", str(position)) else member
            for position, member in enumerate(value)
        ]
        return [member for member in members if member is not _GONE]
    return value


def put_field(body: Any, where: str, name: str, value: Any) -> Any:
    """The body with a field put into each object at the path `where`; the empty path is the body
    itself."""

    def put(found: Any) -> Any:
        return {**found, name: value} if isinstance(found, dict) else found

    return put(body) if not where else change_field(body, where, put)


# ---------------------------------------------------------------------- the catalogue


@dataclass(frozen=True)
class Kind:
    """`times` is how often it strikes unless told; `options` are those of `make`, in words;
    `lies_in_data` where what is answered is at fault, not the answering."""

    make: Callable[..., Strike]
    times: int
    options: str = "it takes none"
    lies_in_data: bool = False


KINDS: Mapping[str, Kind] = {
    "too_many_requests": Kind(
        too_many_requests, 3, "retry_after=SECONDS, form=seconds, date or none"
    ),
    "server_error": Kind(server_error, 3, "status=NUMBER, body=TEXT"),
    "hang": Kind(hang, 1, "seconds=NUMBER"),
    "reset": Kind(reset, 1, "share=0.5"),
    "truncated": Kind(truncated, 1, "share=0.5"),
    "html_page": Kind(html_page, 1, "status=NUMBER"),
    "repeated_page": Kind(repeated_page, 1),
    "moving_rows": Kind(moving_rows, 1, "change=FUNCTION of the world, in tests"),
    "dead_token": Kind(dead_token, 1, "token=TEXT"),
    "clock_skew": Kind(clock_skew, ALWAYS, "seconds=NUMBER"),
    "unknown_value": Kind(unknown_value, ALWAYS, "field=PATH, value=TEXT", lies_in_data=True),
    "new_field": Kind(new_field, ALWAYS, "field=PATH, value=TEXT", lies_in_data=True),
    "missing_field": Kind(missing_field, ALWAYS, "field=PATH", lies_in_data=True),
    "other_type": Kind(other_type, ALWAYS, "field=PATH, value=TEXT", lies_in_data=True),
    "rewritten": Kind(
        rewritten, ALWAYS, "change=FUNCTION of the decoded body, in tests", lies_in_data=True
    ),
    "deleted_id": Kind(deleted_id, ALWAYS, "id=TEXT"),
    "switched_account": Kind(switched_account, 1, lies_in_data=True),
}


def parse_fault(text: str) -> dict[str, Any]:
    """The arguments of `Faults.add` in a line: `NAME[:TIMES][,OPTION=VALUE ...]`, such as
    `truncated:2,on=/pennylane/*,after=3`. BadInput where it cannot be read."""
    head, *settings = text.split(",")
    name, _, times = head.partition(":")
    given: dict[str, str] = {"times": times} if times else {}
    for setting in settings:
        option, equals, value = setting.partition("=")
        if not equals:
            raise BadInput(
                f"--fault '{text}' cannot be read", mend="NAME[:TIMES][,OPTION=VALUE ...]"
            )
        given[option.strip()] = value
    own = inspect.signature(KINDS[name].make).parameters if name in KINDS else {}
    kinds = {"times": "int", "after": "int", **{o: p.annotation for o, p in own.items()}}
    read = {option: _read(text, value, kinds.get(option, "")) for option, value in given.items()}
    return {"name": name, **read}


def _read(text: str, value: str, kind: str) -> Any:
    parse = {"int": int, "float": float}.get(kind, str)
    if "Callable" in kind:
        raise BadInput(f"--fault '{text}' needs a function", mend="this can be had in tests only")
    try:
        return parse(value)
    except ValueError as error:
        raise BadInput(f"--fault '{text}': '{value}' is not a number") from error
