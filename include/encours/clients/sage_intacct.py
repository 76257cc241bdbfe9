"""Sage Intacct by its XML gateway (Web Services 3.0), read only.

Sources: recorded exchanges of a public connector (hotgluexyz/tap-intacct, August 2026); the
vendor's pages on queries and on each object (developer.intacct.com, Web Services) and its PHP SDK;
sageintacctsdk 1.28; rows of accounts in a public dbt package (fivetran/dbt_sage_intacct).

Access is a Web Services sender (an id and a password that Sage gives to whoever runs the
connection) and a user of the company who may read Accounts Receivable. The first request asks for
a session and is told the address that takes all others. A session that has ended is refused as a
wrong password is, so the user signs in anew once before that is believed.

What goes wrong arrives with status 200, as `failure` in one of three places; so does the limit on
requests. Each request is a transaction of its own, so rows move while a listing is read: a listing
is ordered by RECORDNO and each page asks for the numbers after the last one, which no row that is
touched or deleted meanwhile can shift.

`WHENMODIFIED` is compared with `>=`. Nothing is left of a deleted record, and what Order Entry
changes it deletes and makes again under another number: the numbers that exist are listed in each
run. Who refers is read before whom it refers to (details, payments, documents, customers).

Not known, and so not relied on:

- how many requests are permitted: 10 in a second are made at most, as other clients do, and the
  gateway's word for too many is obeyed;
- how long a session lives;
- whether `WHENMODIFIED` is GMT everywhere: the overlap of a day covers any time zone;
- what the codes in STATE of a payment's detail mean: only the payment's own state counts.

Not read: lines of invoices (the tables of a document have no amount without tax), customer refunds
(they have no object in this API that was seen), the audit trail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from functools import partial
from itertools import pairwise
from urllib.parse import urlsplit

from encours.clients import wire
from encours.clients.api import Access, Exchange, Window
from encours.clients.http import ApiSession, Fault, FaultKind, Limits, Patience, Response
from encours.clients.pagination import Page, by_cursor
from encours.clients.sage_intacct_records import (
    LISTED,
    MOMENT,
    RECORD_IDS,
    SHAPES,
    number_of,
    read_records,
)
from encours.clients.sage_intacct_xml import (
    Answer,
    Condition,
    Login,
    Query,
    Sender,
    looks_whole,
    read_answer,
    words_of,
    write_login,
    write_query,
)
from encours.clients.vendor_messages import vendor_words
from encours.errors import FatalError, RetryableError

__all__ = ["SageIntacctClient", "open_client", "read_records"]

BASE_URL = "https://api.intacct.com"
PATH = "/ia/xml/xmlgw.phtml"
VENDOR_DOMAIN = ".intacct.com"
# The largest page that the vendor's page on queries allows.
PAGE_IDS = 2_000
PAGE_RECORDS = 1_000

_LIMITS = Limits(requests=10, seconds=1.0)
_TOO_MANY = "rate limit exceeded"
_CODE = re.compile(r"[A-Za-z]{1,6}-?\d{1,12}", re.ASCII)


def open_client(access: Access, *, patience: Patience | None = None) -> SageIntacctClient:
    """Options: `company_id`, `sender_id` and `sender_password`, all needed; `location_id`, the
    entity of a company that has several; `page_size`."""
    return SageIntacctClient(access, patience=patience)


class SageIntacctClient:
    """One company, or one entity of it, as one user sees it."""

    def __init__(self, access: Access, *, patience: Patience | None = None) -> None:
        options = access.options
        self._name = access.connection_id
        self._sender = Sender(_needed(access, "sender_id"), _needed(access, "sender_password"))
        self._login = Login(
            access.login,
            _needed(access, "company_id"),
            access.secret,
            options.get("location_id", ""),
        )
        self._page_records = access.number("page_size", PAGE_IDS, PAGE_RECORDS)
        self._page_ids = access.number("page_size", PAGE_IDS, PAGE_IDS)
        self._patience = patience
        self._base_url = access.base_url or BASE_URL
        # By host: signing in and asking count for one limit where it is the same.
        self._sessions: dict[str, ApiSession] = {}
        self._session_id = ""
        self._endpoint = ("", "")
        self._company = ""

    def company_id(self) -> str:
        """As the gateway names it when the user signs in, with the entity where one is chosen."""
        if not self._session_id:
            self._sign_in()
        return self._company

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        if stream != RECORD_IDS:
            shape = SHAPES[stream]
            query = Query(shape.object, shape.fields, _since(window), self._page_records)
            yield from self._walk(stream, query)
            return
        # One after the other: what each states counts for the whole.
        stated = 0
        for name in LISTED:
            total = 0
            query = Query(SHAPES[name].object, ("RECORDNO",), (), self._page_ids)
            for exchange in self._walk(f"{stream} of {name}", query):
                if exchange.stated_total is not None:
                    total = exchange.stated_total
                    exchange = replace(exchange, stated_total=stated + total)
                yield exchange
            stated += total

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    # ------------------------------------------------------------------ pages

    def _walk(self, what: str, query: Query) -> Iterator[Exchange]:
        return by_cursor(partial(self._page, query), what=f"{self._name} {what}")

    def _page(self, query: Query, last: str | None) -> Page:
        after: tuple[Condition, ...] = (("greaterthan", "RECORDNO", last),) if last else ()
        response, answer = self._ask(replace(query, conditions=(*query.conditions, *after)))
        total, remaining = (
            self._count(query, answer, name) for name in ("totalcount", "numremaining")
        )
        keys = [number_of(name, values) for name, values in answer.records]
        if any(int(later) <= int(earlier) for earlier, later in pairwise(keys)):
            raise FatalError(f"{self._name}: {query.object} does not come in the order asked for")
        return Page(
            # Later pages count what is behind the last number only.
            response.exchange(None if last else total),
            keys,
            has_next=remaining > 0,
            next_cursor=keys[-1] if keys else None,
        )

    def _count(self, query: Query, answer: Answer, name: str) -> int:
        text = answer.listing.get(name, "")
        if not re.fullmatch(r"\d{1,12}", text, re.ASCII):
            raise FatalError(f"{self._name}: a listing of {query.object} has no {name}")
        return int(text)

    # ------------------------------------------------------------------ requests

    def _ask(self, query: Query) -> tuple[Response, Answer]:
        if not self._session_id:
            self._sign_in()
        response, answer = self._post_query(query)
        if answer.failed == "authentication":
            self._sign_in()
            response, answer = self._post_query(query)
        if answer.failed:
            raise self._refused(answer)
        self._note_company(answer)
        return response, answer

    def _note_company(self, answer: Answer) -> None:
        """FatalError where an answer is of another company, or entity, than those before it."""
        company = answer.told.get("authentication.companyid", "").strip()
        location = answer.told.get("authentication.locationid", "").strip()
        # Typed in either case by those who sign in.
        named = f"{company}/{location}".rstrip("/").lower()
        if self._company and named != self._company:
            raise FatalError(
                f"{self._name}: the gateway answers for {named or 'no company'} now, for"
                f" {self._company} before (run again)"
            )
        self._company = named

    def _post_query(self, query: Query) -> tuple[Response, Answer]:
        body = write_query(self._sender, self._session_id, query)
        return self._post(*self._endpoint, body, query.told())

    def _sign_in(self) -> None:
        body = write_login(self._sender, self._login)
        _, answer = self._post(*self._gateway(), body, "getAPISession")
        if answer.failed:
            raise self._refused(answer)
        told = dict(answer.records).get("api", {})
        session_id, endpoint = told.get("sessionid", ""), told.get("endpoint", "")
        if not session_id or not endpoint or "authentication.companyid" not in answer.told:
            raise FatalError(
                f"{self._name}: the answer to signing in names no session, address or company"
            )
        self._note_company(answer)
        self._session_id = session_id
        self._endpoint = self._checked(endpoint)

    def _gateway(self) -> tuple[str, str]:
        """Where a user signs in, in two parts: host and path."""
        try:
            folder = urlsplit(self._base_url).path
        except ValueError:
            folder = ""
        return self._base_url.removesuffix(folder), folder + PATH

    def _checked(self, endpoint: str) -> tuple[str, str]:
        """The address told for all later requests, in two parts. It gets the session and the
        sender's password, so it must be the vendor's, or the host of the connection itself."""
        try:
            parts, own = urlsplit(endpoint), urlsplit(self._base_url)
            host, known = parts.hostname or "", own.hostname or ""
        except ValueError:
            host, known = "", ""
        is_known = host == known or (
            f".{known}".endswith(VENDOR_DOMAIN) and f".{host}".endswith(VENDOR_DOMAIN)
        )
        is_private = parts.scheme == "https" or wire.is_loopback(host) if host else False
        if not is_known or not is_private or not parts.path:
            raise FatalError(
                f"{self._name}: the gateway names an address that is not its own for what follows"
                " (check the connection's host)"
            )
        return f"{parts.scheme}://{parts.netloc}", parts.path

    def _post(self, base_url: str, path: str, body: bytes, told: str) -> tuple[Response, Answer]:
        session = self._sessions.get(base_url)
        if session is None:
            session = self._sessions[base_url] = ApiSession(
                self._name,
                base_url,
                headers=lambda: {"Content-Type": "application/xml"},
                limits=_LIMITS,
                is_error=_fault,
                reads="any",
                patience=self._patience,
            )
        response = session.post(path, data=body, asked=told)
        try:
            return response, read_answer(response.body)
        except ValueError:
            pass
        raise RetryableError(f"{self._name}: an answer cannot be read ({told}; run again)")

    def _refused(self, answer: Answer) -> FatalError:
        who = f"{self._name}: the access was refused"
        return FatalError(f"{who}{_said(answer)} (encours connect sage_intacct)")


def _since(window: Window) -> tuple[Condition, ...]:
    if window.since is None:
        return ()
    moment = window.since.astimezone(UTC).strftime(MOMENT)
    return (("greaterthanorequalto", "WHENMODIFIED", moment),)


def _fault(response: Response) -> Fault | None:
    """Of an answer with status 200. Who is refused as a user is left to the client, which knows
    whether a session ended."""
    if response.status != 200 or looks_whole(response.body):
        return None
    try:
        answer = read_answer(response.body)
    except ValueError:
        if _TOO_MANY in response.body[:4096].decode("utf-8", "replace").lower():
            return Fault("too many requests", FaultKind.PASSING)
        return Fault("the answer is none of the gateway, or breaks off", FaultKind.PASSING)
    if _TOO_MANY in words_of(answer.errors).lower():
        return Fault("too many requests", FaultKind.PASSING)
    if answer.failed == "control":
        return Fault(f"the sender was refused{_said(answer)}", FaultKind.CREDENTIALS)
    if answer.failed == "result":
        return Fault(f"refused by Intacct{_said(answer)}")
    return None


def _said(answer: Answer) -> str:
    """Codes and words of the errors that tell nothing of anyone, after a colon."""
    codes = [error.get("errorno", "") for error in answer.errors]
    said = [f"code {code}" for code in dict.fromkeys(codes) if _CODE.fullmatch(code)]
    if words := vendor_words(words_of(answer.errors[:1])):
        said.append(words)
    return f": {', '.join(said)}" if said else ""


def _needed(access: Access, option: str) -> str:
    value = access.options.get(option, "")
    if not value:
        raise FatalError(
            f"{access.connection_id} has no {option} in its extra (encours connect sage_intacct)"
        )
    return value
