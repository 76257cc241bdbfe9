"""How a method of a model is called: JSON-2 from Odoo 19, XML-RPC before.

JSON-2 takes named arguments and a bearer key; XML-RPC goes through `execute_kw` with database, user
id, and key or password. Odoo documents no limit; hosted ones throttle. Both tell of an error with a
traceback, which is shown nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from encours.clients.api import Access, Exchange
from encours.clients.http import ApiSession, Fault, FaultKind, Limits, Patience, Response
from encours.clients.json_numbers import write_json
from encours.clients.odoo_records import Domain, read_value
from encours.clients.vendor_messages import vendor_words
from encours.clients.xml_rpc import Fault as XmlRpcFault
from encours.clients.xml_rpc import read_answer, write_call
from encours.errors import FatalError

FIRST_JSON_2_VERSION = 19
# Calls are made one after the other anyway.
_LIMITS = Limits(requests=20, seconds=1.0)
_COMMON = "/xmlrpc/2/common"
_OBJECT = "/xmlrpc/2/object"


def open_calls(access: Access, version: int, patience: Patience | None) -> Calls:
    if version >= FIRST_JSON_2_VERSION:
        return Json2Calls(_json_2_session(access, patience))
    return XmlRpcCalls(_xml_rpc_session(access, patience), access)


def ask_version(access: Access, patience: Patience | None) -> str:
    """`16.0`, `saas~18.2+e`: the common service tells it without credentials. Empty where it says
    something else."""
    session = _xml_rpc_session(access, patience)
    try:
        told = read_value(_post_xml(session, _COMMON, "version", (), "").body)
    finally:
        session.close()
    text = told.get("server_version") if isinstance(told, dict) else None
    return text if isinstance(text, str) else ""


class Calls(Protocol):
    def call(
        self, model: str, method: str, domain: Domain, arguments: Mapping[str, Any]
    ) -> Exchange: ...

    def fields_of(self, model: str, names: Sequence[str]) -> Exchange: ...

    def close(self) -> None: ...


class Json2Calls:
    """`POST /json/2/<model>/<method>` with named arguments."""

    def __init__(self, session: ApiSession) -> None:
        self._session = session

    def call(
        self, model: str, method: str, domain: Domain, arguments: Mapping[str, Any]
    ) -> Exchange:
        return self._post(model, method, {"domain": domain, **arguments})

    def fields_of(self, model: str, names: Sequence[str]) -> Exchange:
        return self._post(model, "fields_get", {"allfields": list(names), "attributes": ["type"]})

    def _post(self, model: str, method: str, body: Mapping[str, Any]) -> Exchange:
        path = f"/json/2/{model}/{method}"
        return self._session.post(path, json=body, asked=write_json(body).decode()).exchange()

    def close(self) -> None:
        self._session.close()


def _json_2_session(access: Access, patience: Patience | None) -> ApiSession:
    headers = {"Authorization": f"bearer {access.secret}"}
    if database := access.options.get("database"):
        headers["X-Odoo-Database"] = database
    return ApiSession(
        access.connection_id,
        access.base_url,
        headers=lambda: headers,
        limits=_LIMITS,
        patience=patience,
    )


class XmlRpcCalls:
    """`execute_kw` of the object service. The domain goes by position: until 16 `search` calls it
    otherwise than `search_read` does."""

    def __init__(self, session: ApiSession, access: Access) -> None:
        self._session = session
        self._access = access
        self._database = access.options.get("database", "")
        self._user: int | None = None
        if not self._database:
            raise FatalError(
                f"{access.connection_id}: name the database in the connection's extra (database)"
            )

    def call(
        self, model: str, method: str, domain: Domain, arguments: Mapping[str, Any]
    ) -> Exchange:
        return self._execute(model, method, [domain], arguments)

    def fields_of(self, model: str, names: Sequence[str]) -> Exchange:
        return self._execute(model, "fields_get", [list(names)], {"attributes": ["type"]})

    def _execute(
        self, model: str, method: str, arguments: list[Any], named: Mapping[str, Any]
    ) -> Exchange:
        if self._user is None:
            self._user = self._authenticate()
        credentials = (self._database, self._user, self._access.secret)
        called = (model, method, arguments, dict(named))
        asked = f"{model}/{method} {write_json([*arguments, named]).decode()}"
        return _post_xml(self._session, _OBJECT, "execute_kw", (*credentials, *called), asked)

    def _authenticate(self) -> int:
        credentials: tuple[Any, ...] = (
            self._database,
            self._access.login,
            self._access.secret,
            {},
        )
        user = read_value(_post_xml(self._session, _COMMON, "authenticate", credentials, "").body)
        # An unknown user, a wrong password and a dead key are all `false`.
        if type(user) is not int:
            raise FatalError(
                f"{self._access.connection_id}: Odoo refuses the login with this password or API"
                " key (encours connect odoo)"
            )
        return user

    def close(self) -> None:
        self._session.close()


def _xml_rpc_session(access: Access, patience: Patience | None) -> ApiSession:
    return ApiSession(
        access.connection_id,
        access.base_url,
        headers=lambda: {"Content-Type": "text/xml"},
        limits=_LIMITS,
        is_error=_xml_rpc_fault,
        reads="any",
        patience=patience,
    )


def _post_xml(
    session: ApiSession, path: str, method: str, arguments: tuple[Any, ...], asked: str
) -> Exchange:
    return session.post(path, data=write_call(method, *arguments), asked=asked).exchange()


def _xml_rpc_fault(response: Response) -> Fault | None:
    """Faults come with status 200. Codes of odoo/addons/base/controllers/rpc.py: 2 a warning to
    the user, 3 wrong credentials, 4 no right to the records; 1 is anything else, as status 500 is,
    and its text a traceback. An API key that died in mid-run is a 3."""
    body = response.body.strip()
    if response.status != 200:
        return None
    if not body.endswith(b"</methodResponse>"):
        return Fault("the answer is no XML-RPC answer, or breaks off", FaultKind.PASSING)
    if b"<fault>" not in body[:1_000]:
        return None
    try:
        read_answer(body)
    except XmlRpcFault as fault:
        return _fault(fault, response.request)
    except ValueError:
        pass
    return Fault("the answer is no XML-RPC answer", FaultKind.PASSING)


def _fault(fault: XmlRpcFault, request: str) -> Fault:
    if fault.faultCode == 3:
        return Fault("the access was refused", FaultKind.CREDENTIALS)
    if fault.faultCode in (2, 4):
        said = vendor_words(str(fault.faultString).partition("\n")[0], request)
        what = "refused by Odoo" if fault.faultCode == 2 else "no right to read these records"
        return Fault(what + (f": {said}" if said else ""))
    return Fault("Odoo failed inside", FaultKind.PASSING)
