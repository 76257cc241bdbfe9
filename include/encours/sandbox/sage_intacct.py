"""Stand-in of Sage Intacct's XML gateway: signing in, and queries.

Contract: apis.md section 5.2; the vendor's page on queries (developer.intacct.com). One address
takes everything by POST, and what goes wrong is an answer with status 200 that says `failure`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import DEMO_TOKEN, Desk, Standing
from encours.sandbox.sage_intacct_records import OBJECTS, Database, Values, sources_of
from encours.sandbox.xml_bodies import answer_xml, read_xml, write_xml

PATH = "/ia/xml/xmlgw.phtml"
LOGIN = "encours"
SENDER_ID = "sandbox-sender"
SESSION_LIFE = timedelta(hours=1)
MOST_ROWS = 2_000
USUAL_ROWS = 100

_WRONG_ACCESS = "XL03000006"
_MOMENT = "%m/%d/%Y %H:%M:%S"


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.login = LOGIN
    desk.options = {
        "company_id": world.entity_id,
        "sender_id": SENDER_ID,
        "sender_password": DEMO_TOKEN,
    }
    desk.usual_fields = {
        "unknown_value": "**.STATE",
        "other_type": "**.WHENMODIFIED",
        "missing_field": "**.CURRENCY",
        "new_field": "**.data.*.*.X_NEW",
    }
    # Records come one or many of a kind.
    desk.read_body = partial(read_xml, lists=frozenset({"data"}))
    desk.write_body = write_xml
    gateway = _Gateway(world, desk)
    # How many it permits, the vendor does not say; that it says so with status 200, clients do.
    desk.limit(10, 1.0, refuse=gateway.too_many)
    return [Route(PATH, gateway.answer, methods=["POST"])]


class _Failed(Exception):
    """A function that cannot be carried out: number and description of the error."""


class _Gateway:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._database: Database | None = None
        self._made_of: tuple[Any, ...] = ()

    async def answer(self, request: Request) -> Response:
        try:
            asked = read_xml(await request.body(), frozenset({"select"}))["request"]
            control, operation = asked["control"], asked["operation"]
            access = operation["authentication"]
            function = operation["content"]["function"]
        except (KeyError, TypeError, ValueError):
            return self._control_failure("XL03000003", "The request is no valid XML")
        sender = (control.get("senderid"), control.get("password"))
        if sender != (SENDER_ID, DEMO_TOKEN):
            said = "Incorrect Intacct XML Partner ID or password."
            return self._control_failure(_WRONG_ACCESS, said)
        if not self._knows(access):
            return self._access_failure()
        try:
            if "getAPISession" in function:
                return self._answered("getAPISession", self._session(str(request.url)))
            if "query" not in function:
                raise _Failed("XL03000009", "The function is unknown")
            return self._answered("query", self._query(function["query"]))
        except _Failed as failed:
            return self._result_failure(*failed.args)

    def too_many(self, standing: Standing) -> Response:
        return self._control_failure("XL03000020", "API rate limit exceeded")

    # ------------------------------------------------------------------ access

    def _knows(self, access: Mapping[str, Any]) -> bool:
        if "sessionid" in access:
            return self._desk.check(access["sessionid"] or "")
        login = access.get("login") or {}
        known = (self._desk.login, self._desk.options["company_id"], self._desk.token)
        return (login.get("userid"), login.get("companyid"), login.get("password")) == known

    def _session(self, url: str) -> Any:
        grant = self._desk.issue(lives=SESSION_LIFE)
        return {
            "api": {"sessionid": grant.access_token, "endpoint": url, "locationid": None},
        }

    # ------------------------------------------------------------------ queries

    def _query(self, query: Mapping[str, Any]) -> Any:
        name = query.get("object")
        if name not in OBJECTS:
            raise _Failed("DL02000001", f"There is no object {name}")
        rows = list(self._current().tables[str(name)].values())
        if query.get("filter"):
            fits = _condition(query["filter"])
            rows = [row for row in rows if fits(row)]
        for order in reversed(_listed((query.get("orderby") or {}).get("order"))):
            field = order["field"]
            rows.sort(key=lambda row, field=field: _comparable(field, row[field]))  # type: ignore[misc]
            if "descending" in order:
                rows.reverse()
        offset, size = int(query.get("offset") or 0), int(query.get("pagesize") or USUAL_ROWS)
        if not 1 <= size <= MOST_ROWS:
            raise _Failed("XL03000010", "pagesize must be between 1 and 2000")
        page = rows[offset : offset + size]
        fields = (query.get("select") or {}).get("field") or []
        return {
            "@listtype": name,
            "@totalcount": len(rows),
            "@offset": offset,
            "@count": len(page),
            "@numremaining": len(rows) - offset - len(page),
            str(name): [{field: _field(row, field) for field in fields} for row in page],
        }

    def _current(self) -> Database:
        """The database, made anew when the books have changed."""
        made_of = (
            *sources_of(self._world),
            self._world.clock.date(),
            self._desk.is_switched,
        )
        is_same = len(made_of) == len(self._made_of) and all(
            now is then or (not isinstance(now, tuple) and now == then)
            for now, then in zip(made_of, self._made_of, strict=True)
        )
        if self._database is None or not is_same:
            self._database = Database(self._world, self._desk)
            self._made_of = made_of
        return self._database

    # ------------------------------------------------------------------ answers

    def _answered(self, function: str, data: Any) -> Response:
        result = {
            "status": "success",
            "function": function,
            "controlid": "encours",
            "data": data,
        }
        return answer_xml({"response": {**_control(), "operation": self._operation(result)}})

    def _operation(self, result: Any) -> Any:
        since = self._world.clock
        return {
            "authentication": {
                "status": "success",
                "userid": self._desk.login,
                "companyid": self._desk.company().entity_id,
                "locationid": None,
                "sessiontimestamp": since.isoformat(),
                "sessiontimeout": (since + SESSION_LIFE).isoformat(),
            },
            "result": result,
        }

    def _control_failure(self, number: str, said: str) -> Response:
        return answer_xml({"response": {**_control("failure"), **_errors(number, said)}})

    def _access_failure(self) -> Response:
        refused = {
            "authentication": {
                "status": "failure",
                "userid": self._desk.login,
                "companyid": self._desk.options["company_id"],
            },
            **_errors(_WRONG_ACCESS, "Sign-in information is incorrect"),
        }
        return answer_xml({"response": {**_control(), "operation": refused}})

    def _result_failure(self, number: str, said: str) -> Response:
        result = {
            "status": "failure",
            "function": "query",
            "controlid": "encours",
            **_errors(number, said),
        }
        return answer_xml({"response": {**_control(), "operation": self._operation(result)}})


def _control(status: str = "success") -> Any:
    return {
        "control": {
            "status": status,
            "senderid": SENDER_ID,
            "controlid": "encours",
            "uniqueid": "false",
            "dtdversion": "3.0",
        }
    }


def _errors(number: str, said: str) -> Any:
    error = {"errorno": number, "description": None, "description2": said, "correction": None}
    return {"errormessage": {"error": error}}


# ---------------------------------------------------------------------- conditions


def _condition(asked: Mapping[str, Any]) -> Callable[[Values], bool]:
    """One operator, or `and` around several; each may be there more than once."""
    parts = [
        _joined(each) if name == "and" else _comparison(name, each)
        for name, value in asked.items()
        for each in _listed(value)
    ]
    return lambda row: all(part(row) for part in parts)


def _joined(asked: Mapping[str, Any]) -> Callable[[Values], bool]:
    if sum(len(_listed(value)) for value in asked.values()) < 2:
        raise _Failed("XL03000011", "and joins at least two conditions")
    return _condition(asked)


def _comparison(operator: str, asked: Mapping[str, Any]) -> Callable[[Values], bool]:
    field, wanted = asked["field"], _comparable(asked["field"], asked["value"])
    if operator == "greaterthan":
        return lambda row: _comparable(field, row[field]) > wanted
    if operator == "greaterthanorequalto":
        return lambda row: _comparable(field, row[field]) >= wanted
    raise _Failed("XL03000012", f"The operator {operator} is unknown")


def _comparable(field: str, text: str) -> Any:
    try:
        return datetime.strptime(text, _MOMENT) if field == "WHENMODIFIED" else int(text)
    except ValueError:
        raise _Failed("XL03000013", f"{field} cannot be compared with this value") from None


def _field(row: Values, name: str) -> str | None:
    if name not in row:
        raise _Failed("DL02000002", f"There is no field {name}")
    return row[name] or None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
