"""What every stand-in has at its front desk: tokens, request limits, a record of who asked what.

A stand-in sets up its desk in `routes(world, desk)`: the limits of the vendor and the shape of the
answers that the desk gives in its place. It asks `desk.check(token)` itself, since only it knows
where a request bears its token and how its vendor refuses one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from encours.sandbox.books import World
from encours.sandbox.json_bodies import read_json, write_json
from encours.sandbox.rows import Entity

if TYPE_CHECKING:
    from encours.sandbox.databases import Table

DEMO_TOKEN = "sandbox"


class Refused(Exception):
    """Raised anywhere in a stand-in's route: the response is what the caller gets."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status_code)


@dataclass(frozen=True)
class Call:
    """A request that came in. `at` is in seconds of the desk's monotonic clock, `path` begins with
    the stand-in's name: `/pennylane/customers`; `query` is as it was sent."""

    at: float
    method: str
    path: str
    query: str
    body: bytes = field(default=b"", repr=False)


class CallLog(list[Call]):
    """Every request of one stand-in, in order; refused ones too."""

    def of(self, path: str) -> list[Call]:
        """Those whose path is this, or fits it: `/pennylane/customers/*`."""
        return [call for call in self if fnmatchcase(call.path, path)]

    def by_path(self) -> Counter[str]:
        return Counter(call.path for call in self)

    def most_within(self, seconds: float) -> int:
        """The most requests that came within any window of so many seconds."""
        moments = [call.at for call in self]
        first = most = 0
        for position, at in enumerate(moments):
            while at - moments[first] >= seconds:
                first += 1
            most = max(most, position - first + 1)
        return most


@dataclass(frozen=True)
class Grant:
    """A pair of tokens. `lives` is how long the access token is good for, None for ever."""

    access_token: str
    refresh_token: str
    lives: timedelta | None


@dataclass(frozen=True)
class Standing:
    """Where the caller stands with one limit: `remaining` requests until `resets_in` seconds."""

    requests: int
    seconds: float
    remaining: int
    resets_in: float

    @property
    def retry_after(self) -> int:
        """Whole seconds, as Retry-After wants them."""
        return max(1, math.ceil(self.resets_in))


Refuse = Callable[[Standing], Response]
Inform = Callable[[Standing], Mapping[str, str]]


def refuse_plainly(standing: Standing) -> Response:
    return PlainTextResponse(
        "Too many requests", 429, headers={"Retry-After": str(standing.retry_after)}
    )


def inform_nothing(standing: Standing) -> Mapping[str, str]:
    return {}


@dataclass
class Limit:
    """At most `requests` in any `seconds`. `refuse` is the vendor's 429, `inform` the headers that
    it puts on every answer. Has no clock: `at` comes with each call."""

    requests: int
    seconds: float
    refuse: Refuse = refuse_plainly
    inform: Inform = inform_nothing
    _served: list[float] = field(default_factory=list, repr=False)

    def admit(self, at: float) -> bool:
        """Counts the request, unless it is one too many: those that are refused do not count."""
        self._served = [moment for moment in self._served if at - moment < self.seconds]
        if len(self._served) >= self.requests:
            return False
        self._served.append(at)
        return True

    def standing(self, at: float) -> Standing:
        served = [moment for moment in self._served if at - moment < self.seconds]
        resets_in = served[0] + self.seconds - at if served else 0.0
        return Standing(self.requests, self.seconds, self.requests - len(served), resets_in)


@dataclass
class _Token:
    dies_at: datetime | None = None
    uses_left: int | None = None


class Desk:
    """The front desk of one stand-in, made by the server and handed to `routes`.

    Set by the stand-in: `login` and `options` are what a connection needs beside URL and token,
    `path` what its URL has after the stand-in's name, `scopes` what its token may read, `tables`
    what is in it where it is a database and no server; `usual_fields` says which field of the
    answers a fault concerns where the test does not (`{"unknown_value": "items.*.status"}`);
    `not_found` is the vendor's 404; `read_body` and `write_body` are how a body becomes objects,
    lists and texts and back, JSON unless the vendor answers otherwise.

    For tests: `calls` is every request, `busiest` how many were being answered at once at most,
    `errors` what routes raised: mistakes of the stand-in, answered with 500 and the trace.
    """

    def __init__(self, name: str, world: World, monotonic: Callable[[], float]) -> None:
        self.name = name
        self.world = world
        self.monotonic = monotonic
        self.calls = CallLog()
        self.errors: list[Exception] = []
        self.limits: list[Limit] = []
        self.enforces_limits = True
        self.busiest = 0
        self._at_once: Limit | None = None
        self.login = ""
        self.options: dict[str, str] = {}
        self.path = ""
        self.scopes: tuple[str, ...] = ()
        self.tables: Callable[[], Sequence[Table]] | None = None
        self.usual_fields: dict[str, str] = {}
        self.not_found: Callable[[], Response] = _plain_not_found
        self.read_body: Callable[[bytes], Any] = read_json
        self.write_body: Callable[[Any], bytes] = write_json
        self.is_switched = False
        self.token = DEMO_TOKEN
        self._tokens: dict[str, _Token] = {DEMO_TOKEN: _Token()}
        self._refresh_tokens: dict[str, tuple[str, timedelta | None, int | None]] = {}
        self._issued = 0

    # ------------------------------------------------------------------ tokens

    def check(self, token: str) -> bool:
        """Whether the token is good now. Counts as one use of it."""
        known = self._tokens.get(token)
        if known is None or (known.dies_at is not None and self.world.clock >= known.dies_at):
            return False
        if known.uses_left is not None:
            if known.uses_left <= 0:
                return False
            known.uses_left -= 1
        return True

    def check_bearer(self, request: Request) -> bool:
        """Whether `Authorization: Bearer <token>` (in any case) bears a good token."""
        return self.check(bearer_token(request))

    def allow(self, token: str, *, lives: timedelta | None = None, uses: int | None = None) -> None:
        """Makes a token good: an API key, or one that a test wants to die."""
        dies_at = self.world.clock + lives if lives is not None else None
        self._tokens[token] = _Token(dies_at, uses)

    def issue(self, *, lives: timedelta | None = None, uses: int | None = None) -> Grant:
        """A new pair of tokens; the access token dies after `lives` of the world's clock or after
        so many `uses`, whichever comes first."""
        self._issued += 1
        grant = Grant(
            f"{self.name}-access-{self._issued}", f"{self.name}-refresh-{self._issued}", lives
        )
        self.allow(grant.access_token, lives=lives, uses=uses)
        self._refresh_tokens[grant.refresh_token] = (grant.access_token, lives, uses)
        return grant

    def refresh(self, refresh_token: str) -> Grant | None:
        """A new pair for a refresh token, which is spent by it, as is its access token. None where
        it is spent already or unknown."""
        spent = self._refresh_tokens.pop(refresh_token, None)
        if spent is None:
            return None
        access_token, lives, uses = spent
        self._tokens.pop(access_token, None)
        return self.issue(lives=lives, uses=uses)

    def revoke(self, token: str | None = None) -> None:
        """The token is good no more; without one, no access token is. Refresh tokens live on."""
        if token is None:
            self._tokens.clear()
        else:
            self._tokens.pop(token, None)

    # ------------------------------------------------------------------ limits

    def limit(
        self,
        requests: int,
        seconds: float,
        *,
        refuse: Refuse = refuse_plainly,
        inform: Inform = inform_nothing,
    ) -> None:
        """Adds one of the vendor's limits; the server holds every request to all of them."""
        self.limits.append(Limit(requests, seconds, refuse, inform))

    def limit_at_once(self, requests: int, *, refuse: Refuse = refuse_plainly) -> None:
        """How many requests may be answered at the same time."""
        self._at_once = Limit(requests, 0.0, refuse)

    def admit(self, at: float, at_once: int) -> Response | None:
        """The refusal of the first limit that the request breaks, None for a request within.
        `at_once` are the requests being answered, this one too."""
        self.busiest = max(self.busiest, at_once)
        if not self.enforces_limits:
            return None
        if self._at_once is not None and at_once > self._at_once.requests:
            return self._at_once.refuse(Standing(self._at_once.requests, 0.0, 0, 1.0))
        for limit in self.limits:
            if not limit.admit(at):
                return limit.refuse(limit.standing(at))
        return None

    def refusal(self, retry_after: float) -> Response:
        """The vendor's 429, whatever the limits say: for a storm of them."""
        limit = self.limits[0] if self.limits else Limit(1, 1.0)
        return limit.refuse(Standing(limit.requests, limit.seconds, 0, retry_after))

    def informing_headers(self, at: float) -> Mapping[str, str]:
        return {
            name: value
            for limit in self.limits
            for name, value in limit.inform(limit.standing(at)).items()
        }

    # ------------------------------------------------------------------ who is served

    def company(self) -> Entity:
        """The company that the credentials open. Stand-ins name this one, never `world.entity`:
        once the account is switched it is another."""
        entity = self.world.entity
        if not self.is_switched:
            return entity
        return replace(
            entity,
            entity_id=f"{entity.entity_id}-switched",
            entity_name="Autre dossier de démonstration",
            siren="999000027",
        )

    def connection(self, url: str) -> dict[str, Any]:
        """The Airflow connection that reads this stand-in, into the entity of the books; `url` is
        where it is mounted, or the address of its database."""
        found: dict[str, Any] = {"conn_type": "http", "host": url + self.path}
        if self.login:
            found["login"] = self.login
        found["password"] = self.token
        found["extra"] = {"entity_id": self.world.entity_id, **self.options}
        return found


def bearer_token(request: Request) -> str:
    """The token of the Authorization header; empty without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _plain_not_found() -> Response:
    return PlainTextResponse("Not found", 404)
