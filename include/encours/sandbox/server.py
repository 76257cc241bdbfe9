"""Serves stand-ins on 127.0.0.1, from a thread of this process.

    with Sandbox(read_world(folder)) as sandbox:
        requests.get(f"{sandbox.url}/pennylane/...", headers={"Authorization": "Bearer sandbox"})

One sandbox may serve many tests: `serve(world)` starts anew with other books, in microseconds.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encours.errors import BadInput, RetryableError
from encours.sandbox.books import World
from encours.sandbox.databases import DatabaseFile
from encours.sandbox.desk import Call, Desk, Refused
from encours.sandbox.faults import Answer, Faults, Visit, answer_of, strike_all
from encours.sandbox.stand_ins import STAND_INS, Routes

HOST = "127.0.0.1"
_START_SECONDS = 10.0


class Sandbox:
    """A running server from `with` on. `limits` False: nobody is refused for asking too often
    (a test that is not about limits), `monotonic` is the clock that the limits go by."""

    def __init__(
        self,
        world: World,
        port: int = 0,
        *,
        stand_ins: Mapping[str, Routes] | None = None,
        limits: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stand_ins = STAND_INS if stand_ins is None else stand_ins
        self._port = port
        self._server: _Server | None = None
        self.faults = Faults()
        self.serve(world, limits=limits, monotonic=monotonic)

    def serve(
        self,
        world: World,
        *,
        limits: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Other books from now on: new desks, no faults, nothing counted."""
        self.faults.clear()
        self.world = world
        self._served_here = {
            name: _StandIn(name, routes, world, self.faults, limits, monotonic)
            for name, routes in self._stand_ins.items()
        }

    def desk(self, name: str) -> Desk:
        """The desk of one stand-in: its tokens, limits and the record of calls."""
        return self._served_here[name].desk

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._served_here)

    @property
    def url(self) -> str:
        """Where the stand-ins are mounted, without a slash at the end."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return f"http://{HOST}:{self._server.port}"

    def connection(self, name: str) -> dict[str, Any]:
        """The Airflow connection that reads one stand-in."""
        stand_in = self._served_here[name]
        return stand_in.desk.connection(stand_in.address(f"{self.url}/{name}"))

    def start(self) -> None:
        self._server = _Server(self, self._port)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].split("/")[1] if scope["path"].startswith("/") else ""
        stand_in = self._served_here.get(name)
        if stand_in is None:
            served = ", ".join(f"/{known}" for known in self._served_here)
            await PlainTextResponse(f"served here: {served}", 404)(scope, receive, send)
        else:
            await stand_in(scope, receive, send)


class _StandIn:
    """One stand-in behind its desk: every request is written down, held to the limits, and passes
    the faults before it reaches the stand-in's routes."""

    def __init__(
        self,
        name: str,
        routes: Routes,
        world: World,
        faults: Faults,
        limits: bool,
        monotonic: Callable[[], float],
    ) -> None:
        self.desk = Desk(name, world, monotonic)
        self._app: ASGIApp = ExceptionMiddleware(
            Router(list(routes(world, self.desk)), redirect_slashes=False),
            handlers={Refused: _refused},
        )
        self.desk.enforces_limits = limits
        self._world = world
        self._faults = faults
        self._at_once = 0
        self._previous: dict[str, Answer] = {}
        self._database: DatabaseFile | None = None

    def address(self, url: str) -> str:
        """Where a client finds it: the URL that it is mounted at, or a database of its books."""
        if self.desk.tables is None:
            return url
        if self._database is None:
            self._database = DatabaseFile(self.desk, self._world, self._faults)
        return self._database.write(self.desk.tables())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        desk, at = self.desk, self.desk.monotonic()
        body = await _whole_body(receive)
        query = scope["query_string"].decode("latin-1")
        call = Call(at, scope["method"], scope["path"], query, body)
        desk.calls.append(call)
        self._at_once += 1
        try:
            answer = await self._answer(call, scope, receive)
        finally:
            self._at_once -= 1
        moment = self._world.clock + answer.skew
        headers = [(n, v) for n, v in answer.headers if n.lower() != "date"]
        headers += [
            *desk.informing_headers(at).items(),
            ("date", format_datetime(moment, usegmt=True)),
        ]
        await _send(replace(answer, headers=tuple(headers)), send)

    async def _answer(self, call: Call, scope: Scope, receive: Receive) -> Answer:
        refused = self.desk.admit(call.at, self._at_once)
        if refused is not None:
            return answer_of(refused)

        async def is_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async def serve() -> Answer:
            try:
                return await _served(self._app, _mounted(scope, self.desk.name), call.body)
            except Exception as error:  # noqa: BLE001 (a mistake of the stand-in, for its author)
                self.desk.errors.append(error)
                trace = "".join(traceback.format_exception(error))
                return answer_of(PlainTextResponse(trace, 500))

        visit = Visit(call, self.desk, self._world, self._previous.get(call.path), is_gone)
        answer = await strike_all(self._faults.due(visit), visit, serve)
        if answer.status == 200:
            self._previous[call.path] = answer
        return answer


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response


def _mounted(scope: Scope, name: str) -> Scope:
    """The scope as the routes of a stand-in see it: their paths begin after its name."""
    root = scope.get("root_path", "") + f"/{name}"
    return {**scope, "root_path": root, "app_root_path": root}


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _served(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """What the routes answer, whole: answers of stand-ins are pages, not streams."""
    status = 500
    headers: list[tuple[bytes, bytes]] = []
    parts: list[bytes] = []
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], message["headers"]
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    decoded = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    return Answer(status, decoded, b"".join(parts))


async def _send(answer: Answer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.cut_at is None:
        await send({"type": "http.response.body", "body": answer.body})
        return
    # To return before the body is complete makes the server close the connection.
    await send(
        {"type": "http.response.body", "body": answer.body[: answer.cut_at], "more_body": True}
    )


class _Server:
    """uvicorn in a thread: no signal handlers, no logs, gone when the process is."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        import uvicorn

        # Bound here, so that a port that is taken is this caller's error.
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            loop="asyncio",
            log_config=None,
            log_level=_SILENT,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=60,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="encours-sandbox", daemon=True)
        self._thread.start()
        self._wait_until_started()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._socket])
        # Those whose answer hangs are still connected.
        for connection in list(self._server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)

    def _wait_until_started(self) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > give_up:
                raise RetryableError("the sandbox's server did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        # Nobody is waited for: a caller that hangs is part of what is tested.
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(_START_SECONDS)
        self._socket.close()


# Above CRITICAL: what a fault does to a connection is no news.
_SILENT = 100


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's delay (40 ms an answer) off only where it knows that it is TCP.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise BadInput(f"port {port} cannot be had: {reason}", mend="choose another") from error
    listening.listen(128)
    return listening
