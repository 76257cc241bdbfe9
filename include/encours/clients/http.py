"""One vendor's API over HTTP: paced, retried within bounds, and silent about what it carries.

A request either gives a whole answer or one of our errors, whose line names the connection, the
path and how to mend it; bodies, tokens and query values are in no error and no log record.
"""

from __future__ import annotations

import logging
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from encours.clients import wire
from encours.clients.api import Exchange
from encours.clients.json_numbers import read_json, write_json
from encours.clients.oauth import how_to_authorise
from encours.clients.rate_limits import (
    Limits,
    QuotaReached,
    RateLimiter,
    begun_by,
    quota_message,
)
from encours.clients.vendor_messages import refusal
from encours.errors import EncoursError, FatalError, RetryableError, disk_errors

__all__ = [
    "ApiSession",
    "Fault",
    "FaultKind",
    "Limits",
    "Patience",
    "QuotaReached",
    "Response",
    "pause_at_reset",
    "pause_when_spent",
]

log = logging.getLogger(__name__)

Params = Mapping[str, str] | Sequence[tuple[str, str]]

_CHUNK_BYTES = 64 * 1024
_LONGEST_BODY = 64 * 1024 * 1024
# 501 says that an operation does not exist: no other try helps.
_PASSING_STATUSES = {408, 425, 429} | (set(range(500, 600)) - {501, 505})
_SECRET_NAME = re.compile(
    r"api.?key|token|secret|passw|signature|credential|authorization|session|^(key|sig|code)$",
    re.IGNORECASE,
)
_HIDDEN = "hidden"


@dataclass(frozen=True)
class Patience:
    """How long a request is tried, and by which clock; tests replace the last three.

    `seconds` bounds one request with all its tries and waits, apart from waiting for its turn.
    """

    attempts: int = 6
    seconds: float = 300.0
    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    first_wait: float = 1.0
    longest_wait: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random

    def wait(self, tries: int) -> float:
        """Between half and the whole of a wait that doubles with each try."""
        whole = min(self.longest_wait, self.first_wait * 2.0 ** (tries - 1))
        return whole * (1 + self.draw()) / 2


class FaultKind(Enum):
    PASSING = "another try may succeed"
    CREDENTIALS = "the access is not valid any more"
    FATAL = "no other try helps"


@dataclass(frozen=True)
class Fault:
    """What `is_error` found in an answer, whatever its status. `what` is shown as it is: words of
    the vendor go through `vendor_messages.vendor_words` first."""

    what: str
    kind: FaultKind = FaultKind.FATAL


@dataclass(frozen=True)
class Response:
    """One whole answer. `request` is the path with its parameters, secrets hidden; `headers` are
    looked up in any case of letters; `answered_at` is the Date header, on the vendor's clock."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    answered_at: datetime | None

    @cached_property
    def _value(self) -> Any:
        return read_json(self.body)

    def json(self) -> Any:
        """The body, fractions as Decimal; None for 204 and 304, which have none. RetryableError
        for a truncated or HTML body, FatalError for another that is not JSON. Do not change it:
        each call gives the same value."""
        return None if self.status in (204, 205, 304) else self._value

    def exchange(self, stated_total: int | None = None) -> Exchange:
        return Exchange(self.request, self.body, self.answered_at, stated_total)


class _PassingFault(Exception):
    """A fault that another try may not meet. `stated_wait`: seconds, when the vendor says so."""

    def __init__(
        self,
        what: str,
        *,
        stated_wait: float | None = None,
        until: datetime | None = None,
        ends_as: type[RetryableError] | type[FatalError] = RetryableError,
        mend: str = "",
    ) -> None:
        self.what = what
        self.stated_wait = stated_wait
        self.until = until
        self.ends_as = ends_as
        self.mend = mend
        super().__init__(what)


@dataclass(frozen=True)
class _Call:
    """One request to be made. `shown` is its path in logs and errors, `request` in exchanges."""

    method: Literal["GET", "POST"]
    path: str
    params: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes | None
    handled: frozenset[int]
    asked: str
    into: Path | None = None

    @property
    def shown(self) -> str:
        return _printable(self.path.partition("?")[0])

    @property
    def request(self) -> str:
        path, _, query = self.path.partition("?")
        pairs = (*parse_qsl(query, keep_blank_values=True), *self.params)
        shown = [(name, _HIDDEN if _SECRET_NAME.search(name) else value) for name, value in pairs]
        return (
            path + (f"?{urlencode(shown)}" if shown else "") + (f" {self.asked}" * bool(self.asked))
        )


class _File(FileIO):
    """What is downloaded. That it cannot be written is no fault of the connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with disk_errors(path):
            super().__init__(path, "w")

    def write(self, chunk: Any) -> int:
        left = memoryview(chunk)
        with disk_errors(self._path):
            while left:
                left = left[super().write(left) :]
        return len(chunk)


class ApiSession:
    """Requests to one company of one API; may be used by several threads.

    `name` is the connection's id. `headers` is asked before each request. `renew` is called after
    a 401 and says whether there is another token. `is_error` looks at an answer: a text makes an
    answer that would have been accepted, or any other 4xx, a FatalError; a Fault of its kind counts
    whatever the status (a rate limit with status 200, a quota with 403). `pause` gives the seconds
    to wait before the next request, from what an answer says of the remaining quota.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        limits: Limits | Sequence[Limits],
        renew: Callable[[], bool] | None = None,
        is_error: Callable[[Response], str | Fault | None] | None = None,
        pause: Callable[[Response], float] | None = None,
        reads: Literal["json", "any"] = "json",
        patience: Patience | None = None,
        longest_body: int = _LONGEST_BODY,
        allow_http: bool = False,
    ) -> None:
        self.name = name
        self._base_url, is_loopback = _checked_base_url(name, base_url, allow_http=allow_http)
        self._headers = headers
        self._renew = renew
        self._is_error = is_error
        self._pause = pause
        self._reads = reads
        self._patience = patience or Patience()
        self._mend_access = how_to_authorise(name)
        self._longest_body = longest_body
        self._renewing = threading.Lock()
        self._renewals = 0
        all_limits = (limits,) if isinstance(limits, Limits) else tuple(limits)
        self._limiter = RateLimiter(
            name,
            all_limits,
            longest=self._patience.seconds,
            monotonic=self._patience.monotonic,
            sleep=self._patience.sleep,
            # A clock that only a test knows tells no moment of this process.
            begun=begun_by(name, self._base_url)
            if self._patience.monotonic is time.monotonic
            else None,
        )
        self._session = _session(max(limit.concurrent for limit in all_limits), is_loopback)
        # Its warnings and debug lines quote whole addresses, with the values that are asked for.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def get(
        self,
        path: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        *,
        handled: Collection[int] = (),
    ) -> Response:
        """`path` starts with / and comes after the base address; it may hold a query. A status in
        `handled` is returned instead of raised (a 404 that means an empty list)."""
        return self._exchange(
            _Call("GET", path, _pairs(params), headers or {}, None, frozenset(handled), "")
        )

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        handled: Collection[int] = (),
        asked: str = "",
    ) -> Response:
        """A request that reads, by POST: it is retried like any other. `json` and a mapping in
        `data` set the content type. `asked` stands for the body in `Response.request`; it must
        hold no secret."""
        sent = dict(headers or {})
        body = data
        if json is not None:
            body = write_json(json)
            sent = {"Content-Type": "application/json", **sent}
        elif isinstance(data, Mapping):
            body = urlencode(data).encode()
            sent = {"Content-Type": "application/x-www-form-urlencoded", **sent}
        assert body is None or isinstance(body, bytes)
        return self._exchange(
            _Call("POST", path, _pairs(params), sent, body, frozenset(handled), asked)
        )

    def download(self, path: str, into: Path) -> None:
        """A file that need not fit into memory; each try begins it anew. FatalError also where
        `into` cannot be written."""
        self._exchange(_Call("GET", path, (), {}, None, frozenset(), "", into))

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> ApiSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, call: _Call) -> Response:
        if not call.path.startswith("/"):
            raise FatalError(f"{self.name}: the path of a request starts with /, and holds no host")
        trial = _Trial(self, call)
        patience = self._patience
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingFault),
            wait=trial.wait,
            stop=trial.is_over,
            sleep=patience.sleep,
            before_sleep=trial.note,
            retry_error_callback=trial.give_up,
        )
        return retrying(self._attempt, call, trial)

    def _attempt(self, call: _Call, trial: _Trial) -> Response:
        response = self._send(call, trial)
        fault = self._found_fault(call, response)
        if _is_credentials(fault) and self._renewed(trial):
            response = self._send(call, trial)
            fault = self._found_fault(call, response)
        return self._judged(call, response, fault)

    def _send(self, call: _Call, trial: _Trial) -> Response:
        trial.renewals_before = self._renewals
        own = dict(self._headers())
        with self._limiter.turn():
            trial.begin()
            response = self._answer(call, own)
        if self._pause is not None and (seconds := self._pause(response)) > 0:
            self._limiter.note_spent(seconds, _later(response.answered_at, seconds))
        return response

    def _answer(self, call: _Call, own: Mapping[str, str]) -> Response:
        patience = self._patience
        started = patience.monotonic()
        status: int | str = "failed"
        failure: EncoursError | _PassingFault
        try:
            answer = self._session.request(
                call.method,
                self._base_url + quote(call.path, safe="/?&=:@!$'()*+,;~%[]"),
                params=list(call.params),
                headers={**own, **call.headers},
                data=call.body,
                timeout=(patience.connect_seconds, patience.read_seconds),
                allow_redirects=False,
                stream=True,
                auth=wire.unchanged,
            )
            with answer:
                status = answer.status_code
                headers = CaseInsensitiveDict(answer.headers)
                return Response(
                    call.request,
                    answer.status_code,
                    headers,
                    self._body(call, answer, started),
                    wire.read_date(headers.get("Date")),
                )
        except EncoursError as error:
            failure = error
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            UnicodeError,
        ) as error:
            failure = self._failure(call, error)
        finally:
            milliseconds = 1000 * (patience.monotonic() - started)
            log.info("%s %s %s %.0f ms", call.method, call.shown, status, milliseconds)
        # Outside of the handlers: the exceptions of the library quote the whole address.
        raise failure

    def _body(self, call: _Call, answer: requests.Response, started: float) -> bytes:
        """The whole body, decompressed; nothing of a file, whose bytes are on disk. Of a refusal,
        what there is of it: its status tells."""
        is_refused = answer.status_code >= 400
        into = None if is_refused else call.into
        with _File(into) if into else BytesIO() as body:
            try:
                while chunk := answer.raw.read1(_CHUNK_BYTES, decode_content=True):
                    body.write(chunk)
                    if body.tell() > self._longest_body:
                        break
                    # The library's own timeout is between two bytes: a trickle would never end.
                    if self._patience.monotonic() - started > self._patience.seconds:
                        raise urllib3.exceptions.TimeoutError
            except (urllib3.exceptions.HTTPError, OSError):
                if not is_refused:
                    raise
            if body.tell() > self._longest_body and not is_refused:
                what = f"the answer is longer than {self._longest_body} bytes"
                raise self._fatal(call, what, "ask for smaller pages")
            return body.getvalue() if isinstance(body, BytesIO) else b""

    def _failure(self, call: _Call, error: Exception) -> EncoursError | _PassingFault:
        """What happened, without the words of the library."""
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            mend = "check the address; a private authority is named by REQUESTS_CA_BUNDLE"
            return self._fatal(call, "the certificate of the server is not trusted", mend)
        if isinstance(error, requests.exceptions.InvalidHeader | UnicodeError):
            return self._fatal(call, "the credentials hold a sign that no header may hold")
        if isinstance(error, ValueError):
            return self._fatal(call, "the address cannot be used", "check the connection's host")
        if isinstance(error, requests.ConnectTimeout):
            return _PassingFault("no connection in time")
        if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
            return _PassingFault("no answer in time")
        if isinstance(error, requests.ConnectionError):
            return _PassingFault("no connection, or it was closed before the answer")
        return _PassingFault("the answer broke off")

    def _found_fault(self, call: _Call, response: Response) -> Fault | str | None:
        found: Fault | str | None = None
        if self._is_error is not None:
            try:
                found = self._is_error(response)
            except EncoursError:
                found = None  # It could not read the body; the status, or the next step, tells.
        if not isinstance(found, Fault) and response.status == 401 and 401 not in call.handled:
            return Fault("the access was refused", FaultKind.CREDENTIALS)
        return found

    def _renewed(self, trial: _Trial) -> bool:
        """Whether there is another token than the one that was refused."""
        if self._renew is None or trial.has_renewed:
            return False
        trial.has_renewed = True
        with self._renewing:
            # Refresh tokens are often good for one use: whoever waited here uses the new one.
            if self._renewals == trial.renewals_before:
                if not self._renew():
                    return False
                self._renewals += 1
            return True

    def _judged(self, call: _Call, response: Response, fault: Fault | str | None) -> Response:
        """The answer, if it is one."""
        status = response.status
        if isinstance(fault, Fault):
            if fault.kind is FaultKind.PASSING:
                raise self._passing(response, fault.what)
            is_access = fault.kind is FaultKind.CREDENTIALS
            raise self._fatal(call, fault.what, self._mend_access if is_access else "")
        if status in call.handled:
            return response
        if status in _PASSING_STATUSES:
            raise self._passing(response, _refused(response))
        if status == 403:
            raise self._fatal(call, _refused(response), self._mend_access)
        if 300 <= status < 400 and status != 304:
            raise self._fatal(call, *_redirected(response))
        if fault or status >= 400:
            raise self._fatal(call, fault or _refused(response))
        if self._reads == "json":
            _check_json(response)
        return response

    def _passing(self, response: Response, what: str) -> _PassingFault:
        wait = _stated_wait(response)
        until = None if wait is None else _later(response.answered_at, wait)
        if wait is not None:
            self._limiter.pause(wait, until)
        return _PassingFault(what, stated_wait=wait, until=until)

    def _fatal(self, call: _Call, what: str, mend: str = "") -> FatalError:
        return FatalError(self._line(call, what, mend))

    def _line(self, call: _Call, what: str, mend: str) -> str:
        return _printable(f"{self.name}: {call.shown}: {what}" + (f" ({mend})" if mend else ""))


class _Trial:
    """The tries of one request, as tenacity asks about them."""

    def __init__(self, session: ApiSession, call: _Call) -> None:
        self._session = session
        self._patience = session._patience
        self._call = call
        self._started: float | None = None
        self.has_renewed = False
        self.renewals_before = 0

    def begin(self) -> None:
        """From the first turn on: waiting for it is no fault."""
        if self._started is None:
            self._started = self._patience.monotonic()

    def wait(self, state: RetryCallState) -> float:
        stated = _fault_of(state).stated_wait
        if stated is None:
            return self._patience.wait(state.attempt_number)
        # Whoever was told the same moment does not come back at the same moment.
        return stated + self._patience.first_wait * self._patience.draw()

    def is_over(self, state: RetryCallState) -> bool:
        return state.attempt_number >= self._patience.attempts or not self._fits(state)

    def _fits(self, state: RetryCallState) -> bool:
        now = self._patience.monotonic()
        elapsed = now - (now if self._started is None else self._started)
        return elapsed + state.upcoming_sleep <= self._patience.seconds

    def note(self, state: RetryCallState) -> None:
        log.warning(
            "%s %s: %s, try %d, waiting %.1f s",
            self._call.method,
            self._call.shown,
            _fault_of(state).what,
            state.attempt_number,
            state.upcoming_sleep,
        )

    def give_up(self, state: RetryCallState) -> Response:
        fault = _fault_of(state)
        if fault.stated_wait is not None and not self._fits(state):
            message = quota_message(self._session.name, fault.stated_wait, fault.until)
            raise QuotaReached(message, seconds=fault.stated_wait, until=fault.until)
        tries = f"{state.attempt_number} {'tries' if state.attempt_number > 1 else 'try'}"
        mend = fault.mend or "run again later"
        raise fault.ends_as(self._session._line(self._call, f"{fault.what}, after {tries}", mend))


def pause_at_reset(
    remaining: str = "ratelimit-remaining", reset: str = "ratelimit-reset"
) -> Callable[[Response], float]:
    """For vendors that tell what remains and the Unix second at which it is whole again."""

    def pause(response: Response) -> float:
        left, moment = (_number(response.headers.get(name)) for name in (remaining, reset))
        if left is None or left > 0 or moment is None or response.answered_at is None:
            return 0.0
        return max(0.0, moment - response.answered_at.timestamp())

    return pause


def pause_when_spent(remaining: str, seconds: float) -> Callable[[Response], float]:
    """For vendors that tell only what remains of a window of so many seconds."""

    def pause(response: Response) -> float:
        left = _number(response.headers.get(remaining))
        return seconds if left is not None and left <= 0 else 0.0

    return pause


def _is_credentials(fault: Fault | str | None) -> bool:
    return isinstance(fault, Fault) and fault.kind is FaultKind.CREDENTIALS


def _fault_of(state: RetryCallState) -> _PassingFault:
    fault = state.outcome.exception() if state.outcome else None
    assert isinstance(fault, _PassingFault)
    return fault


def _check_json(response: Response) -> None:
    try:
        response.json()
        return
    except RetryableError as error:
        mend = "run again; if it stays so, check the connection's host"
        fault = _PassingFault(str(error), mend=mend)
    except FatalError as error:
        fault = _PassingFault(str(error), ends_as=FatalError, mend="check the connection's host")
    raise fault


def _refused(response: Response) -> str:
    said = refusal(response.body, response.request)
    return f"answered {response.status}" + (f": {said}" if said else "")


def _redirected(response: Response) -> tuple[str, str]:
    """Not followed, not even on the same host: the credentials are for the address that was given.
    A sign-in page is redirected to as well."""
    location = urlsplit(response.headers.get("Location", ""))
    to = f" to {location.scheme}://{location.hostname}" if location.hostname else ""
    return f"answered {response.status}, a redirection{to}", "check the connection's host"


def _stated_wait(response: Response) -> float | None:
    """Seconds, from either form of Retry-After. A date counts from the answer's own Date: the
    clock of this machine may be another. None where nothing usable is said."""
    text = response.headers.get("Retry-After", "").strip()
    seconds = _number(text)
    if seconds is None and response.answered_at and (moment := wire.read_date(text)):
        seconds = (moment - response.answered_at).total_seconds()
    # No wait at all would be a storm of our own.
    return seconds if seconds is not None and seconds > 0 else None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", text.strip()) else None


def _later(moment: datetime | None, seconds: float) -> datetime | None:
    try:
        return moment + timedelta(seconds=seconds) if moment else None
    except OverflowError:
        return None


def _checked_base_url(name: str, base_url: str, *, allow_http: bool) -> tuple[str, bool]:
    """The address without its last slash, and whether it is this machine's own."""

    def refused(what: str) -> FatalError:
        return FatalError(f"{name}: {what} (correct the connection's host)")

    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise refused("the address cannot be read") from None
    if parts.scheme not in ("https", "http") or not host:
        raise refused("the address must start with https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise refused("the address must hold no credentials, no ? and no #")
    is_loopback = wire.is_loopback(host)
    if parts.scheme == "http" and not (is_loopback or allow_http):
        raise refused("http:// would show the credentials to the network, use https://")
    return base_url.rstrip("/"), is_loopback


def _session(concurrent: int, is_loopback: bool) -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=concurrent, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # The environment names proxies and private authorities; neither stands before this machine.
    session.trust_env = not is_loopback
    # Each request says who it is by itself: a kept cookie would be a second answer to that.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "encours"
    return session


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it: the library keeps the reason among the arguments."""
    for _ in range(10):
        if error is None:
            return
        yield error
        reason = getattr(error, "reason", None)
        first = error.args[0] if error.args else None
        error = next(
            (each for each in (reason, first) if isinstance(each, BaseException)),
            error.__cause__ or error.__context__,
        )


def _pairs(params: Params) -> tuple[tuple[str, str], ...]:
    return tuple(params.items() if isinstance(params, Mapping) else params)


def _printable(text: str) -> str:
    """One line, whatever an id of the source holds."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
