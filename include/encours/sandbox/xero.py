"""A stand-in of Xero, for what a receivables pipeline reads of it.

Shapes are those of the published OpenAPI documents (16.1.0); limits, headers and tokens those of
the vendor's pages on them. Where these are silent, it takes what is harder for who reads it:
`If-Modified-Since` leaves its own second out, and a deleted allocation stays in the list, marked.
What its records say is in xero_records.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk, Standing, bearer_token
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.token_office import TokenOffice
from encours.sandbox.xero_records import Item, XeroBooks, id_of, xero_moment

API = "/api.xro/2.0"
TOKEN_LIFE = timedelta(minutes=30)
PAGE_RECORDS, LARGEST_PAGE = 100, 1000

Listing = Callable[[XeroBooks], list[tuple[datetime, Item]]]

LISTINGS: Mapping[str, Listing] = {
    "Contacts": XeroBooks.contacts,
    "Invoices": XeroBooks.invoices,
    "CreditNotes": XeroBooks.credit_notes,
    "Payments": XeroBooks.payments,
    "Overpayments": partial(XeroBooks.credits, kind="Overpayment"),
    "Prepayments": partial(XeroBooks.credits, kind="Prepayment"),
}


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    for requests, seconds, name, remaining in (
        (60, 60.0, "minute", "X-MinLimit-Remaining"),
        (5000, 86400.0, "day", "X-DayLimit-Remaining"),
        (10000, 60.0, "appminute", "X-AppMinLimit-Remaining"),
    ):
        desk.limit(
            requests,
            seconds,
            refuse=partial(_too_many_requests, name),
            inform=partial(_remaining, remaining),
        )
    desk.limit_at_once(5, refuse=partial(_too_many_requests, "concurrent"))
    desk.not_found = lambda: PlainTextResponse("The resource cannot be found.", 404)
    desk.usual_fields = {
        "unknown_value": "Invoices.*.Status",
        "other_type": "Invoices.*.Total",
        "missing_field": "Invoices.*.CurrencyCode",
        "new_field": "Invoices.*.SandboxNewField",
    }
    tenants = _Tenants(world, desk)
    office = TokenOffice(
        world,
        desk,
        TOKEN_LIFE,
        with_tokens={"token_type": "Bearer", "scope": "offline_access"},
        wants_basic=True,
    )
    return [
        *office.routes(""),
        Route("/Connections", tenants.connections),
        Route(f"{API}/Organisation", tenants.guarded(tenants.organisation)),
        *(
            Route(f"{API}/{name}", tenants.guarded(partial(_page, world, name, listing)))
            for name, listing in LISTINGS.items()
        ),
    ]


class _Tenants:
    """The organisations that a token opens: one."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk

    @property
    def _id(self) -> str:
        return id_of("tenant", self._desk.company().entity_id)

    def guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """The answer, for a good token and an organisation that it opens."""

        def guard(request: Request) -> Response:
            if not self._desk.check(bearer_token(request)):
                return _refused(401, "Unauthorized", "TokenExpired: token expired")
            if request.headers.get("Xero-Tenant-Id") != self._id:
                return _refused(403, "Forbidden", "AuthenticationUnsuccessful")
            return answer(request)

        return guard

    def connections(self, request: Request) -> Response:
        if not self._desk.check(bearer_token(request)):
            return _refused(401, "Unauthorized", "TokenExpired: token expired")
        entity = self._desk.company()
        moment = entity.created_at.astimezone(UTC).isoformat(timespec="microseconds")
        return answer_json(
            [
                {
                    "id": id_of("connection", entity.entity_id),
                    "authEventId": id_of("authorisation", entity.entity_id),
                    "tenantId": self._id,
                    "tenantType": "ORGANISATION",
                    "tenantName": entity.entity_name or entity.entity_id,
                    "createdDateUtc": moment,
                    "updatedDateUtc": moment,
                }
            ]
        )

    def organisation(self, request: Request) -> Response:
        entity = self._desk.company()
        name = entity.entity_name or entity.entity_id
        item: Item = {
            "OrganisationID": self._id,
            "APIKey": "sandbox-key-of-the-organisation",
            "Name": name,
            "LegalName": name,
            "PaysTax": True,
            "Version": "GLOBAL",
            "OrganisationType": "COMPANY",
            "OrganisationEntityType": "COMPANY",
            "BaseCurrency": entity.base_currency,
            "CountryCode": "FR",
            "IsDemoCompany": True,
            "OrganisationStatus": "ACTIVE",
            "TaxNumber": f"FR00{entity.siren}" if entity.siren else "",
            "FinancialYearEndDay": 31,
            "FinancialYearEndMonth": 12,
            "CreatedDateUTC": xero_moment(entity.created_at),
            "Timezone": "ROMANCESTANDARDTIME",
            "Edition": "BUSINESS",
            "Class": "DEMO",
            "Addresses": [],
            "Phones": [],
            "ExternalLinks": [],
            "PaymentTerms": {},
        }
        return answer_json(_envelope(self._world, "Organisations", [item]))


# ---------------------------------------------------------------------- listings


def _page(world: World, name: str, listing: Listing, request: Request) -> Response:
    asked = request.query_params
    found = listing(XeroBooks(world))
    if (where := asked.get("where")) is not None:
        wanted = re.fullmatch(r'(\w+)=="(\w+)"', where)
        if wanted is None:
            return _error(400, 16, "QueryParseException", "The where clause cannot be read.")
        found = [each for each in found if each[1].get(wanted[1]) == wanted[2]]
    if name == "Contacts" and asked.get("includeArchived") != "true":
        found = [each for each in found if each[1]["ContactStatus"] != "ARCHIVED"]
    if (since := request.headers.get("If-Modified-Since")) is not None:
        moment = datetime.fromisoformat(since)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = [each for each in found if each[0].replace(microsecond=0) > moment]
    if asked.get("order") == "UpdatedDateUTC ASC":
        found.sort(key=lambda each: each[0])
    size = min(max(int(asked.get("pageSize", PAGE_RECORDS)), 1), LARGEST_PAGE)
    number = int(asked.get("page", 1))
    items = [item for _, item in found[(number - 1) * size : number * size]]
    pages = {
        "page": number,
        "pageSize": size,
        "pageCount": -(-len(found) // size),
        "itemCount": len(found),
    }
    return answer_json(_envelope(world, name, items, pages))


def _envelope(
    world: World, name: str, items: list[Item], pages: Mapping[str, int] | None = None
) -> Item:
    return {
        "Id": id_of("answer", world.clock.isoformat()),
        "Status": "OK",
        "ProviderName": "sandbox",
        "DateTimeUTC": xero_moment(world.clock).replace("+0000", ""),
        **({"pagination": pages} if pages else {}),
        name: items,
    }


# ---------------------------------------------------------------------- limits and refusals


def _too_many_requests(problem: str, standing: Standing) -> Response:
    headers = {"Retry-After": str(standing.retry_after), "X-Rate-Limit-Problem": problem}
    return PlainTextResponse("", 429, headers=headers)


def _remaining(name: str, standing: Standing) -> Mapping[str, str]:
    return {name: str(standing.remaining)}


def _refused(status: int, title: str, detail: str) -> Response:
    return answer_json({"Type": None, "Title": title, "Status": status, "Detail": detail}, status)


def _error(status: int, number: int, kind: str, message: str) -> Response:
    return answer_json({"ErrorNumber": number, "Type": kind, "Message": message}, status)
