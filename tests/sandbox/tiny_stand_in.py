"""A stand-in of no vendor, just large enough to be asked for pages, and the books it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import Customer, Document, Entity, World
from encours.sandbox.desk import Desk, Refused, Standing
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.server import Sandbox

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def small_world() -> World:
    documents = [
        Document(
            document_id=f"F{number}",
            customer_id="C1",
            issue_date=date(2026, 3, 1),
            amount_incl_tax=Decimal(f"{number}00.10"),
            currency_code="EUR",
        )
        for number in range(1, 6)
    ]
    entity = Entity(entity_id="main", entity_name="Essai SAS", siren="999000001")
    return World([entity, Customer(customer_id="C1"), *documents], clock=NOW)


def refuse(standing: Standing) -> Response:
    headers = {"Retry-After": str(standing.retry_after), "X-Limit": str(standing.requests)}
    return PlainTextResponse("tiny: slow down", 429, headers)


def inform(standing: Standing) -> Mapping[str, str]:
    return {"X-Remaining": str(standing.remaining)}


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    """GET /me, /documents?page=N (two a page, the latest first) and /documents/{id}."""
    desk.limit(100, 60, refuse=refuse, inform=inform)
    desk.not_found = lambda: answer_json({"error": "gone"}, 404)

    def authorise(request: Request) -> None:
        if not desk.check_bearer(request):
            raise Refused(answer_json({"error": "bad token"}, 401))

    def record(document: Document) -> dict[str, object]:
        return {
            "id": document.key,
            "amount": document.amount_incl_tax,
            "currency": document.currency_code,
            "status": document.status,
            "customer": {"id": document.customer_id},
        }

    def me(request: Request) -> Response:
        authorise(request)
        return answer_json({"company": desk.company().siren})

    def listing(request: Request) -> Response:
        authorise(request)
        start = 2 * (int(request.query_params.get("page", "1")) - 1)
        latest_first = world.documents[::-1]
        items = [record(document) for document in latest_first[start : start + 2]]
        return answer_json({"items": items, "has_more": start + 2 < len(latest_first)})

    def one(request: Request) -> Response:
        authorise(request)
        document = world.find(Document, request.path_params["id"])
        return answer_json(record(document)) if document else desk.not_found()

    def broken(request: Request) -> Response:
        raise RuntimeError("the stand-in has a mistake")

    return [
        Route("/me", me),
        Route("/documents", listing),
        Route("/documents/{id}", one),
        Route("/broken", broken),
    ]


class Caller:
    """Asks the tiny stand-in of a sandbox, with the token of the demo unless told."""

    def __init__(self, sandbox: Sandbox, token: str = "sandbox") -> None:
        self._sandbox = sandbox
        self._session = requests.Session()
        self._session.trust_env = False
        self.token = token

    def get(self, path: str, page: int | None = None, timeout: float = 5) -> requests.Response:
        return self._session.get(
            f"{self._sandbox.url}/tiny{path}",
            params={} if page is None else {"page": str(page)},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=timeout,
        )

    def ids(self, page: int) -> list[str]:
        return [item["id"] for item in self.get("/documents", page).json()["items"]]

    def close(self) -> None:
        self._session.close()
