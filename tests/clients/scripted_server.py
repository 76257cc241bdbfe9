"""A server on 127.0.0.1 that answers from a script, byte by byte, and a clock that nobody waits
for."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from encours.clients.http import ApiSession, Limits, Patience

DATE = "Thu, 01 Oct 2026 10:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """One request as the server got it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """`sent` bytes of the body leave before the connection ends; `closes` ends it before the
    first byte, `hangs` keeps it silent."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    resets: bool = False
    closes: bool = False
    hangs: bool = False


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), named)


Script = Callable[[Asked], Answer]


class ScriptedServer:
    def __init__(self, script: Script) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.script = script
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._stopping = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._socket.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while asked := _read(lines):
                self.asked.append(asked)
                answer = self.script(asked)
                if answer.hangs:
                    self._stopping.wait(20)
                    return
                if answer.closes:
                    return
                sent = answer.body[: answer.sent] if answer.sent is not None else answer.body
                connection.sendall(_head(answer) + sent)
                if answer.resets:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if answer.resets or answer.sent is not None:
                    return


def _read(lines: Any) -> Asked | None:
    try:
        first = lines.readline().decode("latin-1")
    except OSError:
        return None
    if not first:
        return None
    method, target, _ = first.split(" ")
    headers: dict[str, str] = {}
    while line := lines.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, target, headers, lines.read(int(headers.get("content-length", 0))))


def _head(answer: Answer) -> bytes:
    headers = {"Date": DATE, "Content-Length": str(len(answer.body)), **answer.headers}
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([f"HTTP/1.1 {answer.status} Said", *lines, "", ""]).encode("latin-1")


class StillClock:
    """Time that passes only by sleeping; from several threads."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = 1000.0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds

    def monotonic(self) -> float:
        return self._now

    def patience(self, **values: Any) -> Patience:
        """A patience that waits by this clock."""
        return Patience(**{"sleep": self.sleep, "monotonic": self.monotonic, **values})


@dataclass
class Served:
    server: ScriptedServer
    clock: StillClock

    @property
    def asked(self) -> list[Asked]:
        return self.server.asked

    def session(self, **options: Any) -> ApiSession:
        """A session of the connection `books_1` with a token; waits are exact (no jitter)."""
        patience = {"read_seconds": 5.0, **options.pop("patience", {})}
        return ApiSession(
            options.pop("name", "books_1"),
            options.pop("base_url", self.server.url),
            **{
                "headers": lambda: {"Authorization": "Bearer first-token"},
                "limits": Limits(1000, 1),
                "patience": Patience(
                    sleep=self.clock.sleep,
                    monotonic=self.clock.monotonic,
                    **{"draw": lambda: 0.0, **patience},
                ),
                **options,
            },
        )


@contextmanager
def serve(*answers: Answer | Script) -> Iterator[Served]:
    """The answers in turn, the last one again and again; or what a function gives."""
    waiting = list(answers)
    lock = threading.Lock()

    def script(asked: Asked) -> Answer:
        with lock:
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return answer if isinstance(answer, Answer) else answer(asked)

    server = ScriptedServer(script)
    try:
        yield Served(server, StillClock())
    finally:
        server.stop()
