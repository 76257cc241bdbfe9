"""Stand-in of Odoo's external API: JSON-2 (19 and later) and XML-RPC, over one database.

Contract: apis.md section 7.1; `external_api.rst` and `external_rpc_api.rst` of odoo/documentation.
Only what reads: `search`, `search_read`, `fields_get`, and the common service's `version` and
`authenticate`. `desk.options["version"]` is the version that is played, from 13.0 to 19.0.

A server that fails answers with a traceback, as Odoo does.
"""

from __future__ import annotations

import traceback
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk
from encours.sandbox.json_bodies import answer_json, read_json
from encours.sandbox.odoo_records import RELATIONS, Database, Values
from encours.sandbox.rows import KINDS

DATABASE = "sandbox"
LOGIN = "encours@sandbox.example"
VERSION = "19.0"
_USER = 2
_FIRST_JSON_2_VERSION = 19

_CLIENT_ERROR, _ACCESS_DENIED = 1, 3


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.login = LOGIN
    desk.options = {"database": DATABASE, "version": VERSION}
    desk.usual_fields = {
        "unknown_value": "*.state",
        "other_type": "*.balance",
        "missing_field": "*.parent_state",
        "new_field": "*.x_studio_new",
    }
    server = _Server(world, desk)
    desk.not_found = lambda: _refuse_json(404, "werkzeug.exceptions.NotFound", "Not Found")
    return [
        Route("/json/2/{model}/{method}", server.answer_json_2, methods=["POST"]),
        Route("/xmlrpc/2/common", server.answer_common, methods=["POST"]),
        Route("/xmlrpc/2/object", server.answer_object, methods=["POST"]),
    ]


class _Server:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._database: Database | None = None
        self._made_of: tuple[Any, ...] = ()

    @property
    def version(self) -> int:
        return int(self._desk.options["version"].partition(".")[0])

    # ------------------------------------------------------------------ JSON-2

    async def answer_json_2(self, request: Request) -> Response:
        if self.version < _FIRST_JSON_2_VERSION:
            return Response("<!doctype html><title>404 Not Found</title>", 404)
        if not self._desk.check_bearer(request):
            return _refuse_json(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
        if request.headers.get("X-Odoo-Database", DATABASE) != DATABASE:
            return _refuse_json(404, "werkzeug.exceptions.NotFound", "No such database")
        named = read_json(await request.body())
        try:
            value = self._call(request.path_params["model"], request.path_params["method"], named)
        except LookupError as error:
            return _refuse_json(404, "werkzeug.exceptions.NotFound", str(error))
        except TypeError as error:
            return _refuse_json(422, "werkzeug.exceptions.UnprocessableEntity", str(error))
        except ValueError as error:
            return _refuse_json(500, "builtins.ValueError", str(error))
        return answer_json(value)

    # ------------------------------------------------------------------ XML-RPC

    async def answer_common(self, request: Request) -> Response:
        arguments, method = xmlrpc.client.loads(await request.body())
        if method == "version":
            return _answer_xml(
                {
                    "server_version": self._desk.options["version"],
                    "server_version_info": [self.version, 0, 0, "final", 0, ""],
                    "server_serie": f"{self.version}.0",
                    "protocol_version": 1,
                }
            )
        if method != "authenticate":
            return _fault(_CLIENT_ERROR, _traceback("builtins.NameError", "Method not found"))
        database, login, password = map(str, arguments[:3])
        if database != DATABASE:
            said = f'FATAL:  database "{database}" does not exist'
            return _fault(_CLIENT_ERROR, _traceback("psycopg2.OperationalError", said))
        is_known = login == self._desk.login and self._desk.check(password)
        return _answer_xml(_USER if is_known else False)

    async def answer_object(self, request: Request) -> Response:
        arguments, _ = xmlrpc.client.loads(await request.body())
        database, user, password, model, method, by_position, *rest = arguments
        if database != DATABASE or user != _USER or not self._desk.check(str(password)):
            return _fault(_ACCESS_DENIED, "Access Denied")
        named = dict(rest[0]) if rest and isinstance(rest[0], dict) else {}
        first = "allfields" if method == "fields_get" else "domain"
        if isinstance(by_position, list) and by_position:
            named[first] = by_position[0]
        try:
            value = self._call(str(model), str(method), named)
        except (LookupError, TypeError, ValueError):
            return _fault(_CLIENT_ERROR, traceback.format_exc())
        return _answer_xml(value)

    # ------------------------------------------------------------------ the models

    def _call(self, model: str, method: str, named: Mapping[str, Any]) -> Any:
        """LookupError for an unknown model or method, TypeError for an unknown argument,
        ValueError for an unknown field."""
        tables = self._current().tables
        if model not in tables:
            raise LookupError(f"the model '{model}' does not exist")
        methods: dict[str, Callable[..., Any]] = {
            "search": self._search,
            "search_read": self._search_read,
            "fields_get": self._fields_get,
        }
        if method not in methods:
            raise LookupError(f"The method '{model}.{method}' does not exist")
        return methods[method](model, **named)

    def _search(
        self,
        model: str,
        *,
        domain: Sequence[Any] = (),
        offset: int = 0,
        limit: int | None = None,
        order: str = "id",
        context: Mapping[str, Any] | None = None,
    ) -> list[int]:
        rows = self._found(model, domain, context or {})
        for part in reversed(order.split(",")):
            name, _, direction = part.strip().partition(" ")
            rows.sort(key=lambda row, name=name: row[name], reverse=direction == "desc")  # type: ignore[misc]
        return [row["id"] for row in rows[offset : None if limit is None else offset + limit]]

    def _search_read(
        self, model: str, *, fields: Sequence[str] = (), **search: Any
    ) -> list[Values]:
        table = self._current().tables[model]
        rows = [table[number] for number in self._search(model, **search)]
        return [{name: _value(model, row, name) for name in ("id", *fields)} for row in rows]

    def _fields_get(
        self,
        model: str,
        *,
        allfields: Sequence[str] = (),
        attributes: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        row = next(iter(self._current().tables[model].values()), None)
        names = (
            list(allfields) if row is None else [n for n in row if not allfields or n in allfields]
        )
        return {name: {"type": "char"} for name in names}

    def _found(self, model: str, domain: Sequence[Any], context: Mapping[str, Any]) -> list[Values]:
        tables = self._current().tables
        rows = [row for row in tables[model].values() if self._fits(model, row, list(domain))]
        if context.get("active_test", True):
            rows = [row for row in rows if row.get("active", True)]
        return rows

    def _fits(self, model: str, row: Values, domain: list[Any]) -> bool:
        """Conditions in prefix notation; those that no operator joins must all hold."""
        while domain:
            if not self._take(model, row, domain):
                return False
        return True

    def _take(self, model: str, row: Values, domain: list[Any]) -> bool:
        head = domain.pop(0)
        if head in ("|", "&"):
            one, other = self._take(model, row, domain), self._take(model, row, domain)
            return (one or other) if head == "|" else (one and other)
        name, operator, wanted = head
        return _compare(self._look_up(model, row, name), operator, wanted)

    def _look_up(self, model: str, row: Values, path: str) -> Any:
        name, _, rest = path.partition(".")
        value = _value(model, row, name)
        if rest:
            related = RELATIONS[name]
            return self._look_up(related, self._current().tables[related][value[0]], rest)
        return value[0] if isinstance(value, list) else value

    def _current(self) -> Database:
        """The database, made anew when the books have changed."""
        made_of = (
            *(self._world.rows(kind) for kind in KINDS),
            self._world.clock.date(),
            self._desk.is_switched,
            self.version,
        )
        is_same = len(made_of) == len(self._made_of) and all(
            now is then or (not isinstance(now, tuple) and now == then)
            for now, then in zip(made_of, self._made_of, strict=True)
        )
        if self._database is None or not is_same:
            self._database = Database(self._world, self._desk, self.version)
            self._made_of = made_of
        return self._database


def _value(model: str, row: Values, name: str) -> Any:
    if name not in row:
        raise ValueError(f"Invalid field '{name}' on '{model}'")
    return row[name]


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    if operator == "=":
        return bool(value == wanted)
    if operator == "in":
        return value in wanted
    if operator == ">":
        return bool(value > wanted)
    if operator == ">=":
        return bool(value >= wanted)
    raise ValueError(f"Invalid operator {operator}")


# ---------------------------------------------------------------------- answers


def _refuse_json(status: int, name: str, message: str) -> Response:
    return JSONResponse(
        {
            "name": name,
            "message": message,
            "arguments": [message, status],
            "context": {},
            "debug": _traceback(name, message),
        },
        status,
    )


def _traceback(name: str, message: str) -> str:
    return (
        "Traceback (most recent call last):\n"
        '  File "/opt/odoo/odoo/http.py", line 2212, in _transactioning\n'
        "    return service_model.retrying(func, env=self.env)\n"
        f"{name}: {message}\n"
    )


def _answer_xml(value: Any) -> Response:
    body = xmlrpc.client.dumps((value,), methodresponse=True)
    return Response(body.encode(), media_type="text/xml")


def _fault(code: int, said: str) -> Response:
    body = xmlrpc.client.dumps(xmlrpc.client.Fault(code, said), methodresponse=True)
    return Response(body.encode(), media_type="text/xml")
