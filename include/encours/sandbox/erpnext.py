"""A stand-in of ERPNext's REST API, for what a receivables pipeline reads of it.

Contract: apis.md section 7.3, and the source of the product: lists, rights and errors are those of
frappe/frappe (`frappe/api/v1.py`, `frappe/client.py`), rows those of the doctypes of
frappe/erpnext. Only lists of `GET /api/resource/<Doctype>` and the time zone of the site.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk, Refused
from encours.sandbox.erpnext_records import CHILD_OF, TIME_ZONE, Row, Site
from encours.sandbox.json_bodies import answer_json, read_json
from encours.sandbox.rows import KINDS

API_KEY = "sandbox-key"
PAGE_ROWS = 20
_STANDARD_FIELDS = ("name", "creation", "modified", "docstatus", "idx")


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.login = API_KEY
    desk.options = {"company": desk.company().entity_name or desk.company().entity_id}
    desk.usual_fields = {
        "unknown_value": "data.*.docstatus",
        "other_type": "data.*.amount",
        "missing_field": "data.*.delinked",
        "new_field": "data.*.sandbox_new_field",
    }
    desk.not_found = lambda: _refusal(404, "DoesNotExistError", "The resource is not available")
    server = _Server(world, desk)
    return [
        Route("/api/method/frappe.client.get_time_zone", server.time_zone),
        Route("/api/resource/{doctype}", server.guarded(server.documents)),
    ]


class _Server:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._site: Site | None = None
        self._made_of: tuple[Any, ...] = ()

    def time_zone(self, request: Request) -> Response:
        return answer_json({"message": {"time_zone": TIME_ZONE}})

    def guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def guard(request: Request) -> Response:
            if not self._is_known(request.headers.get("authorization", "")):
                return _refusal(401, "AuthenticationError", "")
            return answer(request)

        return guard

    def _is_known(self, header: str) -> bool:
        scheme, _, pair = header.partition(" ")
        if scheme.lower() == "basic":
            known = b64encode(f"{API_KEY}:{self._desk.token}".encode()).decode()
            return pair == known and self._desk.check(self._desk.token)
        key, _, secret = pair.partition(":")
        return scheme.lower() == "token" and key == API_KEY and self._desk.check(secret)

    def documents(self, request: Request) -> Response:
        """A list of one doctype: 20 rows with their names alone, unless told otherwise."""
        asked = request.query_params
        doctype = request.path_params["doctype"]
        tables = self._current().tables
        if doctype not in tables:
            return _refusal(404, "DoesNotExistError", f"DocType {doctype} not found")
        if doctype in CHILD_OF and asked.get("parent") != CHILD_OF[doctype]:
            return _refusal(403, "PermissionError", "")
        fields = _json(asked.get("fields", '["name"]'))
        filters = _json(asked.get("filters", "[]"))
        rows = [row for row in tables[doctype] if all(_fits(row, each) for each in filters)]
        name, _, direction = asked.get("order_by", "modified desc").partition(" ")
        rows.sort(key=lambda row: _comparable(_value(row, name)), reverse=direction == "desc")
        start, size = (
            _number(asked, "limit_start", 0),
            _number(asked, "limit_page_length", PAGE_ROWS),
        )
        shown = rows[start : start + size if size else None]
        return answer_json({"data": [_chosen(row, fields) for row in shown]})

    def _current(self) -> Site:
        """The site, made anew when the books have changed."""
        made_of = (
            *(self._world.rows(kind) for kind in KINDS),
            len(self._world.tombstones()),
            self._world.clock.date(),
            self._desk.is_switched,
        )
        is_same = len(made_of) == len(self._made_of) and all(
            now is then or (not isinstance(now, tuple) and now == then)
            for now, then in zip(made_of, self._made_of, strict=True)
        )
        if self._site is None or not is_same:
            self._site = Site(self._world, self._desk)
            self._made_of = made_of
        return self._site


def _chosen(row: Row, fields: Sequence[str]) -> Row:
    return dict(row) if "*" in fields else {field: _value(row, field) for field in fields}


def _value(row: Row, field: str) -> Any:
    if field not in row and field not in _STANDARD_FIELDS:
        raise Refused(_refusal(417, "DataError", f"Field not permitted in query: {field}"))
    return row.get(field)


def _fits(row: Row, condition: Sequence[Any]) -> bool:
    field, operator, wanted = condition
    value = _value(row, field)
    if operator == "in":
        return value in wanted
    compare = _OPERATORS.get(operator)
    if compare is None:
        raise Refused(_refusal(417, "ValidationError", "Operator must be one of =, in, >, >="))
    return compare(_comparable(value), _comparable(wanted))


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: bool(value == wanted),
    ">": lambda value, wanted: bool(value > wanted),
    ">=": lambda value, wanted: bool(value >= wanted),
}


def _comparable(value: Any) -> Any:
    """Texts are compared without regard to case, as MariaDB does."""
    return value.casefold() if isinstance(value, str) else value


def _json(text: str) -> list[Any]:
    try:
        value = read_json(text.encode())
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise Refused(_refusal(417, "ValidationError", "Invalid filter"))
    return value


def _number(asked: Mapping[str, str], name: str, usual: int) -> int:
    text = asked.get(name, str(usual))
    return int(text) if text.isdecimal() else usual


def _refusal(status: int, exc_type: str, message: str) -> Response:
    """As Frappe words it; a site in developer mode adds the traceback."""
    said = f"frappe.exceptions.{exc_type}: {message}"
    return answer_json(
        {
            "exc_type": exc_type,
            "exception": said,
            "exc": f'["Traceback (most recent call last):\\n{said}"]',
            "_server_messages": "[]",
        },
        status,
    )
