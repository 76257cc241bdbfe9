"""The app that Airflow's API server serves: reads for those who may read, and for those who may
decide a release or a rollback in two steps, each a plain form.

A decision is a POST with a token that was given out on the confirmation page, to this visitor, for
this act, on this publication: a form of another site, an old page and a second click are refused.
Nothing runs in the browser; the policy that comes with every page forbids it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encours.errors import BadInput, EncoursError
from encours.gate_page.access import Access, NotSignedIn, Visitor
from encours.gate_page.rendering import (
    Attempt,
    Frame,
    render_confirmation,
    render_message,
    render_overview,
)
from encours.gate_page.wording import Wording
from encours.orchestration.control import LONGEST_REASON, SHORTEST_REASON, stated
from encours.orchestration.run_ids import is_run_id

log = logging.getLogger(__name__)

STYLE = Path(__file__).parent / "static" / "gate.css"
ACTIONS = ("release", "rollback")
TOKEN_SECONDS = 3600
LARGEST_FORM_BYTES = 32_000
HEADERS = {
    # No script at all, and no page but Airflow's may show this one.
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self';"
    " frame-ancestors 'self'; base-uri 'none'",
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


class Gate(Protocol):
    """What the page reads and does: `encours status`, `release` and `rollback`."""

    def status(self) -> dict[str, Any]: ...

    def judged_run(self, run_id: str | None) -> dict[str, Any] | None: ...

    def release(self, run_id: str, *, by: str, reason: str, seen: int) -> None: ...

    def roll_back(self, *, by: str, reason: str, seen: int) -> None: ...


class NotAllowed(Exception):
    """The visitor is known and has not this right."""


class NotFromHere(Exception):
    """A form that this page did not give out, or not to this visitor, or too long ago."""


def make_app(gate: Gate, access: Access, *, signing_key: str, language: str) -> ASGIApp:
    page = _Page(gate, access, URLSafeTimedSerializer(signing_key, salt="encours.gate"), language)
    refusals: dict[Any, Any] = {
        NotSignedIn: page.ask_to_sign_in,
        NotAllowed: page.refuse,
        NotFromHere: page.refuse_form,
        EncoursError: page.explain,
        HTTPException: page.know_nothing,
        Exception: page.break_down,
    }
    app = Starlette(
        routes=[
            Route("/gate", page.overview),
            Route("/gate/confirm", page.confirm, methods=["POST"]),
            Route("/gate/decide", page.decide, methods=["POST"]),
            # What a sign-in or the address bar asks for again, without its form.
            Route("/gate/{step}", page.start_again),
            Route("/gate.css", _style),
        ],
        exception_handlers=refusals,
    )
    # Around all of it: what answers a broken request stands outside an app's own middleware.
    return _SafeHeaders(app)


@dataclass(frozen=True)
class _Page:
    gate: Gate
    access: Access
    tokens: URLSafeTimedSerializer
    language: str

    # --- reading -------------------------------------------------------------------------------

    async def overview(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        return await self._overview(
            request,
            visitor,
            asked=request.query_params.get("run") or None,
            done=request.query_params.get("done", ""),
        )

    async def _overview(
        self,
        request: Request,
        visitor: Visitor,
        *,
        asked: str | None = None,
        done: str = "",
        attempt: Attempt | None = None,
    ) -> Response:
        status = await run_in_threadpool(self.gate.status)
        run = await run_in_threadpool(self._shown_run, status, asked)
        frame = self._frame(request, visitor, status)
        page = render_overview(frame, status, run, asked=asked, done=done, attempt=attempt)
        return HTMLResponse(page, 422 if attempt else 404 if asked and run is None else 200)

    def _shown_run(self, status: Mapping[str, Any], asked: str | None) -> dict[str, Any] | None:
        if asked is not None:
            return self.gate.judged_run(asked) if is_run_id(asked) else None
        return self.gate.judged_run(status["held"]["run_id"] if status["held"] else None)

    async def start_again(self, request: Request) -> Response:
        return RedirectResponse(f"{_base(request)}/gate", 303)

    # --- deciding ------------------------------------------------------------------------------

    async def confirm(self, request: Request) -> Response:
        """Shows what would change; changes nothing."""
        visitor = await self._decider(request)
        form = await _form(request)
        action, run_id = form.get("action", ""), form.get("run", "")
        if action not in ACTIONS or (action == "release" and not is_run_id(run_id)):
            raise NotFromHere
        try:
            reason = stated(form.get("reason", ""))
        except BadInput:
            written = form.get("reason", "")
            attempt = Attempt(action, written, self._problem(written))
            asked = form.get("asked") or None
            return await self._overview(request, visitor, asked=asked, attempt=attempt)
        status = await run_in_threadpool(self.gate.status)
        if not _is_possible(status, action, run_id):
            raise BadInput("what was to be decided on is no longer there")
        run = None
        if action == "release":
            run = await run_in_threadpool(self.gate.judged_run, run_id)
        current = status["publication"]
        token = self.tokens.dumps(
            {
                "visitor": visitor.user_id,
                "action": action,
                "run": run_id,
                "seen": current["publication_row"] if current else 0,
            }
        )
        frame = self._frame(request, visitor, status)
        page = render_confirmation(frame, status, run, action=action, reason=reason, token=token)
        return HTMLResponse(page)

    async def decide(self, request: Request) -> Response:
        visitor = await self._decider(request)
        form = await _form(request)
        try:
            agreed = self.tokens.loads(form.get("token", ""), max_age=TOKEN_SECONDS)
        except BadData as error:
            raise NotFromHere from error
        if agreed["visitor"] != visitor.user_id:
            raise NotFromHere
        await run_in_threadpool(self._act, visitor, agreed, form.get("reason", ""))
        return RedirectResponse(f"{_base(request)}/gate?done={agreed['action']}", 303)

    def _act(self, visitor: Visitor, agreed: Mapping[str, Any], reason: str) -> None:
        seen = agreed["seen"]
        if agreed["action"] == "release":
            self.gate.release(agreed["run"], by=visitor.name, reason=reason, seen=seen)
        else:
            self.gate.roll_back(by=visitor.name, reason=reason, seen=seen)
        log.info("%s of run %s by %s", agreed["action"], agreed["run"], visitor.user_id)

    def _problem(self, reason: str) -> str:
        words = Wording(self.language).words
        if len(reason.strip()) < SHORTEST_REASON:
            return words["why_missing"]
        return words["why_too_long"].format(count=LONGEST_REASON)

    # --- who asks ------------------------------------------------------------------------------

    async def _visitor(self, request: Request) -> Visitor:
        visitor = await self.access.visitor(request)
        request.state.visitor = visitor
        if not visitor.may_read:
            raise NotAllowed
        return visitor

    async def _decider(self, request: Request) -> Visitor:
        visitor = await self._visitor(request)
        if not visitor.may_decide:
            raise NotAllowed
        # Browsers say where a request comes from; pages of other sites cannot leave that out.
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise NotFromHere
        return visitor

    # --- what goes wrong -----------------------------------------------------------------------

    async def ask_to_sign_in(self, request: Request, _: Exception) -> Response:
        here = f"{_base(request)}/gate"
        run = request.query_params.get("run", "")
        back_to = f"{here}?run={run}" if is_run_id(run) else here
        login = self.access.login_path(request, back_to)
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(login, 303)
        return self._message(request, 401, "not_signed_in", sign_in=login)

    async def refuse(self, request: Request, _: Exception) -> Response:
        return self._message(request, 403, "not_allowed")

    async def refuse_form(self, request: Request, _: Exception) -> Response:
        return self._message(request, 403, "not_from_here")

    async def explain(self, request: Request, error: Exception) -> Response:
        if isinstance(error, BadInput):
            return self._message(request, 409, "changed", detail=str(error))
        return self._message(request, 503, "busy", detail=str(error))

    async def know_nothing(self, request: Request, error: HTTPException) -> Response:
        return self._message(request, error.status_code, "no_such_page")

    async def break_down(self, request: Request, _: Exception) -> Response:
        return self._message(request, 500, "broken")

    def _message(
        self, request: Request, code: int, message: str, *, detail: str = "", sign_in: str = ""
    ) -> Response:
        visitor = getattr(request.state, "visitor", None)
        frame = self._frame(request, visitor, {})
        page = render_message(frame, message, detail=detail, sign_in=sign_in)
        return HTMLResponse(page, code)

    def _frame(self, request: Request, visitor: Visitor | None, status: Mapping[str, Any]) -> Frame:
        base = _base(request)
        return Frame(
            wording=Wording(self.language, status.get("time_zone")),
            base=base,
            airflow=base.rpartition("/")[0] + "/",
            visitor=visitor,
            is_embedded=request.headers.get("sec-fetch-dest") == "iframe",
        )


def _is_possible(status: Mapping[str, Any], action: str, run_id: str) -> bool:
    if action == "release":
        return bool(status["held"]) and status["held"]["run_id"] == run_id
    return status["earlier"] is not None


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a plain form; one of this page is small."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LARGEST_FORM_BYTES:
        raise NotFromHere
    if request.headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
        raise NotFromHere
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _base(request: Request) -> str:
    """The path that the app is mounted at, behind whatever stands before the server."""
    return str(request.scope.get("root_path", ""))


async def _style(_: Request) -> Response:
    return FileResponse(STYLE, media_type="text/css")


class _SafeHeaders:
    """Sets the headers of safety on every answer, also on those of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_safely)
