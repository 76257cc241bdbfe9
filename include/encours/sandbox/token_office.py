"""Where a person authorises an app, and where its tokens are issued and renewed (OAuth 2.0,
authorisation code): alike at every vendor but for what the answers say beside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import DEMO_TOKEN, Desk, Grant
from encours.sandbox.json_bodies import answer_json

CLIENT_ID = "sandbox-app"
REDIRECT_URI = "http://127.0.0.1/connected"
CODE_LIFE = timedelta(seconds=60)


@dataclass
class TokenOffice:
    """`life` is that of an access token. `with_code` and `with_tokens` are what the vendor sends
    beside the code and the tokens. `wants_basic`: the app names itself by HTTP Basic, and not in
    the fields of the form. `is_only_way`: the stand-in's connection is that of the app; else it
    bears a key that needs no office."""

    world: World
    desk: Desk
    life: timedelta
    with_code: Mapping[str, str] = field(default_factory=dict)
    with_tokens: Mapping[str, Any] = field(default_factory=dict)
    wants_basic: bool = False
    is_only_way: bool = True
    _codes: dict[str, datetime] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.is_only_way:
            self.desk.login = CLIENT_ID
            self.desk.options = {**self.desk.options, "redirect_uri": REDIRECT_URI}

    def routes(self, root: str) -> list[BaseRoute]:
        """The two addresses that a client of a stand-in takes below its own: `root` is the path
        of the API's address."""
        return [
            Route(f"{root}/oauth/authorize", self.authorize),
            Route(f"{root}/oauth/token", self.tokens, methods=["POST"]),
        ]

    async def authorize(self, request: Request) -> Response:
        code = f"code-{len(self._codes) + 1}"
        self._codes[code] = self.world.clock + CODE_LIFE
        answer = {"code": code, "state": request.query_params.get("state", ""), **self.with_code}
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{urlencode(answer)}", 302)

    async def tokens(self, request: Request) -> Response:
        fields = dict(parse_qsl((await request.body()).decode()))
        if not self._knows_app(request, fields):
            return answer_json({"error": "invalid_client"}, 401)
        grant = self._grant(fields)
        if grant is None:
            return answer_json({"error": "invalid_grant"}, 400)
        return answer_json(
            {
                "access_token": grant.access_token,
                "expires_in": int(self.life.total_seconds()),
                "refresh_token": grant.refresh_token,
                "token_type": "bearer",
                **self.with_tokens,
            }
        )

    def _knows_app(self, request: Request, fields: Mapping[str, str]) -> bool:
        if self.wants_basic:
            named = b64encode(f"{CLIENT_ID}:{DEMO_TOKEN}".encode()).decode()
            return request.headers.get("authorization") == f"Basic {named}"
        return (fields.get("client_id"), fields.get("client_secret")) == (CLIENT_ID, DEMO_TOKEN)

    def _grant(self, fields: Mapping[str, str]) -> Grant | None:
        if fields.get("grant_type") == "refresh_token":
            return self.desk.refresh(fields.get("refresh_token", ""))
        good_until = self._codes.pop(fields.get("code", ""), None)
        if good_until is None or self.world.clock > good_until:
            return None
        return self.desk.issue(lives=self.life)
